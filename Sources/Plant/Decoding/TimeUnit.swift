/// The unit of a number that is a time since 1970.
public enum TimeUnit: String, Sendable, Hashable, CaseIterable {
    case seconds = "s"
    case milliseconds = "ms"
    case microseconds = "us"
    case nanoseconds = "ns"

    /// The unit in which a number of that size is a time of our age; see ``SourceTime``.
    init(ofSize magnitude: Double) {
        self =
            switch magnitude {
            case ..<1e11: .seconds
            case ..<1e14: .milliseconds
            case ..<1e17: .microseconds
            default: .nanoseconds
            }
    }
}
