/// A text with placeholders, such as the device of a route (`factory/{line}/{machine}`) or `{device}/status`.
public struct TextTemplate: Sendable, Hashable, CustomStringConvertible {
    public enum Segment: Sendable, Hashable {
        case literal(String)
        case placeholder(String)
    }

    public let segments: [Segment]
    /// The template as it was given.
    public let text: String

    public init(_ text: String) throws(TemplateMistake) {
        guard !text.isEmpty else { throw .empty }
        segments = try Self.segments(of: text, allowRest: false)
        self.text = text
    }

    /// The names between braces, in order of appearance, each once.
    public var names: [String] {
        var names: [String] = []
        for case .placeholder(let name) in segments where !names.contains(name) { names.append(name) }
        return names
    }

    private init(_ segments: [Segment], text: String) {
        self.segments = segments
        self.text = text
    }

    /// The template in which a name has its value already.
    func filling(_ name: String, with value: String) -> TextTemplate {
        TextTemplate(
            segments.map { $0 == .placeholder(name) ? .literal(value) : $0 },
            text: text.replacing("{\(name)}", with: value))
    }

    /// The text with every placeholder replaced; nil when a name has no value.
    public func filled(_ values: [String: String]) -> String? {
        var result = ""
        for segment in segments {
            switch segment {
            case .literal(let literal): result += literal
            case .placeholder(let name):
                guard let value = values[name] else { return nil }
                result += value
            }
        }
        return result
    }

    /// Whether some values of the placeholders give this text. No value is empty, and only those of `severalLevels` have a
    /// slash in them.
    public func canGive(_ text: String, severalLevels: Set<String> = []) -> Bool {
        let bytes = Array(text.utf8)
        // After each segment: where in the text it may have ended.
        var ends = [Bool](repeating: false, count: bytes.count + 1)
        ends[0] = true
        for segment in segments {
            var next = [Bool](repeating: false, count: bytes.count + 1)
            switch segment {
            case .literal(let literal):
                let literal = Array(literal.utf8)
                for start in ends.indices where ends[start] && bytes[start...].starts(with: literal) {
                    next[start + literal.count] = true
                }
            case .placeholder(let name):
                let mayCross = severalLevels.contains(name)
                var isInside = false
                for (index, byte) in bytes.enumerated() {
                    isInside = (isInside || ends[index]) && (mayCross || byte != UInt8(ascii: "/"))
                    if isInside { next[index + 1] = true }
                }
            }
            ends = next
        }
        return ends[bytes.count]
    }

    public var description: String { text }

    static func segments(of text: String, allowRest: Bool) throws(TemplateMistake) -> [Segment] {
        var segments: [Segment] = []
        var current = String.UnicodeScalarView()
        var isInside = false
        for scalar in text.unicodeScalars {
            switch scalar {
            case "{":
                guard !isInside else { throw .unbalancedBrace(level: text) }
                if !current.isEmpty { segments.append(.literal(String(current))) }
                current = .init()
                isInside = true
            case "}":
                guard isInside else { throw .unbalancedBrace(level: text) }
                let name = String(current)
                guard isName(allowRest && name.hasSuffix("...") ? String(name.dropLast(3)) : name) else {
                    throw .invalidName(name)
                }
                segments.append(.placeholder(name))
                current = .init()
                isInside = false
            default:
                current.append(scalar)
            }
        }
        guard !isInside else { throw .unbalancedBrace(level: text) }
        if !current.isEmpty { segments.append(.literal(String(current))) }
        return segments
    }

    private static func isName(_ name: String) -> Bool {
        guard !name.isEmpty else { return false }
        return name.unicodeScalars.allSatisfy { scalar in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_", "-": true
            default: false
            }
        }
    }
}
