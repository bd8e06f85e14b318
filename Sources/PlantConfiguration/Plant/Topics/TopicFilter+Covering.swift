package import Plant

extension TopicFilter {
    /// Whether every topic that `other` matches is one that this filter matches: a subscriber to this one gains nothing
    /// from the other, and may hear the same twice.
    package func covers(_ other: TopicFilter) -> Bool {
        // A wildcard at the beginning matches no topic that begins with `$` (MQTT 4.7.2).
        if other.text.utf8.first == UInt8(ascii: "$"), "+#".utf8.contains(text.utf8.first ?? 0) { return false }
        return TopicPattern(self).contains(TopicPattern(other))
    }

    /// Those that no other one covers; of several that match the same topics the first.
    package static func uncovered(_ filters: [TopicFilter]) -> [TopicFilter] {
        filters.indices.filter { index in
            !filters.indices.contains { other in
                other != index && filters[other].covers(filters[index])
                    && (other < index || !filters[index].covers(filters[other]))
            }
        }.map { filters[$0] }
    }
}
