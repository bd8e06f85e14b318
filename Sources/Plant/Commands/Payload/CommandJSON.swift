public import JSON
import OrderedCollections

/// A JSON document with placeholders. A string that is one placeholder is its value with its type; one with more around it is
/// text. Names of members have no placeholders: nothing that fills one can change the structure.
public indirect enum CommandJSON: Sendable, Hashable {
    case constant(JSONValue)
    case value(String)
    case text(CommandText)
    case array([CommandJSON])
    case object([Member])

    public struct Member: Sendable, Hashable {
        var name: String
        var value: CommandJSON
    }

    /// How deep a template may be.
    package static let depthLimit = 32

    public enum Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        case text(CommandText.Mistake)
        case placeholderInName(String)
        case tooDeep

        public var description: String {
            switch self {
            case .text(let mistake): "\(mistake)"
            case .placeholderInName(let name):
                "the member \"\(name)\" has a brace in its name; only values have placeholders"
            case .tooDeep: "it is deeper than \(CommandJSON.depthLimit) levels"
            }
        }
    }

    /// Takes a document in which strings may have placeholders.
    public init(_ document: JSONValue) throws(Mistake) { try self.init(document, depth: 0) }

    private init(_ document: JSONValue, depth: Int) throws(Mistake) {
        guard depth < Self.depthLimit else { throw .tooDeep }
        switch document {
        case .null, .bool, .integer, .number: self = .constant(document)
        case .string(let string):
            do throws(CommandText.Mistake) {
                let text = try CommandText(string)
                self = text.onlyPlaceholder.map(CommandJSON.value) ?? .text(text)
            } catch {
                throw .text(error)
            }
        case .array(let elements):
            var templates: [CommandJSON] = []
            for element in elements { templates.append(try CommandJSON(element, depth: depth + 1)) }
            self = .array(templates)
        case .object(let members):
            var templates: [Member] = []
            for (name, value) in members {
                guard !name.utf8.contains(where: { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "}") }) else {
                    throw .placeholderInName(name)
                }
                templates.append(Member(name: name, value: try CommandJSON(value, depth: depth + 1)))
            }
            self = .object(templates)
        }
    }

    /// Its placeholders. What has no value is left out where it is a whole member, and must not be missing inside a text, nor
    /// in an array, where the others would move up.
    var placeholders: (whole: [String], inText: [String]) {
        switch self {
        case .constant: return ([], [])
        case .value(let name): return ([name], [])
        case .text(let text): return ([], text.placeholders)
        case .array(let elements):
            let all = Self.joined(elements)
            let own = elements.compactMap { if case .value(let name) = $0 { name } else { nil } }
            return (all.whole, all.inText + own)
        case .object(let members): return Self.joined(members.map(\.value))
        }
    }

    private static func joined(_ templates: [CommandJSON]) -> (whole: [String], inText: [String]) {
        var all: (whole: [String], inText: [String]) = ([], [])
        for placeholders in templates.map(\.placeholders) {
            all.whole += placeholders.whole
            all.inText += placeholders.inText
        }
        return all
    }

    /// The document with every placeholder filled; nil when it is one that has no value.
    func filled(_ value: (String) -> JSONValue?) -> JSONValue? {
        switch self {
        case .constant(let constant): return constant
        case .value(let name): return value(name)
        case .text(let text): return text.filled(value).map(JSONValue.string)
        case .array(let elements): return .array(elements.compactMap { $0.filled(value) })
        case .object(let members):
            var object = OrderedDictionary<String, JSONValue>()
            for member in members { object[member.name] = member.value.filled(value) }
            return .object(object)
        }
    }
}
