/// The STATE of a host application at one broker, without I/O and clock. Of several gateways only the active one runs it; each
/// broker has one of its own, with timestamps of its own.
///
///     idle ──activated──▶ connecting ──connected──▶ online ──handedOver──▶ handing over ──successor, or time──▶ idle
///                           ▲    │ ▲                  │ │
///                           │    │ └────lost──────────┘ └──stopped──▶ idle
///                           └────┘ lost
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
///
/// - **Handing over**: the successor publishes online with a larger T while this one is still online; when this one hears that, it
///   disconnects and says nothing. So no edge node sees the host offline. If no successor is heard in time, it stops.
/// - **Stopping**: what arrives is no longer answered; offline is published with the time of now, and the connection closed cleanly.
public struct HostState: Sendable {
    public enum Phase: Hashable, Sendable {
        case idle
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

    public struct Rule: Hashable, Sendable {
        /// How long a successor may take, in milliseconds.
        public var handover: Int64 = 10_000
        /// Least time between two connections because of what was heard, in milliseconds: somebody who keeps saying offline
        /// does not keep this host connecting.
        public var reconnectSpacing: Int64 = 5_000

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
        case .online: reconnectAt
        case .handingOver(let until): until
        }
    }

    /// This gateway has become the active one.
    ///
    /// - Parameter last: the last timestamp that any gateway has used, as it was kept; nil when none was.
    public mutating func activated(last: Int64?, at now: Int64) -> [HostEffect] {
        guard phase == .idle else { return [] }
        timestamp = max(timestamp, last ?? 0)
        return connect(at: now)
    }

    /// The broker has accepted the connection.
    public mutating func connected() -> [HostEffect] {
        guard phase == .connecting else { return [] }
        phase = .online
        return [.subscribe([topic, "\(SparkplugTopic.namespace)/#"])] + online()
    }

    /// The connection is gone, or was refused. The broker sends the will; the next connection is newer.
    public mutating func connectionLost(at now: Int64) -> [HostEffect] {
        switch phase {
        case .idle: return []
        case .connecting, .online: return connect(at: now)
        case .handingOver:
            phase = .idle
            return []
        }
    }

    /// Something has come on the own topic of the current form.
    public mutating func received(_ payload: borrowing Span<UInt8>, at now: Int64) -> [HostEffect] {
        let isHandingOver: Bool
        switch phase {
        case .idle, .connecting: return []
        case .online: isHandingOver = false
        case .handingOver: isHandingOver = true
        }
        guard let state = HostStatePayload(payload) else {
            counters.unreadable &+= 1
            return online()
        }
        if state.isOnline {
            if state.timestamp == timestamp { return [] }
            if state.timestamp > timestamp, isHandingOver {
                phase = .idle
                timestamp = state.timestamp
                return [.disconnect]
            }
            counters.foreignOnline &+= 1
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
        let earliest = reconnectedAt.map { $0 + rule.reconnectSpacing } ?? now
        guard earliest <= now else {
            reconnectAt = reconnectAt ?? earliest
            return online()
        }
        return online() + reconnect(at: now)
    }

    /// Another gateway becomes the active one, and publishes online before this one leaves.
    public mutating func handedOver(at now: Int64) -> [HostEffect] {
        switch phase {
        case .online:
            phase = .handingOver(until: now + rule.handover)
            reconnectAt = nil
            return []
        case .connecting:
            // Nothing has been said in this connection that would have to be taken back.
            phase = .idle
            return [.disconnect]
        case .idle, .handingOver: return []
        }
    }

    /// Time has passed.
    public mutating func deadlineReached(at now: Int64) -> [HostEffect] {
        guard let deadline, deadline <= now else { return [] }
        if case .handingOver = phase { return stopped(at: now) }
        return reconnect(at: now)
    }

    /// The host stops, with nobody to take over.
    public mutating func stopped(at now: Int64) -> [HostEffect] {
        let wasConnecting = phase == .connecting
        guard phase != .idle else { return [] }
        phase = .idle
        reconnectAt = nil
        if wasConnecting { return [.disconnect] }
        // Edge nodes believe no offline that is older than the online that they have seen.
        timestamp = max(now, timestamp)
        return [.keepTimestamp(timestamp)] + messages(isOnline: false).map { .publish($0) } + [.disconnect]
    }

    private mutating func reconnect(at now: Int64) -> [HostEffect] {
        reconnectedAt = now
        reconnectAt = nil
        timestamp = max(timestamp, newestOffline)
        return connect(at: now)
    }

    private mutating func connect(at now: Int64) -> [HostEffect] {
        phase = .connecting
        // No payload can push it beyond what a payload may say.
        timestamp = min(max(now, timestamp + 1), SparkplugTime.shownByClocks.upperBound)
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
