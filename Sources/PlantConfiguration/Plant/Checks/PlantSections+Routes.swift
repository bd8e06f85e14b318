import Plant

/// Which routes take what belongs to others.
extension PlantSections {
    func checkRoutes() {
        let ownMessages = ["gateways", "alarms", "alarm-events", "alarm-requests", "requests", "commands"].map {
            TopicPattern(levels: [.literal("linekeeper"), .any, .literal($0), .rest])
        }
        let patterns = routes.map { TopicPattern($0.definition.topic) }
        var earlierTopics = TopicPatternIndex()
        var named: [String: Int] = [:]
        for (index, route) in routes.enumerated() {
            let pattern = patterns[index]
            defer {
                earlierTopics.insert(pattern)
                if named[route.definition.name] == nil { named[route.definition.name] = index }
            }
            if let first = named[route.definition.name].map({ routes[$0] }) {
                route.place(["name"]).report(
                    "a route named \"\(route.definition.name)\" stands at \(first.value.location) already",
                    expected: "each name once")
            }
            if pattern.levels.first == .literal("linekeeper") || ownMessages.contains(where: pattern.overlaps) {
                route.place(["topic"]).report(
                    "route \"\(route.definition.name)\" would take Linekeeper's own messages for sensors",
                    expected: "topics outside linekeeper/, so a first level of the plant's own, such as factory/…")
            }
            let presence = route.definition.presence.map { TopicPattern($0.topic) }
            if let presence, ownMessages.contains(where: presence.overlaps) {
                route.place(["presence", "topic"]).report(
                    "route \"\(route.definition.name)\" would take Linekeeper's own messages for what devices say of themselves",
                    expected: "topics outside linekeeper/, so a first level of the plant's own, such as factory/…")
            }
            if route.definition.staleAfter != nil, route.definition.reporting == nil {
                route.place(["staleAfter"]).warn(
                    "route \"\(route.definition.name)\" does not say how its topics report: one that falls silent stays good while its device still speaks",
                    expected: "reporting: periodic, or reporting: onChange for topics that speak only when they change")
            }
            for number in earlierTopics.overlapping(pattern) {
                let (earlier, other) = (routes[number], patterns[number])
                let where_ = "route \"\(earlier.definition.name)\" at \(earlier.value.location)"
                if other.contains(pattern) {
                    route.place(["topic"]).report(
                        "route \"\(route.definition.name)\" never gets a message: \(where_) takes all its topics",
                        expected: "the narrower route first, or topics of its own")
                } else if !pattern.contains(other), earlier.definition.payload != .none {
                    route.place(["topic"]).warn(
                        "route \"\(route.definition.name)\" shares topics with \(where_), which comes first and gets them",
                        expected: "routes without common topics")
                }
            }
        }
    }
}
