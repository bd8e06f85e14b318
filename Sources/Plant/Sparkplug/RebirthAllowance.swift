/// How many rebirth requests may leave now, to all edge nodes together: a few at once, and then so many per second.
struct RebirthAllowance: Sendable {
    private let interval: Milliseconds
    private let burst: Milliseconds
    private var left: Milliseconds
    /// When the last one was earned.
    private var earnedAt: Milliseconds = .min

    init(perSecond: Int) {
        interval = max(1, 1_000 / Milliseconds(max(1, perSecond)))
        burst = Milliseconds(max(1, perSecond / 4))
        left = burst
    }

    /// Whether one may leave. Asking counts as sending it.
    mutating func take(at now: Milliseconds) -> Bool {
        let earned = max(0, now.subtractingClamped(earnedAt)) / interval
        if left.addingClamped(earned) >= burst {
            left = burst
            earnedAt = now
        } else {
            left += earned
            earnedAt += earned * interval
        }
        guard left > 0 else { return false }
        left -= 1
        return true
    }
}
