/// The unit of a number that is a time since 1970, as a route declares it.
public enum TimeUnit: String, Sendable, Hashable, CaseIterable {
    case seconds = "s"
    case milliseconds = "ms"
    case microseconds = "us"
    case nanoseconds = "ns"
}

extension SourceTime {
    /// A whole number of a unit as milliseconds; by its size without one. nil beyond all time.
    static func milliseconds(_ time: Int64, _ unit: TimeUnit?) -> Milliseconds? {
        switch unit {
        case nil: return milliseconds(time)
        case .seconds:
            let (product, overflows) = time.multipliedReportingOverflow(by: 1000)
            return overflows ? nil : product
        case .milliseconds: return time
        case .microseconds: return time / 1000
        case .nanoseconds: return time / 1_000_000
        }
    }

    /// The same of a number with a fraction.
    static func milliseconds(_ time: Double, _ unit: TimeUnit?) -> Milliseconds? {
        guard let unit else { return milliseconds(time) }
        guard time.isFinite else { return nil }
        let scaled: Double =
            switch unit {
            case .seconds: time * 1000
            case .milliseconds: time
            case .microseconds: time / 1000
            case .nanoseconds: time / 1_000_000
            }
        return Int64(exactly: cut(scaled))
    }
}
