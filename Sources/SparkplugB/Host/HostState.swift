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
/// | offline at T or after | a new connection with a larger T: a newer offline beats ours |
/// | online before T | online at T again |
/// | online after T | a successor if we hand over, else a foreign host: counted, because edge nodes are content |
/// | retained, and not newer than T | nothing: what the broker had kept before this connection, whose online replaces it |
///
/// - **An offline after T stays retained** until a larger timestamp is kept in the tree: edge nodes ignore an older online anyway, and
///   a gateway that takes over meanwhile reads there what it has to beat.
/// - **Handing over**: the successor publishes online with a larger T while this one is still online; when this one hears that, it
///   disconnects and says nothing. So no edge node sees the host offline. If no successor is heard in time, it stops. Of what was heard
///   before, an online counts as the successor's when it came within that time. If it is activated again and no other gateway has been active meanwhile, it stays, and says so once more.
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

    /// How often something has arrived on the own topic that this host did not say on this connection. What the broker had retained is
    /// not counted, but for a newer online.
    public struct Counters: Hashable, Sendable {
        /// Offline with an older timestamp: mostly the will of a connection before.
        public var olderOffline: UInt64 = 0
        /// Offline with a newer timestamp.
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
    /// The last online after T that is not our own: the successor's may come before the news that there is one.
    private var foreignOnline: (timestamp: Int64, heardAt: Int64)?
    /// Of the own last offline, which may come back over the connection that it was said on.
    private var farewellTime: Int64?
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

    /// Whether an offline has been heard that is newer than T: what is retained is left as it is until something newer is kept.
    public var isOutdone: Bool { newestOffline > timestamp }

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
                beatNewestOffline(at: now)
                return answer()
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
        foreignOnline = nil
        beatNewestOffline(at: now)
        return [.subscribe(topic)] + answer()
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

    /// The other connections of this gateway are at another broker now: this one follows them, and says offline where it was.
    public mutating func brokerChanged(at now: Int64) -> [HostEffect] {
        guard phase == .online else { return [] }
        let farewell = farewell(at: now)
        return reconnect(saying: farewell, at: now)
    }

    /// Something has come on the own topic of the current form.
    ///
    /// While connecting it comes from the connection before, and is not answered.
    ///
    /// - Parameter isRetained: whether the broker had kept it before the subscription.
    public mutating func received(_ payload: borrowing Span<UInt8>, isRetained: Bool, at now: Int64) -> [HostEffect] {
        switch phase {
        case .idle, .waiting: return []
        case .connecting, .online, .handingOver: break
        }
        guard let state = HostStatePayload(payload) else {
            if isRetained { return [] }
            counters.unreadable &+= 1
            return answer()
        }
        if isRetained, state.timestamp < timestamp { return [] }
        return state.isOnline
            ? receivedOnline(state.timestamp, at: now)
            : receivedOffline(state.timestamp, isRetained: isRetained, at: now)
    }

    /// Several messages, in their order, with one answer to all of them: the last one, which says at least what those before it say.
    public mutating func received(_ messages: [(payload: [UInt8], isRetained: Bool)], at now: Int64) -> [HostEffect] {
        var effects: [HostEffect] = []
        for message in messages {
            let answer = received(message.payload.span, isRetained: message.isRetained, at: now)
            if !answer.isEmpty {
                effects = answer
                continue
            }
            switch phase {
            // An online that answers what came before would replace what came behind it.
            case .online, .handingOver: if isOutdone { effects = [] }
            case .idle, .waiting, .connecting: break
            }
        }
        return effects
    }

    private mutating func receivedOnline(_ time: Int64, at now: Int64) -> [HostEffect] {
        if time == timestamp { return [] }
        // Our own of the connection before.
        if phase == .connecting, time < timestamp { return [] }
        if time > timestamp {
            if case .handingOver = phase { return succeeded(by: time) }
            foreignOnline = (time, now)
        }
        counters.foreignOnline &+= 1
        return time < timestamp ? answer() : []
    }

    private mutating func receivedOffline(_ time: Int64, isRetained: Bool, at now: Int64) -> [HostEffect] {
        if phase == .connecting, time == farewellTime { return [] }
        guard time >= timestamp else {
            counters.olderOffline &+= 1
            return answer()
        }
        // What was retained may be a will of this plant, of a tree that has been lost; that of this connection comes from a broker
        // that is being stopped.
        if !isRetained, time > timestamp { counters.newerOffline &+= 1 }
        newestOffline = max(newestOffline, time)
        switch phase {
        case .idle, .waiting, .connecting: return []
        // The successor reads it as what is retained, and is newer.
        case .handingOver: return answer()
        case .online: break
        }
        if let reconnectedAt, !isReached(reconnectedAt + rule.reconnectSpacing, within: rule.reconnectSpacing, at: now)
        {
            beatNewestOffline(at: now)
            return answer()
        }
        // What is retained stays until the new connection says online: should it not come to that, it is true.
        return reconnect(saying: [], at: now)
    }

    /// Another gateway becomes the active one, and publishes online before this one leaves.
    public mutating func handedOver(at now: Int64) -> [HostEffect] {
        switch phase {
        case .online:
            reconnectAt = nil
            if let online = foreignOnline, online.timestamp > timestamp,
                !isReached(online.heardAt + rule.handover, within: rule.handover, at: now)
            {
                return succeeded(by: online.timestamp)
            }
            phase = .handingOver(until: now + rule.handover)
            return []
        case .connecting:
            // Nothing has been said in this connection, and the one before was ended after an offline.
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
            return reconnect(saying: [], at: now)
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
            let farewell = farewell(at: now)
            return [.keepTimestamp(timestamp)] + farewell + [.disconnect]
        }
    }

    /// Offline with the time of now. Edge nodes believe none that is older than what they have seen.
    private mutating func farewell(at now: Int64) -> [HostEffect] {
        timestamp = max(now, timestamp, newestOffline, foreignOnline?.timestamp ?? 0)
        farewellTime = timestamp
        return messages(isOnline: false).map { .publish($0) }
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

    /// A connection is due when the newest offline is not older than T, unless that is the last time there is.
    private mutating func beatNewestOffline(at now: Int64) {
        guard newestOffline >= timestamp, timestamp < SparkplugTime.shownByClocks.upperBound else { return }
        reconnectAt = reconnectAt ?? (reconnectedAt ?? now) + rule.reconnectSpacing
    }

    /// - Parameter messages: what is said over the connection that stands, once the new timestamp is kept.
    private mutating func reconnect(saying messages: [HostEffect], at now: Int64) -> [HostEffect] {
        reconnectedAt = now
        reconnectAt = nil
        let connecting = connect(at: now)
        return [connecting[0]] + messages + connecting.dropFirst()
    }

    private mutating func connect(at now: Int64) -> [HostEffect] {
        phase = .connecting
        attemptedAt = now
        connectedAt = nil
        let latest = SparkplugTime.shownByClocks.upperBound
        // Neither a payload nor what was kept can push it beyond what a payload may say.
        timestamp = min(max(now, min(max(timestamp, newestOffline), latest) + 1), latest)
        let will = HostMessage(
            topic: topic, payload: HostStatePayload(isOnline: false, timestamp: timestamp).encoded)
        return [.keepTimestamp(timestamp), .connect(will: will)]
    }

    /// Online again, unless that would replace what a gateway that takes over has to beat. While connecting the next connection says it.
    private func answer() -> [HostEffect] { isOutdone || phase == .connecting ? [] : online() }

    private func online() -> [HostEffect] { messages(isOnline: true).map { .publish($0) } }

    private func messages(isOnline: Bool) -> [HostMessage] {
        let state = HostMessage(
            topic: topic, payload: HostStatePayload(isOnline: isOnline, timestamp: timestamp).encoded)
        guard let oldTopic else { return [state] }
        return [state, HostMessage(topic: oldTopic, payload: Array((isOnline ? "ONLINE" : "OFFLINE").utf8))]
    }
}
