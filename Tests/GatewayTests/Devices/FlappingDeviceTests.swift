import Plant
import PlantConfiguration
import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@testable import Gateway

@Suite("A device that flaps, in the tree and in the log", .timeLimit(.minutes(2)))
struct FlappingDeviceTests {
    private static let path = TreeLayout.devices + "/factory/press1"

    /// The devices' half of a gateway, with a clock that stands still.
    private struct Bed: Sendable {
        let client: ZooKeeperClient
        let plant: PlantState
        let source = ScriptedSource()
        let wakes = ServiceWakes(deliveries: [])
        let clock = FakeClock(wall: 1_767_225_600_000)
        let lines = LogLines()
        let keeper: DeviceKeeper

        init(_ client: ZooKeeperClient, _ lease: Lease) throws {
            self.client = client
            let configuration = try ConfigurationFixture([
                "linekeeper.yaml": soundHead + """
                    routes:
                      - name: machines
                        topic: "factory/{machine}/{metric}"
                        device: "factory/{machine}"
                        payload: number
                        presence: { topic: "{device}/status" }
                        flapping: { losses: 3 }
                    """
            ]).load()
            let plant = try PlantState(
                configuration.plant, limits: configuration.local.limits, answerFilters: [], echoTopic: "",
                clock: GatewayClock(clock), logger: lines.logger)
            self.plant = plant
            plant.brokerConnected()
            keeper = DeviceKeeper(
                client: client, gateway: "g", plant: plant,
                owned: { (Array(repeating: lease, count: TreeLayout.shardCount), .max) }, turns: wakes.devices,
                health: FailureBoard(clock: GatewayClock(clock), logger: lines.logger), clock: .system)
        }

        func say(_ word: String) {
            let messages = [(topic: "factory/press1/status", payload: word)]
            _ = plant.take(source.batch(of: messages, at: clock.wall))
            wakes.all()
        }

        func pass(_ time: Duration) {
            clock.advance(by: time)
            _ = plant.advance(raisesUnheard: false)
            wakes.all()
        }

        func record() async throws -> (record: DeviceRecord?, version: Int32) {
            let node = try await client.getData(FlappingDeviceTests.path)
            return (DeviceRecord(data: node.data ?? []), node.stat.version)
        }

        /// Until the tree says so.
        func see(_ state: DeviceState, flaps: Bool = false) async throws {
            try await eventually("\(state), \(flaps)") {
                guard try await client.exists(FlappingDeviceTests.path) != nil else { return false }
                let record = try await record().record
                let isThere = try await client.exists(FlappingDeviceTests.path + "/@online") != nil
                return record?.state == state && (record?.flapping != nil) == flaps && isThere == (state == .online)
            }
        }
    }

    /// Given a device that goes and comes, when it has gone three times, then its node stands still until it stays.
    @Test("its node is written when it begins to flap and when that is over, and the log says both once")
    func flaps() async throws {
        try await TreeBed.with { tree, group in
            let client = try await tree.client(in: &group)
            let election = LeaderElection(
                client: client, path: TreeLayout.shard(0), identity: Array("g".utf8), logger: tree.logger)
            group.addTask { try await election.run() }
            var lease: Lease?
            for await event in election.events() {
                if case .elected(let won) = event {
                    lease = won
                    break
                }
            }
            let bed = try Bed(client, try #require(lease))
            group.addTask { try await bed.keeper.run() }
            for _ in 0..<2 {
                bed.say("online")
                try await bed.see(.online)
                bed.say("offline")
                try await bed.see(.offline)
            }
            bed.say("online")
            try await bed.see(.online)
            bed.say("offline")
            try await bed.see(.offline, flaps: true)
            let begun = try await bed.record()
            #expect(begun.record?.flapping == 1_767_225_600_000)
            for _ in 0..<50 {
                bed.say("online")
                bed.pass(.seconds(5))
                bed.say("offline")
                bed.pass(.seconds(5))
            }
            bed.say("online")
            bed.pass(.seconds(30))
            bed.pass(.seconds(30))
            try await bed.see(.online)
            #expect(try await bed.record().version == begun.version + 1, "one write at its end")
            #expect(bed.lines.count("warning a device flaps") == 1, "\(bed.lines.all)")
            #expect(bed.lines.count("notice a device has ceased to flap") == 1, "\(bed.lines.all)")
        }
    }
}
