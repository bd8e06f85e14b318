import Logging
import Plant
import Primitives
import Synchronization

/// What has been failing in this gateway for longer than a moment: one place for the log, for the gateway's status and for
/// the alarms about the gateway itself.
///
/// Every service that can fail has a ``FailureLog`` of it and says how each of its attempts ended. What only follows from an
/// outage that is said already is not said again: while the tree is away nothing can be written, and one line is enough.
final class FailureBoard: Sendable {
    /// What can fail. The names stand in the gateway's status, where other programs see them.
    enum Activity: String, Sendable, CaseIterable {
        case tree
        case broker
        case subscriptions
        case observing
        case echoes
        case clock
        case tables
        case shedding
        case registration
        case shards
        case missed
        case tags
        case devices
        case alarms
        case requests
        case mailboxes
        case journal
        case announcements
        case marks
        case retained
        case unretained
        case commands
        case commandRecords
        case answers
        case trimming
        case status
        case gateways
        case spool
        case sparkplugConnection
        case sparkplugState

        /// Whether it fails whenever the tree is away.
        var needsTree: Bool {
            switch self {
            case .tree, .broker, .subscriptions, .observing, .unretained, .echoes, .clock, .tables, .shedding, .answers,
                .spool, .sparkplugState:
                false
            case .registration, .shards, .missed, .tags, .devices, .alarms, .requests, .mailboxes, .journal,
                .announcements, .marks,
                .retained,
                .commands, .commandRecords, .trimming, .status, .gateways, .sparkplugConnection:
                true
            }
        }

        /// Whether it fails whenever the broker is away.
        var needsBroker: Bool {
            switch self {
            case .subscriptions, .observing, .unretained, .echoes, .announcements, .retained, .answers,
                .sparkplugConnection, .sparkplugState:
                true
            default: false
            }
        }

        /// Whether an outage that is said already explains that it fails.
        func isExplained(isTreeAway: Bool, isBrokerAway: Bool) -> Bool {
            needsTree && isTreeAway || needsBroker && isBrokerAway
        }
    }

    /// Causes are shown to people; some quote what came from outside.
    private static let longestCause = 300

    private struct State {
        var reported: [Activity: (problem: GatewayProblem, last: ContinuousClock.Instant)] = [:]
        /// The newest of each activity that works again, and when it has ended.
        var recovered: [Activity: (problem: GatewayProblem, at: ContinuousClock.Instant)] = [:]
        /// What was withdrawn during an outage that explains it, and since when that is over, as far as somebody has looked.
        var withdrawn: [Activity: (log: FailureLog, since: ContinuousClock.Instant?)] = [:]
    }

    private let clock: GatewayClock
    private let logger: Logger
    private let isTreeAway: @Sendable () -> Bool
    private let isBrokerAway: @Sendable () -> Bool
    private let state = Mutex(State())

    /// What has not been tried again for so long is no problem any more, nor is it over: nobody knows whether it still fails.
    static let memory = Duration.seconds(60)
    /// What was withdrawn during an outage and is not tried for so long after it is over.
    static let patienceAfterOutage = Duration.seconds(10)

    init(
        isTreeAway: @escaping @Sendable () -> Bool = { false },
        isBrokerAway: @escaping @Sendable () -> Bool = { false },
        clock: GatewayClock, logger: Logger
    ) {
        self.isTreeAway = isTreeAway
        self.isBrokerAway = isBrokerAway
        self.clock = clock
        self.logger = logger
    }

    /// - Parameters:
    ///   - began: what is said, at `warning`, when the failure has lasted for `patience`; its cause is in the metadata.
    ///   - ended: what is said when the activity works again.
    func log(_ activity: Activity, began: String, ended: String, patience: Duration = .seconds(5)) -> FailureLog {
        FailureLog(activity, began: began, ended: ended, patience: patience, board: self)
    }

    /// What fails now, the oldest first.
    var problems: [GatewayProblem] { reported.problems }

    /// What failed when it was last tried, and is not tried at present: not for ``memory``, or because of an outage.
    var untried: [GatewayProblem] { reported.untried }

    /// Both as of one moment: what is in neither is over.
    var reported: (problems: [GatewayProblem], untried: [GatewayProblem]) {
        let now = clock.now()
        let (isTreeAway, isBrokerAway) = (isTreeAway(), isBrokerAway())
        withdrawDue(isTreeAway: isTreeAway, isBrokerAway: isBrokerAway, at: now)
        return state.withLock { state in
            var result: (problems: [GatewayProblem], untried: [GatewayProblem]) = ([], [])
            for (activity, entry) in state.reported {
                let isExplained = activity.isExplained(isTreeAway: isTreeAway, isBrokerAway: isBrokerAway)
                if isExplained || now - entry.last > Self.memory {
                    result.untried.append(entry.problem)
                } else {
                    result.problems.append(entry.problem)
                }
            }
            return (Self.sorted(result.problems), Self.sorted(result.untried))
        }
    }

    /// Performs what was withdrawn during an outage that is over since a while. Not under the lock: a log takes its own first.
    private func withdrawDue(isTreeAway: Bool, isBrokerAway: Bool, at now: ContinuousClock.Instant) {
        let due = state.withLock { state in
            var due: [FailureLog] = []
            for (activity, entry) in state.withdrawn {
                if activity.isExplained(isTreeAway: isTreeAway, isBrokerAway: isBrokerAway) {
                    state.withdrawn[activity]?.since = nil
                } else if let since = entry.since {
                    guard now - since >= Self.patienceAfterOutage else { continue }
                    state.withdrawn[activity] = nil
                    due.append(entry.log)
                } else {
                    state.withdrawn[activity]?.since = now
                }
            }
            return due
        }
        for log in due { log.withdrawn() }
    }

    /// What works again, for as long as somebody may not have read yet that it failed: ``memory``.
    var recovered: [GatewayProblem] {
        let now = clock.now()
        return state.withLock { state in
            state.recovered = state.recovered.filter { now - $0.value.at <= Self.memory }
            return Self.sorted(state.recovered.values.map(\.problem))
        }
    }

    private static func sorted(_ problems: [GatewayProblem]) -> [GatewayProblem] {
        problems.sorted { ($0.since, $0.kind) < ($1.since, $1.kind) }
    }

    // MARK: For the logs of activities

    var now: ContinuousClock.Instant { clock.now() }

    /// Whether an outage that is said already explains that this fails.
    func isExplained(_ activity: Activity) -> Bool {
        activity.isExplained(isTreeAway: isTreeAway(), isBrokerAway: isBrokerAway())
    }

    func began(_ activity: Activity, _ text: String, cause: String, after time: Duration) {
        let since = clock.wall() &- time.wholeMilliseconds
        let cause = String(cause.prefix(Self.longestCause))
        state.withLock {
            $0.reported[activity] = (
                GatewayProblem(kind: activity.rawValue, since: since, text: text, cause: cause), clock.now()
            )
        }
        logger.warning("\(text)", metadata: ["cause": "\(cause)", "for": "\(time)"])
    }

    func goesOn(_ activity: Activity, cause: String) {
        let now = clock.now()
        state.withLock { state in
            state.reported[activity]?.problem.cause = String(cause.prefix(Self.longestCause))
            state.reported[activity]?.last = now
            state.withdrawn[activity] = nil
        }
    }

    func ended(_ activity: Activity, _ text: String, after time: Duration) {
        isOver(activity)
        logger.notice("\(text)", metadata: ["after": "\(time)"])
    }

    func withdrawn(_ activity: Activity) { isOver(activity) }

    /// It is withdrawn when the outage that explains it is over, unless it is tried again.
    func withdrawsLater(_ activity: Activity, _ log: FailureLog) {
        state.withLock { $0.withdrawn[activity] = (log, nil) }
    }

    private func isOver(_ activity: Activity) {
        let (now, wall) = (clock.now(), clock.wall())
        state.withLock { state in
            state.withdrawn[activity] = nil
            guard var problem = state.reported.removeValue(forKey: activity)?.problem else { return }
            problem.until = wall
            state.recovered[activity] = (problem, now)
        }
    }
}
