import OrderedCollections
import Plant
import PlantConfiguration
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import Gateway

@Suite("Following what the gateways say about themselves", .timeLimit(.minutes(5)))
struct StatusFollowerTests {
    private func status(_ gateway: String, failing kinds: [String] = []) -> [UInt8] {
        GatewayStatusRecord(
            gateway: gateway, life: "1", at: 1_000, broker: "",
            problems: kinds.map { GatewayProblem(kind: $0, since: 900, text: "", cause: "") }, counters: [:]
        ).serialized()
    }

    @Test(
        "a fault that appears in a status is a value and a pending alarm at once; garbage and foreign names are nobody's"
    )
    func follows() async throws {
        try await TreeBed.with { tree, group in
            let clock = FakeClock(wall: 2_000)
            let configuration = try ConfigurationFixture([
                "linekeeper.yaml": soundHead + AlarmTestBed.plantFile
            ]).load()
            let plant = try PlantState(
                configuration.plant, limits: configuration.local.limits, answerFilters: [], echoTopic: "",
                clock: GatewayClock(clock), logger: tree.logger)
            let wakes = ServiceWakes(deliveries: [])
            let follower = StatusFollower(
                client: tree.operatorClient, plant: plant, wakes: wakes,
                health: FailureBoard(clock: GatewayClock(clock), logger: tree.logger), clock: GatewayClock(clock),
                logger: tree.logger)
            group.addTask { try await follower.run() }
            let paths = try ["a", "b"].map { try TagPath("linekeeper/gateways/\($0)/broker") }
            try await tree.operatorClient.create("/status/a", data: status("a"))
            try await tree.operatorClient.create("/status/garbage", data: Array("{".utf8))
            try await tree.operatorClient.create("/status/b", data: status("a", failing: ["tags"]))
            try await eventually("the gateway is known") {
                plant.value(of: try TagPath("linekeeper/gateways/a/absent")) != nil
            }
            #expect(plant.value(of: paths[0]) == nil && !plant.pendingTransitions.isWaiting)
            _ = try await tree.operatorClient.setData("/status/a", data: status("a", failing: ["broker"]))
            try await eventually("the fault") { plant.value(of: paths[0])?.value == 2 }
            #expect(plant.pendingTransitions.isWaiting)
            var turns = wakes.alarms.turns.makeAsyncIterator()
            await turns.next()
            #expect(plant.value(of: try TagPath("linekeeper/gateways/a/tags")) == nil)
        }
    }

    @Test("a folder that may not be read is a failure that lasts, and read again when it may be")
    func refused() async throws {
        try await TreeBed.with { tree, group in
            let clock = FakeClock(wall: 2_000)
            let lines = LogLines()
            let configuration = try ConfigurationFixture([
                "linekeeper.yaml": soundHead + AlarmTestBed.plantFile
            ]).load()
            let plant = try PlantState(
                configuration.plant, limits: configuration.local.limits, answerFilters: [], echoTopic: "",
                clock: GatewayClock(clock), logger: tree.logger)
            let health = FailureBoard(clock: GatewayClock(clock), logger: lines.logger)
            _ = try await tree.operatorClient.setACL(
                TreeLayout.statuses, acl: [ACL(permissions: [.create, .delete, .admin], scheme: "world", id: "anyone")])
            let follower = StatusFollower(
                client: tree.operatorClient, plant: plant, wakes: ServiceWakes(deliveries: []), health: health,
                clock: GatewayClock(clock), logger: tree.logger)
            group.addTask { try await follower.run() }
            try await eventually("a problem") {
                clock.advance(by: .seconds(1))
                return health.problems.map(\.kind) == ["gateways"]
            }
            _ = try await tree.operatorClient.setACL(TreeLayout.statuses, acl: ACL.worldAll)
            try await eventually("no problem") {
                clock.advance(by: .seconds(1))
                return health.problems.isEmpty
            }
            #expect(health.recovered.map(\.kind) == ["gateways"])
        }
    }
}
