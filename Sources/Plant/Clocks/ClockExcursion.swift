/// A time in which a gateway's clock showed something else than before and after.
public struct ClockExcursion: Sendable, Hashable {
    /// Counts the leaps of that clock: the one that began this.
    public var number: Int
    /// What makes a date of that time right when it is added, in milliseconds.
    public var correction: Milliseconds
    /// What the clock showed meanwhile.
    public var dates: ClosedRange<Milliseconds>

    public init(number: Int, correction: Milliseconds, dates: ClosedRange<Milliseconds>) {
        self.number = number
        self.correction = correction
        self.dates = dates
    }
}
