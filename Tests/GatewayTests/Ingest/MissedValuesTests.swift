import MQTT
import Plant
import PlantConfiguration
import TestFixtures
import Testing
import ZooKeeperClient

@testable import Gateway

@Suite("Values that others have heard")
struct MissedValuesTests {
    @Test(
        "When a session has begun anew, what others wrote meanwhile is read; own shards and newer values are left alone"
    )
    func read() async throws {
        try await TreeBed.with { tree in
            let clock = FakeClock()
            let source = ScriptedSource()
            let configuration = try ConfigurationFixture([
                "linekeeper.yaml": soundHead + AlarmTestBed.plantFile
            ]).load()
            let plant = try PlantState(
                configuration.plant, limits: configuration.local.limits, answerFilters: [], echoTopic: "",
                clock: GatewayClock(clock), logger: tree.logger)
            let heard = ["press1", "press2", "press3"].map { "factory/line1/\($0)/temperature" }
            let unknown = "factory/line1/press4/temperature"
            let start = clock.wall
            source.receive(heard.map { ($0, #"{"v":1,"ts":\#(start)}"#) }, at: start)
            for await batch in source.batches {
                _ = plant.take(batch)
                break
            }
            func write(_ topic: String, _ value: Double, at time: Int64) async throws {
                let path = TreeLayout.tags + "/" + topic
                var data: [UInt8] = []
                TagRecord(value: .number(value), quality: .good, sourceTime: time, receivedTime: time, unit: nil)
                    .write(into: &data)
                try await tree.operatorClient.createParents(of: path)
                try await tree.operatorClient.create(path, data: data)
            }
            // The second lies in a shard of our own, the third was heard here last.
            try await write(heard[0], 2, at: start + 100)
            try await write(heard[1], 2, at: start + 100)
            try await write(heard[2], 2, at: start - 100)
            try await write(unknown, 2, at: start + 100)
            let own = ShardMap.shard(of: try TagPath("factory/line1/press2"))
            let newcomers = Collected<Void>()
            let missed = MissedValues(
                source: source, client: tree.operatorClient, plant: plant, owned: { 1 << UInt64(own) },
                beganAnew: { newcomers.append(()) },
                failures: FailureBoard(clock: GatewayClock(clock), logger: tree.logger).log(
                    .missed, began: "", ended: ""), clock: GatewayClock(clock))
            func values() throws -> [Double?] {
                try (heard + [unknown]).map { plant.value(of: try TagPath($0))?.value?.doubleValue }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await missed.run() }
                source.set(.connected(sessionPresent: true))
                source.set(.connecting)
                source.set(.connected(sessionPresent: false))
                try await eventually("the patience") { clock.sleeperCount == 1 }
                #expect(newcomers.all.count == 1)
                #expect(try values() == [1, 1, 1, nil], "others are still writing")
                clock.advance(by: .seconds(2))
                try await eventually("the values", seen: { "\((try? values()) ?? [])" }) {
                    try values() == [2, 1, 1, 2]
                }
                group.cancelAll()
            }
        }
    }
}
