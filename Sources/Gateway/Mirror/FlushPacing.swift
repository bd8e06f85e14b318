/// When the next flush may begin.
///
/// Each flush is a durable write. So a lone change leaves at once, and further ones ``spacing`` after the last flush began,
/// however soon that was answered. After one that failed there is a pause besides, which doubles from flush to flush.
struct FlushPacing {
    static let shortestPause = Duration.milliseconds(20)
    static let longestPause = Duration.seconds(1)

    let spacing: Duration
    private var notBefore: ContinuousClock.Instant?
    private var pause = Duration.zero

    init(spacing: Duration) { self.spacing = spacing }

    /// How long the next flush has to wait; zero when it may begin at once.
    func wait(at now: ContinuousClock.Instant) -> Duration { notBefore.map { max($0 - now, .zero) } ?? .zero }

    /// A flush that began at `start` was answered at `end`.
    mutating func flushed(from start: ContinuousClock.Instant, to end: ContinuousClock.Instant, succeeded: Bool) {
        pause = succeeded ? .zero : min(max(pause * 2, Self.shortestPause), Self.longestPause)
        notBefore = max(start + spacing, end + pause)
    }
}
