/// Tells a failure that lasts from one that passes by itself.
///
/// A service says how each of its attempts ended. What fails for longer than the patience is reported once, with the
/// cause of the latest attempt, and once more when it has ended.
struct LastingFailure: Sendable {
    /// What is to be said now.
    enum Report: Sendable, Hashable {
        case began(cause: String, after: Duration)
        case ended(after: Duration)
    }

    /// From the first failed attempt on; a success or a withdrawal ends it.
    private enum State: Sendable {
        case sound
        case failing(since: ContinuousClock.Instant, last: ContinuousClock.Instant)
        case reported(since: ContinuousClock.Instant)
    }

    /// Between two attempts of one activity that fails.
    static let longestPause = Duration.seconds(30)

    let patience: Duration
    private var state = State.sound

    init(patience: Duration = .seconds(5)) { self.patience = patience }

    /// Whether it has been reported and not ended yet.
    var isReported: Bool {
        if case .reported = state { true } else { false }
    }

    /// An attempt has failed.
    mutating func failed(_ cause: @autoclosure () -> String, at now: ContinuousClock.Instant) -> Report? {
        switch state {
        case .sound:
            state = .failing(since: now, last: now)
            return nil
        case .failing(let since, let last):
            // Two failures with a long pause between are two, not one that lasts.
            guard now - last <= Self.longestPause else {
                state = .failing(since: now, last: now)
                return nil
            }
            state = .failing(since: since, last: now)
            guard now - since > patience else { return nil }
            state = .reported(since: since)
            return .began(cause: cause(), after: now - since)
        case .reported:
            return nil
        }
    }

    /// An attempt has succeeded.
    mutating func succeeded(at now: ContinuousClock.Instant) -> Report? {
        defer { state = .sound }
        guard case .reported(let since) = state else { return nil }
        return .ended(after: now - since)
    }

    /// It is not this gateway's duty any more: nothing has failed and nothing has succeeded.
    mutating func withdrawn() { state = .sound }
}
