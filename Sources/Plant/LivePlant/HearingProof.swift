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
/// | it has, and still delivers: the echo waits behind what the broker has kept | after ``Times/hungAfter`` without a message, ``Times/longestBacklog`` at most; at once where the two connections are apart |
/// | they were, to a list of brokers, and nothing has come since | each ``Times/hungAfter`` until each has been tried, then after twice that time, four times, … ``Times/longest`` |
/// | they were, to one broker alone, and nothing has come since | after twice that time, then four times, … ``Times/longest`` |
/// | something has come by this connection, or the broker refuses the echoes | ``Times/longest`` after the last |
///
/// What it retains may come from its store, and does not count there. A broker that does not answer the subscriptions is
/// silent, too, unless messages come meanwhile.
///
/// An echo that was not published is not owed: see ``echoUnsent(_:at:)``. A broker that refuses one may close the connection that
/// it came by, and with MQTT 3.1.1 it cannot say why: see ``publisherLost(at:)``.
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
        /// A silent broker that delivers, or that has been tried often, is given up this often. One that closes the
        /// connection because of an echo gets another one after that time.
        public var longest: Duration { max(hungAfter, .seconds(300)) }
        /// For so long a broker may deliver what it has kept, with the echo behind it.
        public var longestBacklog: Duration { max(hungAfter, .seconds(60)) }

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

        var echo: Echo { Echo(payload: Array(String(number, radix: 16).utf8)) }
    }

    private let times: Times
    /// How many brokers there are to go to, with the present one.
    private let brokers: Int
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
    /// No echo before that moment: the last one was not published.
    private var notBefore: ContinuousClock.Instant?
    /// The newest echo, and whether the connection that it was published on ended right after it.
    private var lastEcho: (at: ContinuousClock.Instant, hasBroken: Bool)?
    /// So many echoes in a row did that, since the subscriptions were made.
    private var broken = 0
    /// Whether the broker has owed an echo for longer than ``Times/hungAfter`` and has not brought one back since; also
    /// across connections, none of which proves anything.
    public private(set) var isSilent = false

    /// Echoes remembered at once: more than are sent until the broker counts as hung.
    private static let capacity = 16
    /// So many of a connection are asked for soon after each other also of a broker that is silent.
    private static let eager = 3
    /// So many echoes in a row that break their connection are no accident.
    private static let mostBroken = 3

    /// - Parameter brokers: how many there are to go to, with the present one.
    public init(times: Times = Times(), brokers: Int = 1) {
        self.times = times
        self.brokers = max(1, brokers)
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
        notBefore = nil
        lastEcho = nil
        broken = 0
    }

    /// An echo to be published now; nil when there is no reason to, or one is under way.
    ///
    /// - Parameters:
    ///   - isWanted: Whether something waits for proof.
    ///   - canPublish: Whether the connection that echoes are published on is there.
    ///   - number: random, so that nobody else can make the echo.
    public mutating func ask(
        isWanted: Bool, canPublish: Bool = true, number: UInt64, wall: Milliseconds, at now: ContinuousClock.Instant
    ) -> Echo? {
        if silence(at: now) ?? .zero >= times.hungAfter { isSilent = true }
        guard isSubscribed, canPublish else { return nil }
        if let notBefore, now < notBefore { return nil }
        if let last = asked.last {
            // A broker that refuses them may close the connection that they come by: not once per second without end.
            // But the first ones of a connection may be lost while the other one is made.
            let isRare = isSilent && unanswered >= Self.eager
            guard now - last.at >= (isRare ? times.hungAfter : times.retryAfter) else { return nil }
        } else if !isWanted, let lastProof, now - lastProof < times.interval {
            return nil
        }
        if asked.count >= Self.capacity { asked.removeFirst() }
        unanswered += 1
        let next = Asked(number: number, wall: wall, at: now)
        asked.append(next)
        if lastEcho?.hasBroken == false { broken = 0 }
        lastEcho = (now, false)
        if owedSince == nil { owedSince = now }
        return next.echo
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
        broken = 0
        notBefore = nil
        departures = 0
        isSilent = false
        return proved
    }

    /// Messages have come by the listening connection.
    ///
    /// - Parameter areRetained: Whether the broker had all of them stored: then they prove nothing once the subscriptions are
    ///   made, and before that only that the broker is still answering.
    public mutating func delivered(areRetained: Bool, at now: ContinuousClock.Instant) {
        if !isSubscribed, owedSince != nil { owedSince = now }
        if !areRetained { lastDelivery = now }
    }

    /// The broker has said that it does not take this gateway's echoes.
    public mutating func echoRefused(at now: ContinuousClock.Instant) {
        if isSubscribed { lastDelivery = now }
    }

    /// The echo was not published, or its connection ended before it was acknowledged: nobody owes it.
    public mutating func echoUnsent(_ echo: Echo, at now: ContinuousClock.Instant) {
        guard broken < Self.mostBroken, let index = asked.firstIndex(where: { $0.echo == echo }) else { return }
        asked.remove(at: index)
        unanswered = max(0, unanswered - 1)
        notBefore = now + times.retryAfter
        if let first = asked.first {
            owedSince = owedSince.map { max($0, first.at) }
        } else {
            owedSince = nil
        }
    }

    /// The network or the broker has ended the connection that echoes are published on. That may happen. But a broker may close
    /// it because its access list does not allow the echo, also after it has acknowledged it: when that happens right after each
    /// of several in a row, none of which comes back, they count as refused.
    public mutating func publisherLost(at now: ContinuousClock.Instant) {
        guard let lastEcho, !lastEcho.hasBroken, now - lastEcho.at <= times.retryAfter else { return }
        self.lastEcho?.hasBroken = true
        broken += 1
        guard broken >= Self.mostBroken else { return }
        // They cost the connection, and with it what is published on it: hardly ever one more.
        notBefore = now + times.longest
        if isSubscribed, owedSince == nil { owedSince = now }
        echoRefused(at: now)
    }

    /// Whether the broker is to be given up now for its silence: 1 for the first departure since the last echo, then 2, …
    ///
    /// - Parameters:
    ///   - canPublish: whether the connection that echoes are published on is there. Without it no echo can come back.
    ///   - areApart: whether the two connections are at different brokers.
    public mutating func givesUp(
        canPublish: Bool = true, areApart: Bool = false, at now: ContinuousClock.Instant
    ) -> Int? {
        guard isSilent, let owedSince, canPublish || !isSubscribed else { return nil }
        let last = max(owedSince, lastDelivery ?? owedSince)
        if departures > 0 {
            let pause =
                lastDelivery == nil
                ? min(times.hungAfter * (1 << min(departures / brokers, 10)), times.longest) : times.longest
            guard now - last >= pause else { return nil }
        } else if !areApart {
            guard now - last >= times.hungAfter || now - owedSince >= times.longestBacklog else { return nil }
        }
        departures += 1
        self.owedSince = now
        return departures
    }

    /// How long the broker has owed an echo; nil when it owes none.
    public func silence(at now: ContinuousClock.Instant) -> Duration? { owedSince.map { now - $0 } }
}
