/// Whether incoming messages are being shed, because this gateway does not keep up: the number of those that were is looked
/// at now and then.
struct SheddingWatch {
    /// For how long after the last one it is still said.
    static let memory = Duration.seconds(60)

    private var total: UInt64 = 0
    /// What had been shed before it began, and when there was more the last time.
    private var trouble: (before: UInt64, last: ContinuousClock.Instant)?

    /// How many messages have been shed since it began; nil when none has been for a while.
    mutating func look(_ total: UInt64, now: ContinuousClock.Instant) -> UInt64? {
        if total > self.total { trouble = (trouble?.before ?? self.total, now) }
        self.total = max(self.total, total)
        guard let trouble, now - trouble.last < Self.memory else {
            trouble = nil
            return nil
        }
        return self.total - trouble.before
    }
}
