extension LinearizabilityChecker.Violation {
    /// The answer that nothing explains, what lies around it, and how far an explanation goes.
    func describe(last count: Int) -> String {
        let answered = prefix.filter { $0.output != nil }
        var lines = ["not linearizable (\(answered.count) answers, \(prefix.count - answered.count) unknown)"]
        if let culprit = answered.max(by: { $0.returned < $1.returned }) {
            lines.append("nothing explains:\n  \(culprit)")
        }
        lines.append("an order that explains the most ends with:")
        lines += explained.suffix(count).map { "  \($0)" }
        lines.append("and leads to: \(state)")
        let placed = Set(explained.map(\.invoked))
        let left = prefix.filter { !placed.contains($0.invoked) }
        lines.append("it has no place for:")
        lines += left.suffix(count).map { "  \($0)" }
        return lines.joined(separator: "\n")
    }
}
