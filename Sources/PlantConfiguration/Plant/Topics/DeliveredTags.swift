import Plant

/// The tags that routes deliver, found by what they have in common with a filter: not route by route, because there may be
/// thousands of filters and of routes.
struct DeliveredTags {
    private var index = TopicPatternIndex()
    private var sources: [(route: Int, pattern: TopicPattern)] = []

    init(_ routes: [RouteDefinition]) {
        for (number, route) in routes.enumerated() {
            for pattern in route.tagPatterns {
                index.insert(pattern)
                sources.append((number, pattern))
            }
        }
    }

    func overlap(_ pattern: TopicPattern) -> Bool { !index.overlapping(pattern).isEmpty }

    /// The routes, by number and in order, that deliver tags of `pattern`, each with the first of its patterns that does.
    func sources(of pattern: TopicPattern) -> [(route: Int, pattern: TopicPattern)] {
        var found: [(route: Int, pattern: TopicPattern)] = []
        for number in index.overlapping(pattern) where found.last?.route != sources[number].route {
            found.append(sources[number])
        }
        return found
    }
}
