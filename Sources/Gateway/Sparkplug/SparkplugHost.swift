import Logging
import MQTT
import Plant
import ServiceLifecycle
import SparkplugB
import Synchronization
import ZooKeeperRecipes

/// The plant as a host application of Sparkplug B: at the gateway whose alarm processor is active, says on a connection of its own
/// that the host is online. The rules are in ``HostState``; what it asks for is carried out by ``HostDuty``, in one task.
///
/// When it has to stop while another gateway takes over, it waits until its successor has said online, for ``farewellLimit`` at most,
/// so that edge nodes never see the host offline in between.
final class SparkplugHost: Service {
    /// How often it looks at the lease and the time.
    static let look = Duration.milliseconds(100)
    /// How long a write to the tree, the answer to a subscription or a publish may take.
    static let patience = Duration.seconds(5)
    /// How long the goodbye waits for the tree.
    static let farewellPatience = Duration.milliseconds(500)
    /// How long all of a goodbye may take, before the connection is closed.
    static let farewellTime = Duration.seconds(2)
    /// How long a stop waits for the successor.
    static let farewellLimit = Duration.seconds(5)
    /// Least time between two answers to what is heard: two clients that contradict each other do not keep the broker busy.
    static let answerSpacing = Duration.milliseconds(100)
    /// Least time between two attempts to read the last timestamp.
    static let readSpacing = Duration.milliseconds(500)

    /// What it asks of others.
    struct Hands: Sendable {
        /// The lease of the active alarm processor, when that is this gateway.
        var lease: @Sendable () -> Lease?
        /// The broker at which this gateway listens to edge nodes and publishes; nil while it does not do both there.
        var place: @Sendable () -> MQTTBroker?
        /// Of a new connection to that broker with this will.
        var configuration: @Sendable (MQTTBroker, MQTTWill) throws -> MQTTClient.Configuration
    }

    let definition: SparkplugHostDefinition
    let hands: Hands
    let timestamps: HostTimestamps
    let clock: GatewayClock
    let logger: Logger
    let connecting: FailureLog
    let foreign: FailureLog
    /// For how long the host is online although nobody listens to edge nodes here.
    let deafLimit: Duration
    /// Turned when something may have happened.
    let turns = Wake()
    private let host: HostState
    private let counted = Mutex((connections: UInt64(0), heard: HostState.Counters()))
    private let isStopping = Mutex(false)

    /// - Returns: nil when the definition's id cannot be that of a host. The configuration's checks let no such id pass.
    init?(
        definition: SparkplugHostDefinition, hands: Hands, timestamps: HostTimestamps, rule: HostState.Rule = .init(),
        health: FailureBoard, clock: GatewayClock, logger: Logger
    ) {
        guard
            let host = HostState(
                id: definition.hostID, publishesOldForm: definition.publishesOldState, rule: rule)
        else { return nil }
        self.definition = definition
        self.hands = hands
        self.timestamps = timestamps
        self.clock = clock
        self.logger = logger
        self.host = host
        deafLimit = .milliseconds(rule.handover)
        connecting = health.log(
            .sparkplugConnection,
            began:
                "edge nodes cannot be told that this plant's Sparkplug host (\(definition.hostID)) is online; those that wait for it publish nothing",
            ended: "edge nodes are told again that this plant's Sparkplug host is online")
        foreign = health.log(
            .sparkplugState,
            began:
                "another client publishes this plant's Sparkplug STATE (\(definition.hostID)); give each host an id of its own",
            ended: "no other client has published this plant's Sparkplug STATE for a minute", patience: .zero)
    }

    /// Names and values as they stand in the gateway's status.
    var numbers: [(name: String, value: UInt64)] {
        let (connections, heard) = counted.withLock { ($0.connections, $0.heard) }
        return [
            ("hostConnections", connections), ("hostOlderOffline", heard.olderOffline),
            ("hostNewerOffline", heard.newerOffline), ("hostForeignOnline", heard.foreignOnline),
            ("hostUnreadable", heard.unreadable),
        ]
    }

    func count(connections: UInt64, heard: HostState.Counters) { counted.withLock { $0 = (connections, heard) } }

    func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                group.addTask {
                    while !Task.isCancelled {
                        self.turns.wake()
                        try? await self.clock.sleep(Self.look)
                    }
                }
                var duty = HostDuty(self, host)
                for await _ in turns.turns {
                    guard await duty.turn(isStopping: isStopping.withLock { $0 }) else { break }
                }
                await duty.end()
                group.cancelAll()
            }
        } onGracefulShutdown: {
            self.isStopping.withLock { $0 = true }
            self.turns.wake()
        }
    }
}
