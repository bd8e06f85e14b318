/// Proves up to when everything that the broker kept for this gateway has been read.
///
/// The gateway publishes an echo (QoS 1) on a topic of its own that its listening session subscribes to. The broker puts
/// it behind everything that it has queued for that session, so an echo that was sent at T and has been read back proves
/// T. It is sent when a delay of an alarm is due, and otherwise often enough to notice a broker that keeps the connection
/// and does nothing.
///
///     away ── subscribed ──▶ idle ── ask ──▶ asked ── echo read back ──▶ idle
///      ▲                      │                │ └─ unanswered for `retryAfter` and asked again: another echo
///      └──── disconnected ────┴────────────────┘
///
/// An echo proves nothing when it was sent before the broker granted the subscriptions of the present connection: what
/// was published until then may not have been kept. An echo of an earlier connection or an earlier process, or of
/// somebody else, has another number.
public struct HearingProof: Sendable {
    /// Times of the rules.
    public struct Times: Sendable, Hashable {
        /// An echo that has not come back is replaced by another after that time: its publication may have been lost.
        public var retryAfter = Duration.seconds(1)
        /// Without any other reason an echo is sent after that time.
        public var interval = Duration.seconds(5)
        /// A broker that sends no echo back for so long has hung, or refuses them; then they are sent so far apart.
        public var hungAfter = Duration.seconds(10)

        public init() {}

        /// - Parameter hungAfter: the other times follow from it.
        public init(hungAfter: Duration) {
            self.hungAfter = hungAfter
            interval = min(interval, hungAfter / 2)
            retryAfter = max(min(retryAfter, hungAfter / 4), hungAfter / 10)
        }
    }

    /// An echo to be published.
    public struct Echo: Sendable, Hashable {
        public let payload: [UInt8]
    }

    private struct Asked: Sendable {
        let number: UInt64
        let wall: Milliseconds
        let at: ContinuousClock.Instant
    }

    private let times: Times
    private var isSubscribed = false
    /// The newest echo that has not come back; one that it replaced still proves what it proves.
    private var asked: [Asked] = []
    /// How often an echo was asked for on this connection without one coming back.
    private var unanswered = 0
    /// Since when nothing has come back; nil while nothing is owed.
    private var owedSince: ContinuousClock.Instant?
    private var lastProof: ContinuousClock.Instant?
    /// Whether the broker has owed an echo for longer than ``Times/hungAfter`` and has not brought one back since; also
    /// across connections, none of which proves anything.
    public private(set) var isSilent = false

    /// Echoes remembered at once: more than are sent until the broker counts as hung.
    private static let capacity = 16
    /// So many of a connection are asked for soon after each other also of a broker that is silent.
    private static let eager = 3

    public init(times: Times = Times()) { self.times = times }

    /// The broker has answered every subscription of the present connection.
    public mutating func subscribed() {
        guard !isSubscribed else { return }
        isSubscribed = true
        unanswered = 0
        asked = []
        owedSince = nil
        lastProof = nil
    }

    /// There is no connection, or its subscriptions are being made.
    public mutating func disconnected() {
        isSubscribed = false
        asked = []
        owedSince = nil
        lastProof = nil
    }

    /// An echo to be published now; nil when there is no reason to, or one is under way.
    ///
    /// - Parameters:
    ///   - isWanted: Whether something waits for proof.
    ///   - number: random, so that nobody else can make the echo.
    public mutating func ask(
        isWanted: Bool, number: UInt64, wall: Milliseconds, at now: ContinuousClock.Instant
    ) -> Echo? {
        guard isSubscribed else { return nil }
        if silence(at: now) ?? .zero >= times.hungAfter { isSilent = true }
        if let last = asked.last {
            // A broker that refuses them may close the connection that they come by: not once a second for ever. But the
            // first ones of a connection may be lost while the other one is made.
            let isRare = isSilent && unanswered >= Self.eager
            guard now - last.at >= (isRare ? times.hungAfter : times.retryAfter) else { return nil }
        } else if !isWanted, let lastProof, now - lastProof < times.interval {
            return nil
        }
        if asked.count >= Self.capacity { asked.removeFirst() }
        unanswered += 1
        asked.append(Asked(number: number, wall: wall, at: now))
        if owedSince == nil { owedSince = now }
        return Echo(payload: Array(String(number, radix: 16).utf8))
    }

    /// An echo has been read from the listening connection. Returns what it proves; nil for one that proves nothing.
    public mutating func echoReceived(_ payload: [UInt8], at now: ContinuousClock.Instant) -> Milliseconds? {
        guard let number = UInt64(String(decoding: payload.prefix(16), as: UTF8.self), radix: 16),
            let index = asked.firstIndex(where: { $0.number == number })
        else { return nil }
        let proved = asked[index].wall
        asked.removeFirst(index + 1)
        owedSince = asked.first?.at
        lastProof = now
        unanswered = 0
        isSilent = false
        return proved
    }

    /// How long the broker has owed an echo; nil when it owes none.
    public func silence(at now: ContinuousClock.Instant) -> Duration? { owedSince.map { now - $0 } }
}
