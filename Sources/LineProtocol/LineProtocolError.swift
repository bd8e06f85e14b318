/// Why a line is not one of line protocol that we accept, and where.
public struct LineProtocolError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was wrong.
    public enum Reason: String, Hashable, Sendable {
        case missingMeasurement = "no measurement"
        case controlCharacter = "control character in a name"
        case invalidUTF8 = "invalid UTF-8"
        case missingTagKey = "no tag key after a comma"
        case missingTagValue = "no value after a tag key"
        /// A tag value goes on with `=`, which a tag value has only as `\=`.
        case unescapedEquals = "= without a backslash in a tag value"
        case missingFields = "no field"
        case missingFieldKey = "no field key"
        case missingFieldValue = "no value after a field key"
        case invalidValue = "neither a number, true or false, nor quoted text"
        case invalidNumber = "not a number"
        /// `nan` or `inf`.
        case notFinite = "not a finite number"
        case numberOutOfRange = "number too large or too long"
        case unclosedText = "quoted text without a closing quote"
        case unexpectedByte = "unexpected character after a field value"
        case invalidTime = "the timestamp is not a whole number"
        case timeOutOfRange = "the timestamp is too large"
        case trailingBytes = "something follows the timestamp"
        /// Places are kept in 32 bits.
        case tooLong = "more than 4 GiB"
    }

    public let reason: Reason
    /// Index of the byte at which the line stops being right: where something is missing, or where the name, value or
    /// timestamp begins that is wrong; of a byte that cannot be in a name or text, its own.
    public let offset: Int

    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    public var description: String { "\(reason.rawValue) at byte \(offset)" }
}
