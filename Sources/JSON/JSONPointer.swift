import OrderedCollections

/// A JSON Pointer (RFC 6901): the place of a value in a document, such as `/readings/0/v`.
public struct JSONPointer: Hashable, Sendable, CustomStringConvertible {
    /// Why a text is not a JSON Pointer.
    public enum Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        case noLeadingSlash
        case invalidEscape
        case tooDeep

        public var description: String {
            switch self {
            case .noLeadingSlash: "a JSON Pointer begins with '/', or is empty for the whole document"
            case .invalidEscape: "in a JSON Pointer '~' is followed by 0 (for ~) or 1 (for /)"
            case .tooDeep: "a JSON Pointer has at most \(JSONParser.depthLimit) steps"
            }
        }
    }

    /// The unescaped steps from the root.
    public let tokens: [String]

    public init(_ text: String) throws(Mistake) {
        guard !text.isEmpty else {
            tokens = []
            return
        }
        guard text.utf8.first == UInt8(ascii: "/") else { throw .noLeadingSlash }
        var tokens: [String] = []
        for part in text.unicodeScalars.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            tokens.append(try Self.unescape(part))
        }
        guard tokens.count <= JSONParser.depthLimit else { throw .tooDeep }
        self.tokens = tokens
    }

    public init(tokens: [String]) {
        self.tokens = tokens
    }

    private static func unescape(_ part: Substring.UnicodeScalarView) throws(Mistake) -> String {
        var token = String.UnicodeScalarView()
        var isEscaped = false
        for scalar in part {
            if isEscaped {
                switch scalar {
                case "0": token.append("~")
                case "1": token.append("/")
                default: throw .invalidEscape
                }
                isEscaped = false
            } else if scalar == "~" {
                isEscaped = true
            } else {
                token.append(scalar)
            }
        }
        guard !isEscaped else { throw .invalidEscape }
        return String(token)
    }

    /// The pointer as text, escaped.
    public var description: String {
        var text = ""
        for token in tokens {
            text.unicodeScalars.append("/")
            for scalar in token.unicodeScalars {
                switch scalar {
                case "~": text += "~0"
                case "/": text += "~1"
                default: text.unicodeScalars.append(scalar)
                }
            }
        }
        return text
    }

    /// A token as an array index: digits without a leading zero.
    static func arrayIndex(_ token: String) -> Int? {
        let digits = token.utf8
        guard let first = digits.first, digits.count <= 9 else { return nil }
        if first == UInt8(ascii: "0") { return digits.count == 1 ? 0 : nil }
        var index = 0
        for digit in digits {
            guard digit &- UInt8(ascii: "0") < 10 else { return nil }
            index = index &* 10 &+ Int(digit &- UInt8(ascii: "0"))
        }
        return index
    }
}

extension JSONValue {
    /// The value at that place; nil when the document has nothing there.
    public func value(at pointer: JSONPointer) -> JSONValue? {
        var current = self
        for token in pointer.tokens {
            switch current {
            case .object(let members):
                guard let next = members[token] else { return nil }
                current = next
            case .array(let elements):
                guard let index = JSONPointer.arrayIndex(token), index < elements.count else { return nil }
                current = elements[index]
            case .null, .bool, .integer, .number, .string:
                return nil
            }
        }
        return current
    }
}
