import SparkplugB

/// What is counted of all edge nodes together.
struct EdgeNodeTotals: Sendable {
    private(set) var healedGaps: UInt64 = 0
    private(set) var gaps: UInt64 = 0
    private(set) var refusals: UInt64 = 0

    init() {}

    init(_ counters: EdgeNodeCounters) {
        healedGaps = counters.healedGaps
        gaps = counters.gaps
        refusals = counters.refusals
    }

    /// Takes in what one edge node has counted since it was last looked at.
    mutating func add(_ now: EdgeNodeTotals, since before: EdgeNodeTotals) {
        healedGaps &+= now.healedGaps &- before.healedGaps
        gaps &+= now.gaps &- before.gaps
        refusals &+= now.refusals &- before.refusals
    }
}
