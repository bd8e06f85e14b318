import MQTT
import Plant
import ServiceLifecycle
import Synchronization
import ZooKeeperClient

/// Looks once a second at what no service's attempts show: connections, subscriptions, echoes, full tables, the clock.
struct HealthWatch: Service {
    static let interval = Duration.seconds(1)

    /// What it looks at.
    struct Sights: Sendable {
        var tree: @Sendable () -> ConnectionState
        /// Why there is no connection to it, as far as that is known.
        var treeFailure: @Sendable () -> String? = { nil }
        var listening: @Sendable () -> MQTTConnectionState
        var publishing: @Sendable () -> MQTTConnectionState
        var subscriptions: @Sendable () -> MQTTSubscriptionStatus
        /// Why what is observed beside the routes is not heard; nil when it is, or nothing is.
        var observingFailure: @Sendable () -> String? = { nil }
        var retainsMessages: @Sendable () -> Bool
        /// Whether the broker keeps back this gateway's echoes; see ``Hearing``.
        var isSilent: @Sendable () -> Bool
        /// Tables that take nothing more.
        var fullTables: @Sendable () -> [String]
        /// How many incoming messages have been shed, and the topics that lost most.
        var shed: @Sendable () -> (messages: UInt64, topics: [String]) = { (0, []) }
    }

    let sights: Sights
    let clock: GatewayClock
    private let link = LinkAge()
    private let tree: FailureLog
    private let broker: FailureLog
    private let subscriptions: FailureLog
    private let observing: FailureLog
    private let unretained: FailureLog
    private let echoes: FailureLog
    private let tables: FailureLog
    private let leaps: FailureLog
    private let shedding: FailureLog

    init(sights: Sights, health: FailureBoard, clock: GatewayClock) {
        self.sights = sights
        self.clock = clock
        tree = health.log(
            .tree, began: "the tree cannot be reached; values wait, alarms are not recorded, commands are refused",
            ended: "the tree is reached again")
        broker = health.log(
            .broker, began: "the broker cannot be reached", ended: "the broker is reached again")
        subscriptions = health.log(
            .subscriptions, began: "the broker refuses subscriptions; what is published there is not heard",
            ended: "the broker grants all subscriptions again")
        observing = health.log(
            .observing,
            began:
                "what is observed beside the routes (mqtt.observe) is not heard, and messages that no route takes are not counted; nothing else depends on it",
            ended: "what is observed beside the routes is heard again")
        unretained = health.log(
            .unretained,
            began:
                "the broker retains no messages (retain_available?): alarms and commands are announced, but who subscribes later does not see what stands",
            ended: "the broker retains messages again", patience: .zero)
        // Looked at is what has lasted already.
        echoes = health.log(
            .echoes,
            began:
                "the broker does not bring back this gateway's echoes: it counts as not ready, and delays of alarms do not end here; may it read and write their topic, is the broker alive?",
            ended: "the broker brings back this gateway's echoes", patience: .zero)
        tables = health.log(
            .tables,
            began:
                "tables are full; further topics, tags, devices or learnt values are dropped (limits: in linekeeper.yaml)",
            ended: "tables have room again", patience: .zero)
        shedding = health.log(
            .shedding,
            began:
                "messages come faster than this gateway takes them: of the topics that send most, the oldest are dropped",
            ended: "no messages have been dropped for a minute", patience: .zero)
        leaps = health.log(
            .clock,
            began:
                "this machine's clock was set, or lies before the journal's newest entry: for a minute commands are refused, nothing is trimmed by age, and times are in doubt; is a time server in use?",
            ended: "this machine's clock has been steady for a minute", patience: .zero)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var sheddingWatch = SheddingWatch()
            while !Task.isCancelled {
                look(&sheddingWatch)
                try? await clock.sleep(Self.interval)
            }
        }
    }

    /// Since when both connections to the broker stand, by the wall clock.
    var brokerSince: Milliseconds? { link.since }

    private func look(_ sheddingWatch: inout SheddingWatch) {
        let sight = clock.look()
        let state = sights.tree()
        if case .connected = state {
            tree.succeeded()
        } else {
            tree.failed(Self.text(state) + (sights.treeFailure().map { "; \($0)" } ?? ""))
        }
        let (listening, publishing) = (sights.listening(), sights.publishing())
        if !listening.isConnected {
            broker.failed("\(listening)")
        } else if !publishing.isConnected {
            broker.failed("control connection: \(publishing)")
        } else {
            broker.succeeded()
        }
        link.set(listening.isConnected && publishing.isConnected, at: sight.wall)
        let status = sights.subscriptions()
        if status.refused.isEmpty {
            subscriptions.succeeded()
        } else {
            subscriptions.failed(status.refusedInWords)
        }
        tell(observing, sights.observingFailure())
        tell(unretained, sights.retainsMessages() ? nil : "it says so, or refuses them")
        tell(echoes, sights.isSilent() ? "none has come back" : nil)
        let full = sights.fullTables()
        tell(tables, full.isEmpty ? nil : full.joined(separator: ", "))
        let shed = sights.shed()
        tell(
            shedding,
            sheddingWatch.look(shed.messages, now: clock.now()).map {
                "\($0) messages; by topic: \(shed.topics.joined(separator: ", "))"
            })
        tell(leaps, sight.doubtText)
    }

    private func tell(_ log: FailureLog, _ cause: String?) {
        if let cause { log.failed(cause) } else { log.succeeded() }
    }

    /// Without session numbers and passwords.
    private static func text(_ state: ConnectionState) -> String {
        switch state {
        case .connecting: "no session yet, or it has ended"
        case .suspended: "the connection is gone"
        case .expired: "the session has ended"
        case .connected: "connected"
        case .closed: "this gateway is stopping"
        }
    }
}

/// Since when something has been so.
private final class LinkAge: Sendable {
    private let state = Mutex<Milliseconds?>(nil)

    var since: Milliseconds? { state.withLock { $0 } }

    func set(_ isUp: Bool, at now: Milliseconds) { state.withLock { $0 = isUp ? $0 ?? now : nil } }
}
