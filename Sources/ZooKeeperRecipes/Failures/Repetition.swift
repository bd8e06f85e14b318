/// Slows down what ends and is begun again and again: the first time at once, then later each time. What lasted for a
/// while starts from zero.
struct Repetition {
    private static let settled = Duration.seconds(2)
    private static let first = Duration.milliseconds(10)
    private static let ceiling = Duration.seconds(1)
    private var next = Duration.zero

    /// How long to wait before the next beginning.
    ///
    /// - Parameter tenure: How long it lasted.
    mutating func delay(after tenure: Duration) -> Duration {
        let delay = tenure >= Self.settled ? .zero : next
        next = delay == .zero ? Self.first : min(delay * 2, Self.ceiling)
        return delay
    }
}
