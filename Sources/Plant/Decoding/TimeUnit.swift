/// The unit of a number that is a time since 1970.
public enum TimeUnit: String, Sendable, Hashable, CaseIterable {
    case seconds = "s"
    case milliseconds = "ms"
    case microseconds = "us"
    case nanoseconds = "ns"

    /// The unit in which a number of that size is a time of our age; see ``SourceTime``.
    init(ofSize magnitude: UInt64) {
        self =
            switch magnitude {
            case ..<100_000_000_000: .seconds
            case ..<100_000_000_000_000: .milliseconds
            case ..<100_000_000_000_000_000: .microseconds
            default: .nanoseconds
            }
    }
}
