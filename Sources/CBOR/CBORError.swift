/// Why bytes are not a CBOR data item that we accept, and where.
public struct CBORError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was wrong. Sections are those of RFC 8949.
    public enum Reason: String, Hashable, Sendable {
        case empty = "no data item"
        case unexpectedEnd = "the data item ends too early"
        /// A string, array or map announces more than follows.
        case lengthBeyondEnd = "a length goes beyond the end"
        case trailingBytes = "something follows the data item"
        /// Additional information 28 to 30, or 31 where no indefinite length is possible, or a simple value below 32 in
        /// two bytes (3, 3.3).
        case reserved = "reserved additional information"
        /// A break that closes nothing, or a map that ends after a key (3.2.1, 3.2.2).
        case unexpectedBreak = "unexpected break"
        /// A chunk of an indefinite-length string is no definite-length string of the same kind (3.2.3).
        case invalidChunk = "not a chunk of the string that it stands in"
        case tooDeep = "nested too deep"
        case invalidUTF8 = "invalid UTF-8"
        /// A map key that is neither text nor an integer.
        case unsupportedKey = "map key is neither text nor an integer"
        case duplicateKey = "map key given twice"
        /// A simple value other than false, true, null and undefined (3.3).
        case unassignedSimple = "simple value without a meaning"
        /// The content of tag 0 to 5 is not of the kind that the tag asks for (3.4).
        case invalidTagContent = "content does not fit its tag"
        case notFinite = "not a finite number"
        case numberOutOfRange = "number too large or too long"
    }

    public let reason: Reason
    /// Index of the first byte of the item that is wrong; of a missing byte, the length of the input.
    public let offset: Int

    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    public var description: String { "\(reason.rawValue) at byte \(offset)" }
}

extension CBORError {
    /// True when the bytes as such are CBOR, and the item that is wrong ends where its head says: what follows it can be
    /// read. RFC 8949, 1.2 and 5.3: well-formed, but not valid or of no use to us.
    var isConfinedToItem: Bool {
        switch reason {
        case .invalidUTF8, .unsupportedKey, .duplicateKey, .unassignedSimple, .invalidTagContent, .notFinite,
            .numberOutOfRange:
            true
        case .empty, .unexpectedEnd, .lengthBeyondEnd, .trailingBytes, .reserved, .unexpectedBreak, .invalidChunk,
            .tooDeep:
            false
        }
    }
}
