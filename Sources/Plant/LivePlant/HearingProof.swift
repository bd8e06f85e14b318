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
/// A broker that brings none back is silent. It may have hung, or stand apart from the others of a list; or its access list
/// refuses the echoes, and then it is better than none. So when is it given up?
///
/// | since the last echo | the connections are made again, elsewhere if there is a list |
/// | --- | --- |
/// | it has just become silent | at once |
/// | they were, to a list of brokers, and nothing has come since | each ``Times/hungAfter`` |
/// | they were, to one broker alone, and nothing has come since | after twice that time, then four times, … ``Times/longest`` |
/// | something has come by this connection, or the broker says that it refuses the echoes | ``Times/longest`` after the last |
///
/// What it retains may come from its store, and does not count there. A broker that does not answer the subscriptions is
/// silent, too, unless messages come meanwhile.
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
        /// A silent broker that delivers, or that has no other beside it, is given up this often.
        public var longest: Duration { max(hungAfter, .seconds(300)) }

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
    /// Whether there is another broker to go to.
    private let hasAlternatives: Bool
    private var isSubscribed = false
    /// The newest echo that has not come back; one that it replaced still proves what it proves.
    private var asked: [Asked] = []
    /// How often an echo was asked for on this connection without one coming back.
    private var unanswered = 0
    /// Since when nothing has come back, be it an echo or the answer to a subscription; nil while nothing is owed. A broker
    /// that was given up owes from then on.
    private var owedSince: ContinuousClock.Instant?
    /// When something else than an echo last showed that the broker of the present connection is alive.
    private var lastDelivery: ContinuousClock.Instant?
    /// How often a broker was given up since the last echo.
    private var departures = 0
    private var lastProof: ContinuousClock.Instant?
    /// Whether the broker has owed an echo for longer than ``Times/hungAfter`` and has not brought one back since; also
    /// across connections, none of which proves anything.
    public private(set) var isSilent = false

    /// Echoes remembered at once: more than are sent until the broker counts as hung.
    private static let capacity = 16
    /// So many of a connection are asked for soon after each other also of a broker that is silent.
    private static let eager = 3

    /// - Parameter hasAlternatives: whether there is another broker to go to.
    public init(times: Times = Times(), hasAlternatives: Bool = false) {
        self.times = times
        self.hasAlternatives = hasAlternatives
    }

    /// The broker has answered every subscription of the present connection.
    public mutating func subscribed() {
        guard !isSubscribed else { return }
        isSubscribed = true
        unanswered = 0
        forgetConnection()
    }

    /// There is a connection, and its subscriptions are being made; say it at each answer to one.
    public mutating func subscribing(at now: ContinuousClock.Instant) {
        disconnected()
        owedSince = now
    }

    /// There is no connection.
    public mutating func disconnected() {
        isSubscribed = false
        forgetConnection()
    }

    private mutating func forgetConnection() {
        asked = []
        owedSince = nil
        lastProof = nil
        lastDelivery = nil
    }

    /// An echo to be published now; nil when there is no reason to, or one is under way.
    ///
    /// - Parameters:
    ///   - isWanted: Whether something waits for proof.
    ///   - number: random, so that nobody else can make the echo.
    public mutating func ask(
        isWanted: Bool, number: UInt64, wall: Milliseconds, at now: ContinuousClock.Instant
    ) -> Echo? {
        if silence(at: now) ?? .zero >= times.hungAfter { isSilent = true }
        guard isSubscribed else { return nil }
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
        departures = 0
        isSilent = false
        return proved
    }

    /// Messages have come by the listening connection.
    ///
    /// - Parameter areRetained: Whether the broker had all of them stored: then they prove nothing once the subscriptions are
    ///   made, and before that only that the broker is at it.
    public mutating func delivered(areRetained: Bool, at now: ContinuousClock.Instant) {
        if !isSubscribed, owedSince != nil { owedSince = now }
        if !areRetained { lastDelivery = now }
    }

    /// The broker has said that it does not take this gateway's echoes.
    public mutating func echoRefused(at now: ContinuousClock.Instant) {
        if isSubscribed { lastDelivery = now }
    }

    /// Whether the broker is to be given up now for its silence: the how-manieth time since the last echo, from 1 on.
    public mutating func givesUp(at now: ContinuousClock.Instant) -> Int? {
        guard isSilent, let owedSince else { return nil }
        if departures > 0 {
            let pause: Duration
            if lastDelivery != nil {
                pause = times.longest
            } else if hasAlternatives {
                pause = times.hungAfter
            } else {
                pause = min(times.hungAfter * (1 << min(departures, 10)), times.longest)
            }
            guard now - max(owedSince, lastDelivery ?? owedSince) >= pause else { return nil }
        }
        departures += 1
        self.owedSince = now
        return departures
    }

    /// How long the broker has owed an echo; nil when it owes none.
    public func silence(at now: ContinuousClock.Instant) -> Duration? { owedSince.map { now - $0 } }
}
