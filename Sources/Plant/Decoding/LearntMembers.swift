import JSON
import OrderedCollections

/// What one topic of a route with wildcards has shown so far.
struct LearntMembers: Sendable {
    /// Something that stands where the route looks, and has no tag.
    struct Seen: Sendable {
        let place: JSONPointer
        /// Whether it becomes a tag once it is a value: until now it was `null`, an object or array, or broken.
        let isAwaited: Bool
    }

    /// What is new in a message.
    enum News: Sendable {
        case value(ValueRule)
        case seen(Seen)
    }

    private(set) var values: [ValueRule] = []
    private(set) var seen: [Seen] = []
    /// Whether nothing is learnt any more; what is new is left out then, without a look.
    private(set) var isClosed = false

    var count: Int { values.count + seen.count }

    mutating func learn(_ value: ValueRule) {
        seen.removeAll { $0.place == value.place }
        values.append(value)
    }

    mutating func learn(_ sight: Seen) {
        seen.removeAll { $0.place == sight.place }
        seen.append(sight)
    }

    mutating func close() { isClosed = true }

    /// What a document has that is not known yet.
    ///
    /// - Parameter others: places that are spoken for.
    func news(
        in document: SalvagedJSON, members: [MemberRule], others: some Sequence<JSONPointer>
    ) -> [News] {
        guard !isClosed else { return [] }
        var known = Set(others)
        var awaited: Set<JSONPointer> = []
        for value in values { known.insert(value.place) }
        for sight in seen {
            if sight.isAwaited { awaited.insert(sight.place) } else { known.insert(sight.place) }
        }
        // The first rule that makes a tag of a place has it.
        var found = OrderedDictionary<JSONPointer, (value: ValueRule, isThere: Bool)?>()
        for rule in members {
            for step in document.steps(rule.place) where !known.contains(step.place) {
                guard let value = rule.value(at: step.place) else {
                    if found[step.place] == nil { found[step.place] = .some(nil) }
                    continue
                }
                var isThere = false
                if case .scalar(let scalar) = step.part { isThere = TagValue(json: scalar) != nil }
                if found[step.place]??.value == nil { found[step.place] = (value, isThere) }
            }
        }
        return found.compactMap { place, found in
            switch found {
            case (let value, true)?: .value(value)
            case (_, false)?: awaited.contains(place) ? nil : .seen(Seen(place: place, isAwaited: true))
            case nil: awaited.contains(place) ? nil : .seen(Seen(place: place, isAwaited: false))
            }
        }
    }
}
