/// Reads the points of a payload of InfluxDB's line protocol, versions 1 and 2, one after the other:
///
///     measurement[,tag=value…] field=value[,field=value…] [timestamp]
///
/// | part | rule |
/// | --- | --- |
/// | lines | end with LF, CRLF or the input; empty lines and lines that begin with `#` are no points; spaces before a point, and several between its parts, are allowed |
/// | measurement | not empty; a comma or space in it is `\,`, `\ ` |
/// | tag key, tag value, field key | not empty; a comma, equals sign or space in it is `\,`, `\=`, `\ ` |
/// | other backslashes in names | stand for themselves, also two in a row |
/// | float | `1`, `-1.5`, `1.`, `.5`, `1e3`, `-1.5E-7`: no `+` before it, no `nan`, no `inf`, no hexadecimal |
/// | integer | `-12i`, within `Int64` |
/// | unsigned | `12u`, within `UInt64` |
/// | boolean | `t T true True TRUE f F false False FALSE` |
/// | text | `"…"`, in which `\"` and `\\` are escapes, other backslashes stand for themselves, and line breaks are content |
/// | timestamp | an `Int64`; its unit is the caller's to know |
///
/// Names and text are UTF-8; names contain no control characters. As in the reference (`influxdata/line-protocol`,
/// `line-protocol.ebnf`), apart from comments, which may contain anything, and `\n` in text, which its decoder takes for a
/// line break and its description does not. A key that occurs twice is the caller's to judge, and so is the number of points.
///
/// **A mistake costs its own line.** A line ends at the first line break outside of quoted text, and quoted text begins with
/// `="` behind the first space of the line. Text that is never closed, or that spans lines and has something else behind its
/// closing quote than a comma, a space or the end of the line, is taken for a quote too many: its line ends at its first line
/// break.
///
/// Nothing is allocated but the room for tags and fields, which is kept from point to point. The time is linear in the input.
public struct LineProtocolScanner: Sendable {
    /// The measurement of the last point.
    public private(set) var measurement = LineProtocolText(0, 0, escapes: .none)
    /// The tags of the last point, in its order.
    public private(set) var tags: ContiguousArray<LineProtocolTag> = []
    /// The fields of the last point, in its order: at least one.
    public private(set) var fields: ContiguousArray<LineProtocolField> = []
    /// The timestamp of the last point; nil when it has none.
    public private(set) var time: Int64?
    /// Where the next line begins.
    public private(set) var position = 0

    public init() {}

    /// Begins with the first line of a payload again, which may be another one.
    public mutating func restart() {
        position = 0
        clear()
    }

    /// Reads up to the next point, whose parts then lie in `bytes`; false when there is none.
    ///
    /// It throws once per line that is wrong. The next call reads the line behind it.
    ///
    /// - Parameter bytes: the same with each call since `restart()`. No input makes it trap.
    public mutating func next(_ bytes: borrowing Span<UInt8>) throws(LineProtocolError) -> Bool {
        clear()
        guard bytes.count <= Int(UInt32.max) else {
            guard position < bytes.count else { return false }
            position = bytes.count
            throw LineProtocolError(.tooLong, at: 0)
        }
        var index = position
        LineEnd.skipEmptyLines(bytes, &index)
        position = index
        guard index < bytes.count else { return false }
        do throws(LineProtocolError) {
            try scanPoint(bytes, &index)
        } catch {
            clear()
            position = LineEnd.find(bytes, from: position)
            throw error
        }
        position = index
        return true
    }

    private mutating func clear() {
        measurement = LineProtocolText(0, 0, escapes: .none)
        tags.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
        time = nil
    }

    /// Reads the point at `index` and moves past the end of its line.
    private mutating func scanPoint(_ bytes: borrowing Span<UInt8>, _ index: inout Int) throws(LineProtocolError) {
        measurement = try LineName.scan(.measurement, bytes, &index)
        guard !measurement.isEmpty else { throw LineProtocolError(.missingMeasurement, at: index) }
        while index < bytes.count, bytes[index] == UInt8(ascii: ",") {
            index &+= 1
            try scanTag(bytes, &index)
        }
        if index < bytes.count, bytes[index] == UInt8(ascii: "=") {
            throw LineProtocolError(.unescapedEquals, at: index)
        }
        LineEnd.skipSpaces(bytes, &index)
        guard !LineEnd.isThere(bytes, index) else { throw LineProtocolError(.missingFields, at: index) }
        try scanField(bytes, &index)
        while index < bytes.count, bytes[index] == UInt8(ascii: ",") {
            index &+= 1
            try scanField(bytes, &index)
        }
        if index < bytes.count, bytes[index] == UInt8(ascii: " ") {
            LineEnd.skipSpaces(bytes, &index)
            if !LineEnd.isThere(bytes, index) { time = try LineNumber.time(bytes, &index) }
            LineEnd.skipSpaces(bytes, &index)
            guard LineEnd.isThere(bytes, index) else { throw LineProtocolError(.trailingBytes, at: index) }
        }
        guard LineEnd.isThere(bytes, index) else { throw LineProtocolError(.unexpectedByte, at: index) }
        LineEnd.skip(bytes, &index)
    }

    @inline(__always)
    private mutating func scanTag(_ bytes: borrowing Span<UInt8>, _ index: inout Int) throws(LineProtocolError) {
        let key = try LineName.scan(.key, bytes, &index)
        guard !key.isEmpty else { throw LineProtocolError(.missingTagKey, at: index) }
        guard index < bytes.count, bytes[index] == UInt8(ascii: "=") else {
            throw LineProtocolError(.missingTagValue, at: index)
        }
        index &+= 1
        let value = try LineName.scan(.key, bytes, &index)
        guard !value.isEmpty else { throw LineProtocolError(.missingTagValue, at: index) }
        tags.append(LineProtocolTag(key: key, value: value))
    }

    @inline(__always)
    private mutating func scanField(_ bytes: borrowing Span<UInt8>, _ index: inout Int) throws(LineProtocolError) {
        let key = try LineName.scan(.key, bytes, &index)
        guard !key.isEmpty else { throw LineProtocolError(.missingFieldKey, at: index) }
        guard index < bytes.count, bytes[index] == UInt8(ascii: "=") else {
            throw LineProtocolError(.missingFieldValue, at: index)
        }
        index &+= 1
        fields.append(LineProtocolField(key: key, value: try LineValue.scan(bytes, &index)))
    }
}
