/// Last stage of a record that is published again: no more than a tenth of what a second allows leave in each tenth of a
/// second, so that repetitions never crowd out what is new.
struct RepetitionRate: Sendable {
    private var tenth = Milliseconds.min
    private var used = 0

    mutating func take(perSecond: Int, at now: Milliseconds) -> Bool {
        let current = now / 100
        if current != tenth {
            tenth = current
            used = 0
        }
        guard used < max(1, perSecond / 10) else { return false }
        used += 1
        return true
    }
}
