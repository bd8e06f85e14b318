/// Finds, among many patterns, those that have something in common with one: by walking their levels together, so that a
/// configuration of thousands of routes is not compared pair by pair.
struct TopicPatternIndex {
    private struct Node {
        var literals: [String: Int] = [:]
        /// The node below `any`.
        var any: Int?
        /// Patterns that end here, and those that have a `rest` here.
        var ending: [Int] = []
        var rest: [Int] = []
    }

    private var nodes = [Node()]
    private var patterns: [TopicPattern] = []

    /// Takes a pattern in; its number is how many there were before.
    mutating func insert(_ pattern: TopicPattern) {
        var node = 0
        var hasRest = false
        for level in pattern.levels {
            switch level {
            case .rest: hasRest = true
            case .any: node = child(of: node, \.any)
            case .literal(let text): node = child(of: node, \.literals[text])
            }
            if hasRest { break }
        }
        if hasRest { nodes[node].rest.append(patterns.count) } else { nodes[node].ending.append(patterns.count) }
        patterns.append(pattern)
    }

    private mutating func child(of node: Int, _ place: WritableKeyPath<Node, Int?>) -> Int {
        if let child = nodes[node][keyPath: place] { return child }
        nodes.append(Node())
        nodes[node][keyPath: place] = nodes.count - 1
        return nodes.count - 1
    }

    /// Numbers of the patterns that something can belong to beside `pattern`, in order.
    func overlapping(_ pattern: TopicPattern) -> [Int] {
        var found: [Int] = []
        collect(pattern.levels[...], at: 0, into: &found)
        // Walked is what stands before a rest; what may stand after it is looked at here.
        return found.filter { patterns[$0].overlaps(pattern) }.sorted()
    }

    private func collect(_ levels: ArraySlice<TopicPattern.Level>, at index: Int, into found: inout [Int]) {
        let node = nodes[index]
        // It may take whatever follows, nothing included.
        found += node.rest
        guard let level = levels.first else {
            found += node.ending
            return
        }
        let rest = levels.dropFirst()
        switch level {
        case .literal(let text):
            if let child = node.literals[text] { collect(rest, at: child, into: &found) }
            if let child = node.any { collect(rest, at: child, into: &found) }
        case .any:
            for child in node.literals.values { collect(rest, at: child, into: &found) }
            if let child = node.any { collect(rest, at: child, into: &found) }
        case .rest:
            found += node.ending
            for child in node.literals.values { collect(levels, at: child, into: &found) }
            if let child = node.any { collect(levels, at: child, into: &found) }
        }
    }
}
