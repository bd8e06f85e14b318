import Logging
import Plant
import PlantConfiguration
import SparkplugB
import Synchronization
import TestFixtures
import Testing

@testable import Gateway
@testable import MQTT

@Suite("RebirthRequester: who asks edge nodes for births")
struct RebirthRequesterTests {
    private final class Bed: Sendable {
        let plant: PlantState
        let broker = ScriptedBroker()
        let clock = FakeClock()
        let flag = Flag()
        let requester: RebirthRequester<ScriptedBroker>

        init() throws {
            let configuration = try ConfigurationFixture([
                "linekeeper.yaml": soundHead
                    + "routes: [{ name: s, topic: \"spBv1.0/#\", payload: sparkplug }]"
            ]).load()
            let clock = GatewayClock(clock)
            let (broker, flag) = (broker, flag)
            plant = try PlantState(
                configuration.plant, limits: configuration.local.limits, answerFilters: [], echoTopic: "",
                clock: clock, logger: Logger(label: "test"))
            plant.brokerConnected()
            requester = RebirthRequester(
                plant: plant, publisher: broker, isActive: { flag.value.load(ordering: .relaxed) }, clock: clock)
        }

        final class Flag: Sendable {
            let value = Atomic(false)
        }

        func hear(_ type: SparkplugMessageType, sequence: UInt64) {
            let metric = SparkplugMetric(name: "a", type: .int32, value: .int(1))
            let time = UInt64(clock.wall)
            let payload = SparkplugPayload(timestamp: time, sequence: sequence, metrics: [metric]).encoded
            var batch = BatchBuilder(reservingMessages: 1, bytes: 1_000)
            Array("spBv1.0/g/\(type.name)/e".utf8).withUnsafeBytes { topic in
                payload.withUnsafeBytes { payload in
                    _ = batch.append(
                        topic: topic, payload: payload, qos: .atMostOnce, retain: false, properties: nil,
                        receivedAtMs: clock.wall)
                }
            }
            _ = plant.take(batch.finish())
        }

        /// A turn after so many seconds in which time passed.
        func turn(after seconds: Int) async {
            for _ in 0..<seconds * 2 {
                clock.advance(by: .milliseconds(500))
                _ = plant.advance(raisesUnheard: false)
            }
            await requester.turn()
        }

        var requests: [ScriptedBroker.Message] { broker.messages(on: "spBv1.0/g/NCMD/e") }
    }

    // Assertions: topics-ncmd-mqtt, payloads-ncmd-qos, payloads-ncmd-retain,
    // operational-behavior-data-commands-ncmd-rebirth-verb, operational-behavior-data-commands-ncmd-rebirth-name,
    // operational-behavior-data-commands-ncmd-rebirth-value
    @Test("the active one asks, once, for what it has not heard; with QoS 0, and not retained")
    func active() async throws {
        let bed = try Bed()
        bed.flag.value.store(true, ordering: .relaxed)
        await bed.turn(after: 1)
        bed.hear(.nodeData, sequence: 5)
        await bed.turn(after: 3)
        await bed.turn(after: 3)
        let request = try #require(bed.requests.first)
        #expect(bed.requests.count == 1)
        #expect(request.qos == .atMostOnce && !request.retain)
        let payload = try SparkplugPayload(request.payload.span)
        #expect(payload.metrics.map(\.name) == ["Node Control/Rebirth"])
        #expect(payload.metrics.map(\.value) == [.bool(true)])
        bed.hear(.nodeBirth, sequence: 0)
        await bed.turn(after: 120)
        #expect(bed.requests.count == 1)
    }

    @Test("a standby asks later for what all may have missed, and has nothing to ask when it becomes active")
    func standby() async throws {
        let bed = try Bed()
        await bed.turn(after: 1)
        bed.hear(.nodeBirth, sequence: 0)
        bed.hear(.nodeData, sequence: 5)
        for _ in 0..<11 { await bed.turn(after: 1) }
        #expect(bed.requests.isEmpty)
        for _ in 0..<40 where bed.requests.isEmpty { await bed.turn(after: 1) }
        #expect(bed.requests.count == 1)
        bed.hear(.nodeBirth, sequence: 0)
        bed.flag.value.store(true, ordering: .relaxed)
        for _ in 0..<120 { await bed.turn(after: 1) }
        #expect(bed.requests.count == 1)
    }

    @Test("a standby asks for nothing that the answer to the active one's request has brought")
    func served() async throws {
        let bed = try Bed()
        await bed.turn(after: 1)
        bed.hear(.nodeBirth, sequence: 0)
        bed.hear(.nodeData, sequence: 5)
        for _ in 0..<5 { await bed.turn(after: 1) }
        bed.hear(.nodeBirth, sequence: 0)
        for _ in 0..<120 { await bed.turn(after: 1) }
        #expect(bed.requests.isEmpty)
    }

    @Test("one that was started asks at once, also as a standby")
    func started() async throws {
        let bed = try Bed()
        await bed.turn(after: 1)
        bed.hear(.nodeData, sequence: 5)
        for _ in 0..<3 { await bed.turn(after: 1) }
        #expect(bed.requests.count == 1)
    }

    @Test("a request that cannot be published does not count, and is published as soon as it can be")
    func unpublished() async throws {
        let bed = try Bed()
        bed.flag.value.store(true, ordering: .relaxed)
        bed.broker.refuse("spBv1.0/g/NCMD")
        await bed.turn(after: 1)
        bed.hear(.nodeData, sequence: 5)
        for _ in 0..<10 { await bed.turn(after: 1) }
        #expect(bed.requests.isEmpty && bed.broker.attempts.count > 4)
        bed.broker.refuse()
        await bed.turn(after: 1)
        #expect(bed.requests.count == 1)
        for _ in 0..<20 { await bed.turn(after: 1) }
        #expect(bed.requests.count == 1)
    }

    @Test("without a connection nothing is taken, and it is asked once there is one")
    func withoutConnection() async throws {
        let bed = try Bed()
        bed.flag.value.store(true, ordering: .relaxed)
        bed.broker.setConnected(false)
        await bed.turn(after: 1)
        bed.hear(.nodeData, sequence: 5)
        await bed.turn(after: 60)
        #expect(bed.broker.attempts.isEmpty)
        bed.broker.setConnected(true)
        await bed.turn(after: 0)
        for _ in 0..<40 where bed.requests.isEmpty { await bed.turn(after: 1) }
        #expect(bed.requests.count == 1)
        bed.hear(.nodeBirth, sequence: 0)
        for _ in 0..<120 { await bed.turn(after: 1) }
        #expect(bed.requests.count == 1)
    }
}
