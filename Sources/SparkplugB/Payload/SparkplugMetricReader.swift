/// Reads a payload's metrics one after the other.
///
/// The frame of the whole message is read first, so that a message that is cut is refused before anything of it has been taken.
/// A mistake within a metric costs that metric alone.
public struct SparkplugMetricReader: Hashable, Sendable {
    /// When the message was sent, in milliseconds since 1970 UTC, as it is given.
    public private(set) var timestamp: UInt64?
    /// The sequence number, as it is given.
    public private(set) var sequence: UInt64?
    /// How many metrics the message has.
    public private(set) var count = 0
    private(set) var uuid: Range<Int>?
    private(set) var body: Range<Int>?
    private var index = 0

    /// Reads the frame. No input makes it trap.
    public init(_ bytes: borrowing Span<UInt8>) throws(SparkplugError) {
        guard bytes.count <= Int(UInt32.max) else { throw SparkplugError(.tooManyParts, at: 0) }
        var index = 0
        let end = bytes.count
        while index < end {
            let tag = try Wire.tag(bytes, &index, end)
            switch tag {
            case 0x12:
                _ = try Wire.content(bytes, &index, end)
                count &+= 1
            case 0x08: timestamp = try Wire.varint(bytes, &index, end)
            case 0x18: sequence = try Wire.varint(bytes, &index, end)
            case 0x22: uuid = try Wire.text(bytes, &index, end)
            case 0x2A: body = try Wire.content(bytes, &index, end)
            default: try Wire.skip(tag, bytes, &index, end)
            }
        }
    }

    /// The next metric; nil after the last one.
    ///
    /// It throws once per metric that is wrong. The next call reads the one behind it.
    ///
    /// - Parameter bytes: the same as those of the frame.
    @inline(__always)
    public mutating func next(_ bytes: borrowing Span<UInt8>) throws(SparkplugError) -> SparkplugMetricView? {
        while index < bytes.count {
            let tag = try Wire.tag(bytes, &index, bytes.count)
            guard tag == 0x12 else {
                try Wire.skip(tag, bytes, &index, bytes.count)
                continue
            }
            return try SparkplugMetricView(bytes, try Wire.content(bytes, &index, bytes.count))
        }
        return nil
    }
}
