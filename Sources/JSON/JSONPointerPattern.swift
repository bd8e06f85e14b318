import OrderedCollections

/// Places in documents whose names are not known beforehand: a JSON Pointer in which the step `+` stands for any one name
/// or index, and a last `#` for one step or more. So `/sensors/+/value` is the value of every sensor, and `/#` is everything.
public struct JSONPointerPattern: Hashable, Sendable, CustomStringConvertible {
    /// Why a text is not a pattern.
    public enum Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        case pointer(JSONPointer.Mistake)
        /// `#` somewhere but in the end.
        case misplacedRest

        public var description: String {
            switch self {
            case .pointer(let mistake): mistake.description
            case .misplacedRest: "# stands for all the remaining steps, so it can only be the last one"
            }
        }
    }

    public enum Step: Hashable, Sendable {
        case name(String)
        case any
        case rest
    }

    /// More steps than this are not taken for what `#` stands for.
    public static let restLimit = 8

    public let steps: [Step]

    public init(_ text: String) throws(Mistake) {
        let tokens: [String]
        do throws(JSONPointer.Mistake) {
            tokens = try JSONPointer(text).tokens
        } catch {
            throw .pointer(error)
        }
        steps = tokens.map { token in
            switch token {
            case "+": .any
            case "#": .rest
            default: .name(token)
            }
        }
        guard !steps.dropLast().contains(.rest) else { throw .misplacedRest }
    }

    /// The one place that is meant, when no step is a wildcard.
    public var pointer: JSONPointer? {
        var tokens: [String] = []
        for step in steps {
            guard case .name(let name) = step else { return nil }
            tokens.append(name)
        }
        return JSONPointer(tokens: tokens)
    }

    /// The pattern as text, escaped.
    public var description: String {
        JSONPointer(
            tokens: steps.map { step in
                switch step {
                case .name(let name): name
                case .any: "+"
                case .rest: "#"
                }
            }
        ).description
    }

    /// What the wildcards stand for in a place, a list of steps for each; nil when the place is not meant.
    public func captures(_ place: JSONPointer) -> [[String]]? {
        var captures: [[String]] = []
        var tokens = place.tokens[...]
        for step in steps {
            guard let token = tokens.first else { return nil }
            switch step {
            case .name(let name):
                guard name == token else { return nil }
            case .any: captures.append([token])
            case .rest:
                guard tokens.count <= Self.restLimit else { return nil }
                captures.append(Array(tokens))
                return captures
            }
            tokens = tokens.dropFirst()
        }
        return tokens.isEmpty ? captures : nil
    }

    /// The place for which the wildcards stand for that; nil when it does not fit.
    public func place(_ captures: [[String]]) -> JSONPointer? {
        var captures = captures[...]
        var tokens: [String] = []
        for step in steps {
            switch step {
            case .name(let name): tokens.append(name)
            case .any:
                guard let capture = captures.popFirst(), capture.count == 1 else { return nil }
                tokens += capture
            case .rest:
                guard let capture = captures.popFirst(), (1...Self.restLimit).contains(capture.count) else {
                    return nil
                }
                tokens += capture
            }
        }
        return captures.isEmpty ? JSONPointer(tokens: tokens) : nil
    }
}

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
