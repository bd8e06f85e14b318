import Logging
import MQTT
import Plant
import PlantConfiguration
import Primitives
import ServiceLifecycle
import SparkplugB
import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperRecipes

@testable import Gateway

/// A tree, a real broker behind a proxy, and an edge node that listens to the STATE of the host `h`; gateways as far as they are
/// that host.
final class HostTestBed: Sendable {
    static let topic = "spBv1.0/STATE/h"

    let tree: TreeBed
    let broker: Mosquitto
    /// Between the host's connections and the broker; the edge node does not go through it.
    let proxy: FaultProxy
    let ear: BrokerLink
    /// A real election node, so that writes are checked against it.
    let lease: Lease
    private let sink: Sink

    private final class Sink: Sendable {
        let messages = Mutex<[BrokerLink.Message]>([])
    }

    private init(
        _ tree: TreeBed, _ broker: Mosquitto, _ proxy: FaultProxy, _ ear: BrokerLink, _ sink: Sink, _ lease: Lease
    ) {
        self.tree = tree
        self.broker = broker
        self.proxy = proxy
        self.ear = ear
        self.sink = sink
        self.lease = lease
    }

    static func with(
        _ body: @Sendable (HostTestBed, inout ThrowingTaskGroup<Void, any Error>) async throws -> Void
    ) async throws {
        try await TreeBed.with { tree, group in
            let broker = try await Mosquitto()
            let proxy = try FaultProxy(target: broker.port)
            let sink = Sink()
            let ear = try await BrokerLink(
                port: broker.port, clientID: "edge", subscriptions: [topic, "STATE/h"]
            ) { message in sink.messages.withLock { $0.append(message) } }
            let election = LeaderElection(
                client: tree.operatorClient, path: TreeLayout.alarmProcessor, identity: [], logger: tree.logger)
            group.addTask { try await election.run() }
            let lease = try await eventuallyValue("the lease") { election.lease }
            do {
                try await body(HostTestBed(tree, broker, proxy, ear, sink, lease), &group)
            } catch {
                await ear.close()
                proxy.close()
                throw error
            }
            await ear.close()
            proxy.close()
        }
    }

    /// What has come on that topic, in order.
    func heard(on topic: String = topic) -> [BrokerLink.Message] {
        sink.messages.withLock { $0 }.filter { $0.topic == topic }
    }

    var states: [HostStatePayload] { heard().compactMap { HostStatePayload($0.payload.span) } }

    /// Waits until the newest STATE satisfies `holds`, and returns it.
    @discardableResult
    func state(
        _ what: String, _ gateway: Host? = nil, _ holds: @Sendable (HostStatePayload) -> Bool
    ) async throws -> HostStatePayload {
        try await eventuallyValue(
            what, within: .seconds(20), seen: { "\(states) \(gateway?.lines.all ?? [])" }
        ) { states.last.flatMap { holds($0) ? $0 : nil } }
    }

    /// What the tree keeps.
    func kept() async throws -> SparkplugHostRecord? {
        guard let data = try? await tree.operatorClient.getData("/sparkplug/h").data else { return nil }
        return SparkplugHostRecord(data: data)
    }

    /// - Parameter runs: whether the wall clock goes on from there; else it stands still, so that timestamps can be foretold.
    func host(
        _ gateway: String, old: Bool = false, version: MQTTProtocolVersion = .v5, wall: Int64, runs: Bool = false,
        rule: HostState.Rule = .init()
    ) throws -> Host {
        try Host(gateway, self, old: old, version: version, wall: wall, runs: runs, rule: rule)
    }

    /// What an edge node believes that goes by timestamps: of equal ones the last message counts.
    static func believed(_ states: [HostStatePayload]) -> [HostStatePayload] {
        var newest = Int64.min
        return states.filter { state in
            guard state.timestamp >= newest else { return false }
            newest = state.timestamp
            return true
        }
    }

    /// What can be set, and is read by a service.
    final class Setting<Value: Sendable>: Sendable {
        private let state: Mutex<Value>
        init(_ value: Value) { state = Mutex(value) }
        var value: Value { state.withLock { $0 } }
        func set(_ value: Value) { state.withLock { $0 = value } }
        func change(_ body: @Sendable (inout Value) -> Void) { state.withLock { body(&$0) } }
    }

    /// One gateway, as far as it is the host.
    final class Host: Sendable {
        let service: SparkplugHost
        let lease = FakeLease()
        let lines = LogLines()
        let health: FailureBoard
        /// Where it listens and publishes.
        let place: Setting<MQTTBroker?>
        let wall: FakeClock
        /// For how long the service has asked to sleep, at the most, since this was set to zero.
        let longestSleep = Setting(Duration.zero)
        private let services: ServiceGroup
        private let running = Mutex<Task<Void, any Error>?>(nil)

        fileprivate init(
            _ gateway: String, _ bed: HostTestBed, old: Bool, version: MQTTProtocolVersion, wall: Int64, runs: Bool,
            rule: HostState.Rule
        ) throws {
            let fake = FakeClock(wall: wall)
            self.wall = fake
            let start = ContinuousClock.now
            let longestSleep = self.longestSleep
            let clock = GatewayClock(
                wall: { fake.wall + (runs ? (ContinuousClock.now - start).wholeMilliseconds : 0) }, now: { .now },
                sleep: { time in
                    longestSleep.change { $0 = max($0, time) }
                    try await Task.sleep(for: time)
                })
            health = FailureBoard(clock: clock, logger: lines.logger)
            let definition = try #require(SparkplugHostDefinition(hostID: "h", publishesOldState: old))
            let place = Setting<MQTTBroker?>(MQTTBroker(host: "127.0.0.1", port: bed.proxy.port))
            self.place = place
            let lease = self.lease
            var local = try ConfigurationFixture(["linekeeper.yaml": soundHead + AlarmTestBed.plantFile])
                .load(environment: ["HOSTNAME": gateway]).local
            local.mqtt.protocolVersion = version == .v311 ? .v311 : .v5
            let identity = GatewayIdentity.ofThisProcess(gateway: gateway, version: "1", started: 1)
            let hands = SparkplugHost.Hands(
                lease: { lease.value },
                place: { place.value },
                configuration: { [local] broker, will in
                    try BrokerConnections(local: local, identity: identity).hosting(at: broker, will: will)
                })
            let made = SparkplugHost(
                definition: definition, hands: hands,
                timestamps: HostTimestamps(
                    client: bed.tree.operatorClient, host: definition, gateway: gateway,
                    outsiders: OutsiderLog(lines.logger, clock: clock)),
                rule: rule, health: health, clock: clock, logger: lines.logger)
            service = try #require(made)
            services = ServiceGroup(
                configuration: .init(services: [.init(service: service)], logger: bed.tree.logger))
        }

        /// - Parameter lease: nil for a standby.
        func start(_ lease: Lease?) {
            self.lease.set(lease)
            let services = services
            running.withLock { $0 = Task { try await services.run() } }
        }

        /// A clean stop.
        func stop() async throws {
            await services.triggerGracefulShutdown()
            try await running.withLock { $0 }?.value
        }

        /// Ends it as a process ends that is killed: nobody says goodbye.
        func kill() async {
            let task = running.withLock { $0 }
            task?.cancel()
            _ = await task?.result
        }

        func number(_ name: String) -> UInt64? { service.numbers.first { $0.name == name }?.value }

        /// The problem of that kind in the gateway's status.
        func problem(_ kind: String) -> GatewayProblem? { health.problems.first { $0.kind == kind } }
    }
}
