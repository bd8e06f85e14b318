import Primitives

/// The value of one tag.
///
/// | data type | becomes |
/// | --- | --- |
/// | Int8 … Int64, UInt8 … UInt64 | an integer; what is beyond `Int64` is unsigned |
/// | DateTime | an integer: milliseconds since 1970 UTC |
/// | Float, Double | a number; NaN and the infinities are mistakes |
/// | Boolean | a boolean |
/// | String, Text | text |
/// | UUID | text, in the form `8-4-4-4-12` |
/// | Bytes, File | text: Base64 of RFC 4648, section 4, with padding |
/// | arrays | text: a JSON array |
/// | Unknown, or none given | what its field says: an integer, a number, a boolean, text |
public enum SparkplugScalar: Hashable, Sendable {
    case integer(Int64)
    /// An integer beyond `Int64.max`; never a smaller one.
    case unsigned(UInt64)
    case number(Double)
    case bool(Bool)
    case text(String)

    /// An integer in its only form.
    @inline(__always)
    init(unsigned value: UInt64) {
        if let integer = Int64(exactly: value) { self = .integer(integer) } else { self = .unsigned(value) }
    }

    /// Longest text in bytes that a value becomes: no tag's value is larger than what a node of the tree holds with room to
    /// spare.
    static let textCapacity = 65_536
}

extension SparkplugScalar {
    /// What text or bytes stand for as a value of a type that is neither a number nor a boolean.
    ///
    /// - Parameters:
    ///   - isBytes: whether they come from a field of bytes. Otherwise they are UTF-8.
    ///   - offset: where the metric begins, for the mistake.
    init(
        _ content: borrowing Span<UInt8>, isBytes: Bool, as type: SparkplugDataType, at offset: Int
    ) throws(SparkplugError) {
        guard content.count <= Self.textCapacity else { throw SparkplugError(.textTooLong, at: offset) }
        let text: String
        switch type {
        case .string, .text, .uuid:
            guard !isBytes else { throw SparkplugError(.wrongField, at: offset) }
            if type == .uuid, !UUIDText.isOne(content) { throw SparkplugError(.invalidUUID, at: offset) }
            text = content.text()
        case .unknown: text = isBytes ? content.base64() : content.text()
        case .bytes, .file:
            guard isBytes else { throw SparkplugError(.wrongField, at: offset) }
            text = content.base64()
        default:
            guard isBytes else { throw SparkplugError(.wrongField, at: offset) }
            text = try ArrayText.text(content, of: type, at: offset)
        }
        guard text.utf8.count <= Self.textCapacity else { throw SparkplugError(.textTooLong, at: offset) }
        self = .text(text)
    }
}

extension Span<UInt8> {
    /// The bytes as text; they are UTF-8.
    func text() -> String { withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) } }

    /// The bytes as text of RFC 4648, section 4.
    func base64() -> String { Base64.text(withUnsafeBufferPointer(Array.init)) }
}
