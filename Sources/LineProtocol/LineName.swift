import JSON

/// Reads measurements, tag keys, tag values and field keys.
enum LineName {
    /// Moves to the first byte that ends the name: a comma, a space, the end of the line, and in a key or tag value an equals
    /// sign.
    @inline(__always)
    static func scan(
        _ escapes: LineProtocolText.Escapes, _ bytes: borrowing Span<UInt8>, _ index: inout Int
    ) throws(LineProtocolError) -> LineProtocolText {
        let start = index
        var hasEscapes = false
        scanning: while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: ","), UInt8(ascii: " "): break scanning
            case UInt8(ascii: "="):
                if escapes == .key { break scanning }
                index &+= 1
            case UInt8(ascii: "\\"):
                index &+= 1
                if index < bytes.count, escapes.apply(to: bytes[index]) {
                    hasEscapes = true
                    index &+= 1
                }
            case 0..<0x20, 0x7F:
                guard LineEnd.isThere(bytes, index) else { throw LineProtocolError(.controlCharacter, at: index) }
                break scanning
            case 0x80...:
                let length = UTF8Sequence.length(bytes, at: index)
                guard length > 0 else { throw LineProtocolError(.invalidUTF8, at: index) }
                index &+= length
            default: index &+= 1
            }
        }
        return LineProtocolText(start, index, escapes: hasEscapes ? escapes : .none)
    }
}
