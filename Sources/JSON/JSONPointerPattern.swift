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
