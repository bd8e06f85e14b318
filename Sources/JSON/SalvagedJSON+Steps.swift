import OrderedCollections

extension SalvagedJSON {
    /// A place that a pattern leads to or past.
    package struct Step: Sendable {
        package let place: JSONPointer
        package let part: Part
    }

    /// What is to be done after a step.
    package enum Continuation: Sendable {
        case goOn
        /// What lies in the object or array is not worth a visit.
        case passBy
        case stop
    }

    /// Everything that stands where the pattern has a wildcard, with what lies on the way there; an object or array that
    /// `#` leads into is on the way. Each place once, in the order of the document, until `visit` says that it is enough.
    package func forEachStep(_ pattern: JSONPointerPattern, visit: (Step) -> Continuation) {
        _ = walk(pattern.steps[...], [], depth: 0, visit)
    }

    /// False when it was enough.
    private func walk(
        _ steps: ArraySlice<JSONPointerPattern.Step>, _ tokens: [String], depth: Int, _ visit: (Step) -> Continuation
    ) -> Bool {
        guard let step = steps.first else { return true }
        for (token, child) in children {
            let rest: ArraySlice<JSONPointerPattern.Step>
            switch step {
            case .name(let name):
                guard name == token else { continue }
                rest = steps.dropFirst()
            case .any: rest = steps.dropFirst()
            case .rest: rest = child.isContainer && depth + 1 < JSONPointerPattern.restLimit ? steps : []
            }
            let place = JSONPointer(tokens: tokens + [token])
            let part = child.lookUp(JSONPointer(tokens: []))
            switch visit(Step(place: place, part: part)) {
            case .goOn:
                let depth = step == .rest ? depth + 1 : 0
                guard child.walk(rest, place.tokens, depth: depth, visit) else { return false }
            case .passBy: continue
            case .stop: return false
            }
        }
        return true
    }

    private var isContainer: Bool {
        switch self {
        case .object, .array: true
        case .sound, .broken: false
        }
    }

    /// One by one: there may be very many.
    private var children: some Sequence<(String, SalvagedJSON)> {
        let (members, elements): (OrderedDictionary<String, SalvagedJSON>, [SalvagedJSON]) =
            switch self {
            case .object(let members, _): (members, [])
            case .array(let elements, _): ([:], elements)
            case .sound, .broken: ([:], [])
            }
        var index = 0
        return AnyIterator {
            defer { index += 1 }
            if index < members.count { return (members.elements[index].key, members.elements[index].value) }
            return index < elements.count ? ("\(index)", elements[index]) : nil
        }
    }
}
