/// Divides what may be kept of a full inbox.
enum FairShare {
    /// Up to where everyone may keep what it has, so that all together keep no more than `budget`: those that have less keep
    /// everything, and what they leave is divided among the others. `.max` when all of it fits.
    static func level(_ demands: [Int], within budget: Int) -> Int {
        let sorted = demands.sorted()
        var left = budget
        for (index, demand) in sorted.enumerated() {
            let share = left / (sorted.count - index)
            if demand > share { return share }
            left -= demand
        }
        return .max
    }
}
