/// How many lines of one kind may still be written: a few at once, then one now and then.
struct LineAllowance: Sendable {
    /// Lines that may follow one another at once.
    static let burst = 10
    /// How soon another line is allowed.
    static let interval = Duration.seconds(6)

    private var left = Self.burst
    /// When the last line was earned.
    private var earned: ContinuousClock.Instant?
    private var suppressed: UInt64 = 0

    /// Asks for one line: how many were left out since the last one, or nil when this one is left out as well.
    mutating func take(at now: ContinuousClock.Instant) -> UInt64? {
        if let earned {
            let count = (now - earned) / Self.interval
            if count >= 1 {
                left = min(Self.burst, left + Int(min(count, Double(Self.burst))))
                self.earned = now
            }
        } else {
            earned = now
        }
        guard left > 0 else {
            suppressed &+= 1
            return nil
        }
        left -= 1
        defer { suppressed = 0 }
        return suppressed
    }
}
