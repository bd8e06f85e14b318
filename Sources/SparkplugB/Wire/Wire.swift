import JSON

/// Reads the encoding of protocol buffers: varints, tags, lengths.
///
/// Strict where other readers are lenient: a varint of more than 64 bits is refused, and so are groups, which no version of
/// Sparkplug has. Everything is bounded by `end`, which lies within the bytes.
enum Wire {
    /// The low three bits of a tag.
    enum Kind {
        static let varint: UInt32 = 0
        static let fixed64: UInt32 = 1
        static let length: UInt32 = 2
        static let startGroup: UInt32 = 3
        static let endGroup: UInt32 = 4
        static let fixed32: UInt32 = 5
    }

    /// Moves past a varint.
    @inline(__always)
    static func varint(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, _ end: Int
    ) throws(SparkplugError) -> UInt64 {
        guard index < end else { throw SparkplugError(.unexpectedEnd, at: index) }
        let byte = bytes[index]
        guard byte >= 0x80 else {
            index &+= 1
            return UInt64(byte)
        }
        return try longVarint(bytes, &index, end)
    }

    private static func longVarint(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, _ end: Int
    ) throws(SparkplugError) -> UInt64 {
        let start = index
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while index < end {
            let byte = bytes[index]
            index &+= 1
            if shift == 63, byte > 1 { throw SparkplugError(.varintOverflow, at: start) }
            value |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 { return value }
            shift &+= 7
        }
        throw SparkplugError(.unexpectedEnd, at: end)
    }

    /// Moves past a tag: the field's number and its ``Kind``, as protocol buffers put them together, in five bytes at most: it
    /// has 32 bits.
    @inline(__always)
    static func tag(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, _ end: Int
    ) throws(SparkplugError) -> UInt32 {
        let start = index
        let tag = try varint(bytes, &index, end)
        guard tag >= 8, tag <= UInt64(UInt32.max), index &- start <= 5 else {
            throw SparkplugError(.invalidTag, at: start)
        }
        return UInt32(truncatingIfNeeded: tag)
    }

    /// Moves past a length and what it announces, and says where that lies.
    @inline(__always)
    static func content(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, _ end: Int
    ) throws(SparkplugError) -> Range<Int> {
        let start = index
        let length = try varint(bytes, &index, end)
        guard length <= UInt64(end &- index) else { throw SparkplugError(.lengthBeyondEnd, at: start) }
        let content = index..<(index &+ Int(length))
        index = content.upperBound
        return content
    }

    /// Moves past a length and text. It is UTF-8.
    @inline(__always)
    static func text(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, _ end: Int
    ) throws(SparkplugError) -> Range<Int> {
        let content = try content(bytes, &index, end)
        if let invalid = firstInvalidUTF8(bytes, content) { throw SparkplugError(.invalidUTF8, at: invalid) }
        return content
    }

    /// The first byte that is not UTF-8.
    @inline(__always)
    static func firstInvalidUTF8(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> Int? {
        var index = range.lowerBound
        while index < range.upperBound {
            guard bytes[index] >= 0x80 else {
                index &+= 1
                continue
            }
            let length = UTF8Sequence.length(bytes, at: index)
            guard length > 0, length <= range.upperBound &- index else { return index }
            index &+= length
        }
        return nil
    }

    @inline(__always)
    static func fixed32(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, _ end: Int
    ) throws(SparkplugError) -> UInt32 {
        guard end &- index >= 4 else { throw SparkplugError(.unexpectedEnd, at: end) }
        let value = UInt32(littleEndian(bytes, index, 4))
        index &+= 4
        return value
    }

    @inline(__always)
    static func fixed64(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, _ end: Int
    ) throws(SparkplugError) -> UInt64 {
        guard end &- index >= 8 else { throw SparkplugError(.unexpectedEnd, at: end) }
        let value = littleEndian(bytes, index, 8)
        index &+= 8
        return value
    }

    /// The number in so many bytes from `start` on, at most eight, which must be there.
    @inline(__always)
    static func littleEndian(_ bytes: borrowing Span<UInt8>, _ start: Int, _ width: Int) -> UInt64 {
        var value: UInt64 = 0
        var offset = width
        while offset > 0 {
            offset &-= 1
            value = value &<< 8 | UInt64(bytes[start &+ offset])
        }
        return value
    }

    /// Moves past a field that means nothing here: one of a later version, or of another kind than its number asks for.
    static func skip(
        _ tag: UInt32, _ bytes: borrowing Span<UInt8>, _ index: inout Int, _ end: Int
    ) throws(SparkplugError) {
        switch tag & 7 {
        case Kind.varint: _ = try varint(bytes, &index, end)
        case Kind.fixed64: _ = try fixed64(bytes, &index, end)
        case Kind.length: _ = try content(bytes, &index, end)
        case Kind.fixed32: _ = try fixed32(bytes, &index, end)
        case Kind.startGroup, Kind.endGroup: throw SparkplugError(.group, at: index)
        default: throw SparkplugError(.invalidTag, at: index)
        }
    }
}
