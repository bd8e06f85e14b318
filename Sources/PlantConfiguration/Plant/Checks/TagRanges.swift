import Plant

/// Those entries of `tags` that give a range, found by what they have in common with a filter.
struct TagRanges {
    private var index = TopicPatternIndex()
    private var entries: [(PlantSections.Located<TagRule>, TagRange)] = []

    init(_ tags: [PlantSections.Located<TagRule>]) {
        for rule in tags {
            guard let range = rule.definition.traits.range else { continue }
            index.insert(TopicPattern(rule.definition.tags))
            entries.append((rule, range))
        }
    }

    func first(of pattern: TopicPattern) -> (PlantSections.Located<TagRule>, TagRange)? {
        index.overlapping(pattern).first.map { entries[$0] }
    }
}
