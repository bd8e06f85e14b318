/// Bytes that are not what the ZooKeeper protocol promises at this place.
///
/// Decoding throws this for every truncated, negative or oversized length; it never traps and never allocates more than
/// the bytes at hand could fill.
public struct WireFormatError: Error, Hashable, CustomStringConvertible {
    /// What was being read and what stood there instead.
    public let description: String

    /// - Parameter description: What was being read and what stood there instead.
    public init(_ description: String) {
        self.description = description
    }

    static func truncated(_ what: StaticString) -> WireFormatError {
        WireFormatError("the bytes end inside a field: \(what)")
    }

    static func length(_ what: StaticString, _ length: Int32) -> WireFormatError {
        WireFormatError("\(what) has the impossible length \(length)")
    }
}
