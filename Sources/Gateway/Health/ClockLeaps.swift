import Plant

/// Finds leaps of the wall clock: it is looked at now and then, and held against a clock that cannot be set.
struct ClockLeaps {
    /// What is corrected in smaller steps than that between two looks is no leap.
    static let smallest: Milliseconds = 2_000
    /// How long after a leap the clock counts as uncertain.
    static let doubt = Duration.seconds(60)

    private var wall: Milliseconds
    private var now: ContinuousClock.Instant
    /// The last leap, and when it was seen.
    private var last: (by: Milliseconds, at: ContinuousClock.Instant)?

    init(wall: Milliseconds, now: ContinuousClock.Instant) {
        self.wall = wall
        self.now = now
    }

    /// The leap for which the clock is in doubt; nil when it is not.
    mutating func look(wall: Milliseconds, now: ContinuousClock.Instant) -> Milliseconds? {
        let (moved, overflow) = wall.subtractingReportingOverflow(self.wall)
        let leap = overflow ? (wall < self.wall ? .min : .max) : moved &- (now - self.now).wholeMilliseconds
        self.wall = wall
        self.now = now
        if leap.magnitude > Self.smallest.magnitude { last = (leap, now) }
        guard let last, now - last.at < Self.doubt else { return nil }
        return last.by
    }
}
