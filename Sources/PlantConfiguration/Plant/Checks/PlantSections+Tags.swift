import Plant

/// Which entries of `tags` are about nothing.
extension PlantSections {
    func checkTags(_ delivered: DeliveredTags) {
        for rule in tags where !routes.isEmpty {
            guard !delivered.overlap(TopicPattern(rule.definition.tags)) else { continue }
            rule.place(["filter"]).warn(
                "tags \"\(rule.definition.tags)\" are delivered by no route", expected: "tags of a route")
        }
    }
}
