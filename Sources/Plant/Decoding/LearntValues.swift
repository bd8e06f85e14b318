import JSON
import OrderedCollections

/// What one topic of a route with wildcards has shown so far.
struct LearntValues: Sendable {
    /// Something that stands where the route looks, and has no tag.
    struct Seen: Sendable {
        let place: JSONPointer
        /// Whether it becomes a tag once it is a value: until now it was `null`, an object or array, or broken.
        let isAwaited: Bool
        /// Whether all that lies in it is excepted.
        var isExceptedWhole = false
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
    /// The bytes that all places take, about.
    private(set) var bytes = 0

    mutating func learn(_ value: ValueRule) {
        forget(value.place)
        values.append(value)
        bytes += Self.bytes(of: value.place)
    }

    mutating func learn(_ sight: Seen) {
        forget(sight.place)
        seen.append(sight)
        bytes += Self.bytes(of: sight.place)
    }

    private mutating func forget(_ place: JSONPointer) {
        guard let index = seen.firstIndex(where: { $0.place == place }) else { return }
        bytes -= Self.bytes(of: seen.remove(at: index).place)
    }

    /// What a place takes beside its names.
    static let placeBytes = 128

    private static func bytes(of place: JSONPointer) -> Int {
        place.tokens.reduce(placeBytes) { $0 + $1.utf8.count + 1 }
    }

    mutating func close() { isClosed = true }

    /// What a document has that is not known yet, as far as it is learnt. A place with a name that is too long for any tag
    /// is none: it is not worth the memory.
    ///
    /// - Parameters:
    ///   - others: places that are spoken for.
    ///   - limit: of places that a topic can have; one more tells that there are too many.
    func news(
        in document: SalvagedJSON, wildcards: [WildcardRule], others: Set<JSONPointer>, limit: Int
    ) -> [News] {
        guard !isClosed else { return [] }
        var known = others
        var awaited: Set<JSONPointer> = []
        for value in values { known.insert(value.place) }
        for sight in seen {
            if sight.isAwaited { awaited.insert(sight.place) } else { known.insert(sight.place) }
        }
        // The first rule that makes a tag of a place has it.
        var found = OrderedDictionary<JSONPointer, (value: ValueRule, isThere: Bool)?>()
        let room = limit - count
        let excepted = Set(seen.lazy.filter(\.isExceptedWhole).map(\.place))
        var newlyExcepted: Set<JSONPointer> = []
        for rule in wildcards {
            document.forEachStep(rule.place) { step in
                guard Self.bytes(of: step.place) - Self.placeBytes <= TagPath.lengthLimit else { return .passBy }
                if excepted.contains(step.place) { return .passBy }
                guard !known.contains(step.place) else { return .goOn }
                guard let value = rule.value(at: step.place) else {
                    if found[step.place] == nil { found[step.place] = .some(nil) }
                    // Another rule may mean what lies in it.
                    let isExcepted = wildcards.count == 1 && rule.excepts(allIn: step.place)
                    if isExcepted { newlyExcepted.insert(step.place) }
                    return found.count > room ? .stop : isExcepted ? .passBy : .goOn
                }
                var isThere = false
                if case .scalar(let scalar) = step.part { isThere = TagValue(json: scalar) != nil }
                if found[step.place]??.value == nil { found[step.place] = (value, isThere) }
                return found.count > room ? .stop : .goOn
            }
        }
        return found.compactMap { place, found in
            switch found {
            case (let value, true)?: .value(value)
            case (_, false)?: awaited.contains(place) ? nil : .seen(Seen(place: place, isAwaited: true))
            case nil:
                awaited.contains(place)
                    ? nil : .seen(Seen(place: place, isAwaited: false, isExceptedWhole: newlyExcepted.contains(place)))
            }
        }
    }
}
