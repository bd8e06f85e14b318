/// A tag of a point. Neither its key nor its value is empty.
public struct LineProtocolTag: Hashable, Sendable {
    public let key: LineProtocolText
    public let value: LineProtocolText
}

/// A field of a point. Its key is not empty.
public struct LineProtocolField: Hashable, Sendable {
    /// What a field holds.
    public enum Value: Hashable, Sendable {
        /// A finite number, the nearest to the digits that are written.
        case float(Double)
        /// Digits with the suffix `i`.
        case integer(Int64)
        /// Digits with the suffix `u`.
        case unsigned(UInt64)
        case bool(Bool)
        /// The text between quotes.
        case text(LineProtocolText)
    }

    public let key: LineProtocolText
    public let value: Value
}
