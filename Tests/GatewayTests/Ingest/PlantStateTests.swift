import Logging
import MQTT
import PlantClient
import PlantConfiguration
import TestFixtures
import Testing

@testable import Gateway
@testable import MQTT

@Suite("PlantState")
struct PlantStateTests {
    @Test("maxTopics topics are taken, also long ones of as many devices, and not one more")
    func maxTopics() throws {
        let count = 52_000
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": soundHead + """
                limits: { maxTopics: \(count) }
                routes:
                  - { name: all, topic: "factory/{device}/{metric}", device: "factory/{device}", payload: number }
                """
        ])
        let configuration = try fixture.load()
        let plant = try PlantState(
            configuration.plant, limits: configuration.local.limits, answerFilters: [], echoTopic: "", clock: .system,
            logger: Logger(label: "test"))
        let padding = String(repeating: "x", count: 400)
        for start in stride(from: 0, to: count + 1, by: 1_000) {
            var batch = BatchBuilder(reservingMessages: 1_000, bytes: 500_000)
            for number in start..<min(start + 1_000, count + 1) {
                Array("factory/\(number)/\(padding)".utf8).withUnsafeBytes { topic in
                    [UInt8(ascii: "7")].withUnsafeBytes { payload in
                        _ = batch.append(
                            topic: topic, payload: payload, qos: .atLeastOnce, retain: false, properties: nil,
                            receivedAtMs: WallClock.now())
                    }
                }
            }
            _ = plant.take(batch.finish())
        }
        let numbers = Dictionary(plant.numbers.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        #expect(numbers["tags"] == UInt64(count) && numbers["devices"] == UInt64(count))
        #expect(numbers["tableFull"] == 1)
    }

    @Test("A shard that gets its first change after it was looked which shards have any is not passed over")
    func changesMeanwhile() throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": soundHead + """
                routes:
                  - { name: all, topic: "factory/{device}/{metric}", device: "factory/{device}", payload: number }
                """
        ])
        let configuration = try fixture.load()
        let plant = try PlantState(
            configuration.plant, limits: configuration.local.limits, answerFilters: [], echoTopic: "", clock: .system,
            logger: Logger(label: "test"))
        func hear(_ device: String) {
            var batch = BatchBuilder(reservingMessages: 1, bytes: 100)
            Array("factory/\(device)/speed".utf8).withUnsafeBytes { topic in
                [UInt8(ascii: "7")].withUnsafeBytes { payload in
                    _ = batch.append(
                        topic: topic, payload: payload, qos: .atLeastOnce, retain: false, properties: nil,
                        receivedAtMs: WallClock.now())
                }
            }
            _ = plant.take(batch.finish())
        }
        hear("a")
        let looked = plant.unwrittenShards
        #expect(looked.nonzeroBitCount == 1)
        // Of so many devices one at least is of another shard.
        for number in 0..<100 { hear("b\(number)") }
        #expect(plant.unwrittenShards != looked)
        let first = plant.takeChanged(ownedBy: looked, among: looked, limit: 1_000)
        #expect(!first.writes.isEmpty && first.isMore)
        let rest = plant.takeChanged(ownedBy: .max, among: plant.unwrittenShards, limit: 1_000)
        #expect(first.writes.count + rest.writes.count == 101 && !rest.isMore)
        hear("a")
        let others = plant.takeChanged(ownedBy: 0, among: looked, limit: 1_000)
        #expect(others.writes.isEmpty && !others.isMore, "what another gateway owns does not hold up the gate")
    }
}
