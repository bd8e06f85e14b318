import Plant

/// Which routes take what belongs to others.
extension PlantSections {
    /// Two routes may give the same tag; but a tag belongs to one device, and with it to one gateway.
    private func checkSharedTags(_ delivered: DeliveredTags) {
        for (number, route) in routes.enumerated() where route.definition.tag != nil {
            let others = Set(route.definition.tagPatterns.flatMap { delivered.sources(of: $0).map(\.route) })
            for otherNumber in others.sorted() {
                let other = routes[otherNumber]
                // Of two with names of their own, the mistake is reported at the later one.
                guard otherNumber < number || other.definition.tag == nil,
                    other.definition.deviceByLevels != route.definition.deviceByLevels
                else { continue }
                route.place(["tag"]).report(
                    "route \"\(route.definition.name)\" can give the same tags as route \"\(other.definition.name)\" at \(other.value.location), and to another device",
                    expected: "the same device in both, or another tag")
            }
        }
    }

    /// A part of a range needs a range.
    private func checkDeadbands() {
        let ranges = TagRanges(tags)
        for route in routes {
            for deadband in route.definition.deadbands {
                guard case .percent = deadband.change, ranges.first(of: TopicPattern(deadband.tags)) == nil else {
                    continue
                }
                route.place(["deadband", deadband.tags.text]).report(
                    "the deadband of \(deadband.tags) is a part of the tags' range, and no entry of tags gives them one",
                    expected: "a number, or an entry of tags with range: {low: …, high: …}")
            }
        }
    }

    func checkRoutes(_ delivered: DeliveredTags) {
        let ownMessages = ["gateways", "alarms", "alarm-events", "alarm-requests", "requests", "commands"].map {
            TopicPattern(levels: [.literal("linekeeper"), .any, .literal($0), .rest])
        }
        let patterns = routes.map { TopicPattern($0.definition.topic) }
        checkSharedTags(delivered)
        checkDeadbands()
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
            for (key, patterns) in [
                ("tag", route.definition.tagPatterns), ("device", route.definition.devicePatterns),
            ]
            where patterns.contains(where: { $0.levels.first == .literal("linekeeper") })
                && pattern.levels.first != .literal("linekeeper")
            {
                route.place([key]).report(
                    "route \"\(route.definition.name)\" makes a \(key) below linekeeper/, where Linekeeper's own are",
                    expected: "a first level of the plant's own")
            }
            let presence = route.definition.presence.map { TopicPattern($0.topic) }
            if let presence, ownMessages.contains(where: presence.overlaps) {
                route.place(["presence", "topic"]).report(
                    "route \"\(route.definition.name)\" would take Linekeeper's own messages for what devices say of themselves",
                    expected: "topics outside linekeeper/, so a first level of the plant's own, such as factory/…")
            }
            if route.definition.staleAfter != nil, !route.definition.vouchesForItsTags {
                route.place(["staleAfter"]).warn(
                    "route \"\(route.definition.name)\" does not say how its topics report: one that falls silent stays good while its device still speaks",
                    expected: "reporting: periodic, or reporting: onChange for topics that speak only when they change")
            }
            for number in earlierTopics.overlapping(pattern) {
                let (earlier, other) = (routes[number], patterns[number])
                let where_ = "route \"\(earlier.definition.name)\" at \(earlier.value.location)"
                if earlier.definition.continues {
                    if earlier.definition.sharesNames(with: route.definition) {
                        route.place([route.definition.isSingle ? "value" : "values"]).report(
                            "route \"\(route.definition.name)\" would give the same tags of the same messages as \(where_), which continues",
                            expected: "other names in values, or another tag")
                    }
                    continue
                }
                if other.contains(pattern) {
                    route.place(["topic"]).report(
                        "route \"\(route.definition.name)\" never gets a message: \(where_) takes all its topics",
                        expected: "the narrower route first, or topics of its own")
                } else if !pattern.contains(other), earlier.definition.payload != .nothing,
                    pattern.beginsWithName == other.beginsWithName
                {
                    route.place(["topic"]).warn(
                        "route \"\(route.definition.name)\" shares topics with \(where_), which comes first and gets them",
                        expected: "routes without common topics")
                }
            }
        }
    }
}
