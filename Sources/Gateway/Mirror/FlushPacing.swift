/// When the next flush may begin.
///
/// Each flush is a durable write. So a lone change leaves at once, and further ones ``spacing`` after the last flush began,
/// however soon that was answered. After one that failed there is a pause besides, which doubles from flush to flush.
///
/// Many devices send what they have measured as several messages in a row. Its first would leave alone and the others
/// ``spacing`` later, in a second flush. So after a change that was followed while it was written, the next one waits for
/// ``gathering`` first; and when nothing has come meanwhile, the one after that leaves at once again.
struct FlushPacing {
    static let shortestPause = Duration.milliseconds(20)
    static let longestPause = Duration.seconds(1)
    /// The longest time that a burst's first change waits for the others.
    static let longestGathering = Duration.milliseconds(1)

    let spacing: Duration
    private var notBefore: ContinuousClock.Instant?
    private var pause = Duration.zero
    private var expectsBurst = false
    private var turn = Turn.begun

    /// How far a turn has come.
    private enum Turn {
        case begun
        /// The first change waits for others; the newest batch when it was found.
        case gathering(since: UInt64?)
        case flushed
        /// What there is to learn of this turn is known.
        case judged
    }

    init(spacing: Duration) { self.spacing = spacing }

    /// How long a burst's first change waits for the others: a fifth of the spacing, none without one.
    var gathering: Duration { min(spacing / 5, Self.longestGathering) }

    /// After a time in which nothing was to be written, something may be.
    mutating func turnBegan(at now: ContinuousClock.Instant) {
        turn = .begun
        guard expectsBurst, wait(at: now) == .zero, gathering > .zero else { return }
        turn = .gathering(since: nil)
        notBefore = now + gathering
    }

    /// Changes are to be written, and everything up to this batch has been heard.
    mutating func found(heardThrough batch: UInt64) {
        switch turn {
        case .begun, .judged: break
        case .gathering(since: nil): turn = .gathering(since: batch)
        case .gathering(let first?):
            expectsBurst = batch > first
            turn = .judged
        case .flushed:
            expectsBurst = true
            turn = .judged
        }
    }

    /// How long the next flush has to wait; zero when it may begin at once.
    func wait(at now: ContinuousClock.Instant) -> Duration { notBefore.map { max($0 - now, .zero) } ?? .zero }

    /// A flush that began at `start` was answered at `end`.
    mutating func flushed(from start: ContinuousClock.Instant, to end: ContinuousClock.Instant, succeeded: Bool) {
        if case .begun = turn { turn = .flushed }
        pause = succeeded ? .zero : min(max(pause * 2, Self.shortestPause), Self.longestPause)
        notBefore = max(start + spacing, end + pause)
    }
}
