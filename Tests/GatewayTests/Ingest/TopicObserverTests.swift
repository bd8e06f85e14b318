import JSON
import MQTT
import Plant
import PlantConfiguration
import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient

@testable import Gateway

@Suite("Observing what no route takes", .timeLimit(.minutes(2)))
struct TopicObserverTests {
    private static func configuration(observe: String, clientID: String = "") throws -> GatewayConfiguration {
        try ConfigurationFixture([
            "linekeeper.yaml": """
            plant: p
            gateway: g
            mqtt: { broker: "mqtt://127.0.0.1:1", observe: \(observe), replyPrefix: hmi/answers/ }
            tree: { ensemble: 127.0.0.1:2 }
            routes:
              - { name: m, topic: "factory/{l}/{m}/{k}", device: "factory/{l}/{m}", payload: number }
              - { name: z, topic: "zigbee/{n...}/state", device: "zigbee/{n}", payload: number }
            commands:
              - { name: go, devices: factory/+/+, topic: "{device}/cmd/go", execution: atMostOnce,
                  answer: { topic: "{device}/cmd/done", id: /id, succeeded: { /ok: true } } }
              - { name: all, devices: "zigbee/#", topic: "{device}/cmd/all", execution: atMostOnce }
            """
        ]).load()
    }

    private static func observation(_ configuration: GatewayConfiguration) throws -> Observation {
        let answers = try configuration.plant.answerFilters()
        return Observation(configuration.local, configuration.plant, answerFilters: answers)
    }

    @Test(
        "what is subscribed to for it has no filter that another one covers, or that the routes bring in any case",
        arguments: [
            ("[\"#\", \"tele/#\", \"$SYS/#\"]", ["#", "$SYS/#"]), ("[\"zigbee/+/set\", \"tele/#\"]", ["tele/#"]),
            ("[\"factory/+/+/x\", \"zigbee/#\"]", []), ("[]", []), ("[\"factory/#\"]", ["factory/#"]),
        ])
    func subscriptions(observe: String, filters: [String]) throws {
        let subscriptions = try Self.observation(Self.configuration(observe: observe)).subscriptions
        #expect(subscriptions.map(\.filter) == filters)
        #expect(subscriptions.allSatisfy { $0.qos == .atMostOnce })
    }

    @Test("what the routes subscribe to is the same, whatever is observed, and the broker keeps nothing for observing")
    func connections() throws {
        let configuration = try Self.configuration(observe: "[\"#\"]")
        let identity = GatewayIdentity.ofThisProcess(gateway: "g", version: "1", started: 1)
        let connections = BrokerConnections(local: configuration.local, identity: identity)
        let observing = try connections.observing()
        #expect(observing.clientID == "linekeeper-p-g-observe" && observing.cleanStart && observing.will == nil)
        #expect(observing.sessionExpiry == .zero && observing.companions == nil && observing.startsSuspended)
        #expect(try connections.listening().clientID == "linekeeper-p-g")
        let listening = BrokerConnections.subscriptions(
            routes: configuration.plant.routes, answerFilters: [], echoTopic: "echo")
        #expect(listening.map(\.filter) == ["echo", "factory/+/+/+", "zigbee/#"])
    }

    @Test("messages are counted by the beginnings of their topics and become nothing else")
    func counts() async throws {
        let configuration = try Self.configuration(observe: "[\"#\"]")
        let plant = try PlantState(
            configuration.plant, limits: configuration.local.limits,
            answerFilters: [try TopicFilter("factory/+/+/cmd/done")], echoTopic: "echo",
            observation: try Self.observation(configuration), clock: GatewayClock(FakeClock()),
            logger: TestTree.logger)
        let source = ScriptedSource()
        let observer = TopicObserver(source: source, plant: plant)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await observer.run() }
            // More than it looks at under one lock.
            source.receive((0..<1_000).map { ("tele/plug\($0 % 2)/SENSOR", "\($0)") }, at: 1)
            source.receive(
                [
                    ("factory/l1/m1/t", "1"), ("zigbee/a/b/state", "1"), ("linekeeper/p/alarms/x", "1"),
                    ("factory/l1/m1/cmd/go", "{}"), ("factory/l1/m1/cmd/done", "{}"), ("hmi/answers/7", "{}"),
                    ("office/lamp", ""),
                ], at: 2)
            try await eventually("everything is counted") { plant.unrouted.rows.count == 3 }
            group.cancelAll()
            source.finish()
        }
        #expect(
            plant.unrouted.rows.map { "\($0.prefix) \($0.messages)" } == [
                "tele/plug0/# 500", "tele/plug1/# 500", "office/lamp 1",
            ])
        #expect(plant.unrouted.further == 0 && plant.unwrittenShards == 0 && plant.newestBatch == 0)
        #expect(plant.numbers.first { $0.name == "messages" }?.value == 0)
        #expect(source.acknowledged == 0)
    }

    @Test("a broker that refuses what is observed is a problem of its own, and none of the routes' subscriptions")
    func refused() async throws {
        let clock = FakeClock()
        let health = FailureBoard(clock: GatewayClock(clock), logger: TestTree.logger)
        let status = Mutex(MQTTSubscriptionStatus(connected: true, pending: 0, refused: ["#": .notAuthorized]))
        let watch = HealthWatch(
            sights: .init(
                tree: { .closed }, listening: { .connected(sessionPresent: true) },
                publishing: { .connected(sessionPresent: true) },
                subscriptions: { MQTTSubscriptionStatus(connected: true, pending: 0, refused: [:]) },
                observingFailure: { status.withLock { $0.failure(on: .connected(sessionPresent: false)) } },
                retainsMessages: { true }, isSilent: { false }, fullTables: { [] }),
            health: health, clock: GatewayClock(clock))
        func kinds() -> [String] { health.problems.map(\.kind).filter { $0 != "tree" } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await watch.run() }
            func pass(_ seconds: Int) async throws {
                for _ in 0..<seconds {
                    try await eventually("a look") { clock.sleeperCount == 1 }
                    clock.advance(by: HealthWatch.interval)
                }
                try await eventually("a look") { clock.sleeperCount == 1 }
            }
            try await pass(7)
            #expect(kinds() == ["observing"])
            #expect(health.problems.first { $0.kind == "observing" }?.cause.hasPrefix("#: ") == true)
            #expect(GatewayFault.severity(of: "observing") == .degraded)
            status.withLock { $0 = MQTTSubscriptionStatus(connected: true, pending: 0, refused: [:]) }
            try await pass(2)
            #expect(kinds() == [])
            group.cancelAll()
        }
    }

    @Test("without a connection the reason is its own")
    func away() {
        let status = MQTTSubscriptionStatus()
        #expect(status.failure(on: .connecting) == "\(MQTTConnectionState.connecting)")
        #expect(status.failure(on: .connected(sessionPresent: false)) == nil)
    }
}
