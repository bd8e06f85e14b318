/// The STATE of a host application at one broker, without I/O and clock. Of several gateways only the active one runs it; each
/// broker has one of its own, with timestamps of its own.
///
///     idle ──activated──▶ connecting ──connected──▶ online ──handedOver──▶ handing over ──successor, or time──▶ idle
///                           ▲    │                    │ ▲                       │
///                         time  lost                lost └──────activated───────┘
///                           │    ▼                    │
///                          waiting ◀──────────────────┘             any ──stopped──▶ idle
///
/// - Each connection has a timestamp T of its own, larger than all before it: max(now, last + 1), where the last one is kept in the
///   tree, because the clocks of two gateways differ. The will says offline at T, the first message online at T.
/// - Edge nodes believe the newest timestamp, and of equal ones the last message. So what arrives on the own topic is judged:
///
/// | on the own topic | then |
/// | --- | --- |
/// | online at T | our own; nothing |
/// | offline before T, a payload that is none, an empty one | online at T again: edge nodes that come later read what is retained |
/// | offline at T or after | online at T again, then a new connection with a larger T: a newer offline beats ours |
/// | online before T | online at T again |
/// | online after T | a successor if we hand over, else a foreign host: counted, because edge nodes are content |
/// | retained, and not newer than T | nothing: what the broker had kept before this connection, whose online replaces it |
///
/// - **Handing over**: the successor publishes online with a larger T while this one is still online; when this one hears that, it
///   disconnects and says nothing. So no edge node sees the host offline. If no successor is heard in time, it stops. If it is
///   activated again and no other gateway has been active meanwhile, it stays, and says so once more.
/// - **Stopping**: what arrives is no longer answered; offline is published with the time of now, and the connection closed cleanly.
/// - **Waiting**: each connection costs a write to the tree, so attempts keep a distance, which grows while connections fail or are
///   short.
///
/// The times that are passed in are those of a clock that can be set: a wait that would take longer than it may is over.
public struct HostState: Sendable {
    public enum Phase: Hashable, Sendable {
        case idle
        /// No connection; the next attempt is due at this time.
        case waiting(until: Int64)
        case connecting
        case online
        case handingOver(until: Int64)
    }

    /// How often something has arrived on the own topic that this host did not say. Each is worth an alarm.
    public struct Counters: Hashable, Sendable {
        /// Offline with an older timestamp: mostly the will of a connection before.
        public var olderOffline: UInt64 = 0
        /// Offline with the own timestamp or a newer one.
        public var newerOffline: UInt64 = 0
        public var foreignOnline: UInt64 = 0
        /// Empty payloads, and those that are none.
        public var unreadable: UInt64 = 0

        public init() {}
    }

    /// Times are in milliseconds.
    public struct Rule: Hashable, Sendable {
        /// How long a successor may take.
        public var handover: Int64 = 10_000
        /// Least time between two connections because of what was heard: somebody who keeps saying offline does not keep this
        /// host connecting.
        public var reconnectSpacing: Int64 = 5_000
        /// Between two attempts to connect; doubled with each that fails and with each connection that is shorter than
        /// ``longestPause``.
        public var shortestPause: Int64 = 500
        public var longestPause: Int64 = 10_000

        public init() {}
    }

    public let topic: String
    private let oldTopic: String?
    private let rule: Rule
    public private(set) var phase = Phase.idle
    public private(set) var counters = Counters()
    /// T of the current connection, or of the last one.
    public private(set) var timestamp: Int64 = 0
    private var reconnectedAt: Int64?
    /// When a connection is due that a newer offline has made necessary.
    private var reconnectAt: Int64?
    private var newestOffline: Int64 = 0
    /// Of online messages that are not our own: the successor's may come before the news that there is one.
    private var newestForeignOnline: Int64 = 0
    private var attemptedAt: Int64?
    private var connectedAt: Int64?
    /// Attempts in a row that failed or led to a short connection.
    private var failures = 0

    /// - Parameter publishesOldForm: whether edge nodes from before version 3.0 are told as well.
    /// - Returns: nil when `id` cannot be the id of a host.
    public init?(id: String, publishesOldForm: Bool = false, rule: Rule = Rule()) {
        guard let topic = HostTopic.text(host: id), let oldTopic = HostTopic.text(host: id, form: .old) else {
            return nil
        }
        self.topic = topic
        self.oldTopic = publishesOldForm ? oldTopic : nil
        self.rule = rule
    }

    /// When ``deadlineReached(at:)`` is due.
    public var deadline: Int64? {
        switch phase {
        case .idle, .connecting: nil
        case .waiting(let until), .handingOver(let until): until
        case .online: reconnectAt
        }
    }

    /// This gateway has become the active one.
    ///
    /// - Parameter last: the last timestamp that any gateway has used, as it was kept; nil when none was.
    public mutating func activated(last: Int64?, at now: Int64) -> [HostEffect] {
        let last = last ?? 0
        switch phase {
        case .idle:
            timestamp = max(timestamp, last)
            if let attemptedAt, !isReached(attemptedAt + rule.shortestPause, within: rule.shortestPause, at: now) {
                phase = .waiting(until: attemptedAt + rule.shortestPause)
                return []
            }
            return connect(at: now)
        case .handingOver:
            if last <= timestamp {
                phase = .online
                return online()
            }
            timestamp = last
            return connect(at: now)
        case .waiting, .connecting, .online: return []
        }
    }

    /// The broker has accepted the connection.
    public mutating func connected(at now: Int64) -> [HostEffect] {
        guard phase == .connecting else { return [] }
        phase = .online
        connectedAt = now
        newestForeignOnline = 0
        return [.subscribe(topic)] + online()
    }

    /// The connection is gone, or was refused, or its timestamp could not be kept. The broker sends the will; the next connection
    /// is newer.
    public mutating func connectionLost(at now: Int64) {
        switch phase {
        case .idle, .waiting: return
        case .handingOver: phase = .idle
        case .connecting, .online:
            if let connectedAt, connectedAt + rule.longestPause <= now { failures = 0 }
            connectedAt = nil
            reconnectAt = nil
            phase = .waiting(until: now + min(rule.shortestPause << min(failures, 16), rule.longestPause))
            failures += 1
        }
    }

    /// The other connections of this gateway are at another broker now: this one follows them.
    public mutating func brokerChanged(at now: Int64) -> [HostEffect] {
        phase == .online ? reconnect(at: now) : []
    }

    /// Something has come on the own topic of the current form.
    ///
    /// - Parameter isRetained: whether the broker had kept it before the subscription.
    public mutating func received(_ payload: borrowing Span<UInt8>, isRetained: Bool, at now: Int64) -> [HostEffect] {
        let isHandingOver: Bool
        switch phase {
        case .idle, .waiting, .connecting: return []
        case .online: isHandingOver = false
        case .handingOver: isHandingOver = true
        }
        guard let state = HostStatePayload(payload) else {
            if isRetained { return [] }
            counters.unreadable &+= 1
            return online()
        }
        if isRetained, state.timestamp < timestamp { return [] }
        if state.isOnline {
            if state.timestamp == timestamp { return [] }
            if state.timestamp > timestamp, isHandingOver { return succeeded(by: state.timestamp) }
            counters.foreignOnline &+= 1
            newestForeignOnline = max(newestForeignOnline, state.timestamp)
            return state.timestamp < timestamp ? online() : []
        }
        guard state.timestamp >= timestamp else {
            counters.olderOffline &+= 1
            return online()
        }
        counters.newerOffline &+= 1
        newestOffline = max(newestOffline, state.timestamp)
        // The successor will be newer than that as well: it takes the last timestamp from where it is kept.
        guard !isHandingOver else { return online() }
        if let reconnectedAt, !isReached(reconnectedAt + rule.reconnectSpacing, within: rule.reconnectSpacing, at: now)
        {
            reconnectAt = reconnectAt ?? reconnectedAt + rule.reconnectSpacing
            return online()
        }
        return online() + reconnect(at: now)
    }

    /// Another gateway becomes the active one, and publishes online before this one leaves.
    public mutating func handedOver(at now: Int64) -> [HostEffect] {
        switch phase {
        case .online:
            reconnectAt = nil
            if newestForeignOnline > timestamp { return succeeded(by: newestForeignOnline) }
            phase = .handingOver(until: now + rule.handover)
            return []
        case .connecting:
            // Nothing has been said in this connection that would have to be taken back.
            phase = .idle
            return [.disconnect]
        case .waiting:
            phase = .idle
            return []
        case .idle, .handingOver: return []
        }
    }

    /// Time has passed.
    public mutating func deadlineReached(at now: Int64) -> [HostEffect] {
        switch phase {
        case .idle, .connecting: return []
        case .waiting(let until):
            return isReached(until, within: rule.longestPause, at: now) ? connect(at: now) : []
        case .online:
            guard let reconnectAt, isReached(reconnectAt, within: rule.reconnectSpacing, at: now) else { return [] }
            return reconnect(at: now)
        case .handingOver(let until):
            return isReached(until, within: rule.handover, at: now) ? stopped(at: now) : []
        }
    }

    /// The host stops, with nobody to take over.
    public mutating func stopped(at now: Int64) -> [HostEffect] {
        let before = phase
        phase = .idle
        reconnectAt = nil
        switch before {
        case .idle, .waiting: return []
        case .connecting: return [.disconnect]
        case .online, .handingOver:
            // Edge nodes believe no offline that is older than the online that they have seen.
            timestamp = max(now, timestamp)
            return [.keepTimestamp(timestamp)] + messages(isOnline: false).map { .publish($0) } + [.disconnect]
        }
    }

    /// The successor has said that the host is online.
    private mutating func succeeded(by timestamp: Int64) -> [HostEffect] {
        phase = .idle
        self.timestamp = timestamp
        return [.disconnect]
    }

    /// Whether a time has come that is never further away than `length`: what is, was reckoned before the clock was set back.
    private func isReached(_ deadline: Int64, within length: Int64, at now: Int64) -> Bool {
        deadline <= now || deadline - now > length
    }

    private mutating func reconnect(at now: Int64) -> [HostEffect] {
        reconnectedAt = now
        reconnectAt = nil
        timestamp = max(timestamp, newestOffline)
        return connect(at: now)
    }

    private mutating func connect(at now: Int64) -> [HostEffect] {
        phase = .connecting
        attemptedAt = now
        connectedAt = nil
        let latest = SparkplugTime.shownByClocks.upperBound
        // Neither a payload nor what was kept can push it beyond what a payload may say.
        timestamp = min(max(now, min(timestamp, latest) + 1), latest)
        let will = HostMessage(
            topic: topic, payload: HostStatePayload(isOnline: false, timestamp: timestamp).encoded)
        return [.keepTimestamp(timestamp), .connect(will: will)]
    }

    private func online() -> [HostEffect] { messages(isOnline: true).map { .publish($0) } }

    private func messages(isOnline: Bool) -> [HostMessage] {
        let state = HostMessage(
            topic: topic, payload: HostStatePayload(isOnline: isOnline, timestamp: timestamp).encoded)
        guard let oldTopic else { return [state] }
        return [state, HostMessage(topic: oldTopic, payload: Array((isOnline ? "ONLINE" : "OFFLINE").utf8))]
    }
}
