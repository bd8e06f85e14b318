/// How often values fell below each of a few fixed bounds. Recording is a short search and two additions.
struct Histogram {
    /// Upper bounds, inclusive, ascending.
    let bounds: [Int64]
    /// Values per bound, and last those above all bounds. Not cumulative.
    private(set) var counts: [UInt64]
    private(set) var sum: UInt64 = 0
    private(set) var count: UInt64 = 0
    private(set) var minimum: Int64 = 0
    private(set) var maximum: Int64 = 0

    init(bounds: [Int64]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    mutating func record(_ value: Int64, times: UInt64 = 1) {
        guard times > 0 else { return }
        var index = 0
        while index < bounds.count, value > bounds[index] { index += 1 }
        counts[index] &+= times
        let (product, overflows) = UInt64(max(0, value)).multipliedReportingOverflow(by: times)
        sum = overflows ? .max : sum.addingReportingOverflow(product).partialValue
        minimum = count == 0 ? value : min(minimum, value)
        maximum = max(maximum, value)
        count &+= times
    }

    var average: Double { count == 0 ? 0 : Double(sum) / Double(count) }

    /// The bound below which the given share of the values lies; as coarse as the bounds are.
    func quantile(_ share: Double) -> Int64 {
        guard count > 0 else { return 0 }
        let wanted = Double(count) * share
        var seen: UInt64 = 0
        for (index, bound) in bounds.enumerated() {
            seen &+= counts[index]
            if Double(seen) >= wanted { return min(bound, maximum) }
        }
        return maximum
    }

    /// Microseconds, from a cached read to a stuck disk.
    static let microseconds: [Int64] = [
        50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000,
    ]
    static let sizes: [Int64] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]
}
