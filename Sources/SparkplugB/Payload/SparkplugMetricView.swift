/// A metric as it lies in the payload: what every message passes through, without a copy of anything.
///
/// Its text is UTF-8. A field that is given twice has the value that it has last, as protocol buffers say.
public struct SparkplugMetricView: Hashable, Sendable {
    /// Where the metric lies in the payload.
    public let range: Range<Int>
    private var nameStart = 0
    private var nameLength = -1
    public private(set) var alias: UInt64?
    /// When the value was measured, in milliseconds since 1970 UTC, as it is given.
    public private(set) var timestamp: UInt64?
    private var typeNumber: UInt32 = 0
    /// Whether it is about the past, and says nothing about the present.
    public private(set) var isHistorical = false
    /// Whether it is about the present alone, and not worth keeping.
    public private(set) var isTransient = false
    public private(set) var isNull = false
    var value = WireValue()
    private(set) var metaData: Range<Int>?
    private(set) var properties: Range<Int>?

    /// Where the name lies; nil when there is none.
    public var name: Range<Int>? { nameLength < 0 ? nil : nameStart..<(nameStart &+ nameLength) }

    /// The data type; unknown when none is given, or a number that has no meaning.
    public var type: SparkplugDataType { SparkplugDataType(number: typeNumber) }

    /// The number that is given as the data type; 0 when none is.
    var dataType: UInt32 { typeNumber }

    /// The value as the bits of an integer; nil for any other value.
    var integerBits: UInt64? { value.kind == .int || value.kind == .long ? value.bits : nil }

    @inline(__always)
    init(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) throws(SparkplugError) {
        self.range = range
        var index = range.lowerBound
        let end = range.upperBound
        while index < end {
            let tag = try Wire.tag(bytes, &index, end)
            switch tag {
            case 0x0A:
                let text = try Wire.text(bytes, &index, end)
                nameStart = text.lowerBound
                nameLength = text.count
            case 0x10: alias = try Wire.varint(bytes, &index, end)
            case 0x18: timestamp = try Wire.varint(bytes, &index, end)
            case 0x20: typeNumber = UInt32(truncatingIfNeeded: try Wire.varint(bytes, &index, end))
            case 0x28: isHistorical = try Wire.varint(bytes, &index, end) != 0
            case 0x30: isTransient = try Wire.varint(bytes, &index, end) != 0
            case 0x38: isNull = try Wire.varint(bytes, &index, end) != 0
            case 0x50: value = WireValue(.int, try Wire.varint(bytes, &index, end))
            case 0x58: value = WireValue(.long, try Wire.varint(bytes, &index, end))
            case 0x65: value = WireValue(.float, UInt64(try Wire.fixed32(bytes, &index, end)))
            case 0x69: value = WireValue(.double, try Wire.fixed64(bytes, &index, end))
            case 0x70: value = WireValue(.bool, try Wire.varint(bytes, &index, end) == 0 ? 0 : 1)
            case 0x7A: value = WireValue(.text, at: try Wire.text(bytes, &index, end))
            case 0x82: value = WireValue(.bytes, at: try Wire.content(bytes, &index, end))
            default: try readMessage(tag, bytes, &index, end)
            }
        }
    }

    /// A field that embeds a message, or one that means nothing here.
    private mutating func readMessage(
        _ tag: UInt32, _ bytes: borrowing Span<UInt8>, _ index: inout Int, _ end: Int
    ) throws(SparkplugError) {
        let start = index
        switch tag {
        case 0x42:
            guard metaData == nil else { throw SparkplugError(.repeatedMessage, at: start) }
            metaData = try Wire.content(bytes, &index, end)
        case 0x4A:
            guard properties == nil else { throw SparkplugError(.repeatedMessage, at: start) }
            properties = try Wire.content(bytes, &index, end)
        case 0x8A:
            guard value.kind != .dataSet else { throw SparkplugError(.repeatedMessage, at: start) }
            value = WireValue(.dataSet, at: try Wire.content(bytes, &index, end))
        case 0x92:
            guard value.kind != .template else { throw SparkplugError(.repeatedMessage, at: start) }
            value = WireValue(.template, at: try Wire.content(bytes, &index, end))
        case 0x9A:
            _ = try Wire.content(bytes, &index, end)
            value = WireValue(.unsupported, 0)
        default: try Wire.skip(tag, bytes, &index, end)
        }
    }

    /// The value as one of this type.
    ///
    /// - Parameter type: what the birth said, when the metric itself says nothing.
    @inline(__always)
    public func scalar(
        as type: SparkplugDataType, in bytes: borrowing Span<UInt8>
    ) throws(SparkplugError) -> SparkplugScalar {
        try value.scalar(as: type, bytes, at: range.lowerBound)
    }

    /// What its properties say about the value.
    @inline(__always)
    public func quality(in bytes: borrowing Span<UInt8>) throws(SparkplugError) -> SparkplugQuality {
        guard let properties else { return .good }
        return try SparkplugQuality(bytes, in: properties)
    }
}
