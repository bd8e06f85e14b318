/// Why bytes are not a JSON document that we accept, and where.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was wrong.
    public enum Reason: String, Hashable, Sendable {
        case empty = "no value"
        case unexpectedEnd = "the document ends too early"
        case unexpectedByte = "unexpected character"
        case trailingBytes = "something follows the document"
        case invalidNumber = "not a JSON number"
        case numberOutOfRange = "number too large or too long"
        /// A bare `nan` or `inf`.
        case notFinite = "not a finite number"
        case invalidEscape = "unknown escape or lone surrogate in a string"
        case controlCharacter = "unescaped control character in a string"
        case invalidUTF8 = "invalid UTF-8"
        case duplicateKey = "member name given twice"
        case tooDeep = "nested too deep"
    }

    public let reason: Reason
    /// Index of the byte at which the reader gave up.
    public let offset: Int

    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    public var description: String { "\(reason.rawValue) at byte \(offset)" }
}
