/// Where lines end.
enum LineEnd {
    /// Whether the line ends at `index`: with LF, CRLF, or the input, which may end with a CR.
    @inline(__always)
    static func isThere(_ bytes: borrowing Span<UInt8>, _ index: Int) -> Bool {
        guard index < bytes.count, bytes[index] != UInt8(ascii: "\n") else { return true }
        guard bytes[index] == UInt8(ascii: "\r") else { return false }
        return index &+ 1 == bytes.count || bytes[index &+ 1] == UInt8(ascii: "\n")
    }

    /// Moves past the line break at `index`, if there is one.
    @inline(__always)
    static func skip(_ bytes: borrowing Span<UInt8>, _ index: inout Int) {
        if index < bytes.count, bytes[index] == UInt8(ascii: "\r") { index &+= 1 }
        if index < bytes.count, bytes[index] == UInt8(ascii: "\n") { index &+= 1 }
    }

    @inline(__always)
    static func skipSpaces(_ bytes: borrowing Span<UInt8>, _ index: inout Int) {
        while index < bytes.count, bytes[index] == UInt8(ascii: " ") { index &+= 1 }
    }

    /// Moves to the first byte of the next line that is neither empty nor a comment, or to the end.
    static func skipEmptyLines(_ bytes: borrowing Span<UInt8>, _ index: inout Int) {
        while index < bytes.count {
            skipSpaces(bytes, &index)
            guard index < bytes.count else { return }
            if bytes[index] == UInt8(ascii: "#") {
                index = afterBreak(bytes, from: index)
            } else {
                guard isThere(bytes, index) else { return }
                skip(bytes, &index)
            }
        }
    }

    /// Where the line behind the one at `index` begins, whatever stands in that.
    static func find(_ bytes: borrowing Span<UInt8>, from start: Int) -> Int {
        var index = start
        // Before the first space stand measurement and tags, in which a quote is a character like any other.
        var isInFields = false
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\n"): return index &+ 1
            case UInt8(ascii: "\\"):
                index &+= 1
                if index < bytes.count, LineProtocolText.Escapes.key.apply(to: bytes[index]) { index &+= 1 }
            case UInt8(ascii: " "):
                isInFields = true
                index &+= 1
            case UInt8(ascii: "="):
                index &+= 1
                guard isInFields, index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { continue }
                guard let text = QuotedText(bytes, at: index) else { return afterBreak(bytes, from: index) }
                index = text.end
            default: index &+= 1
            }
        }
        return index
    }

    private static func afterBreak(_ bytes: borrowing Span<UInt8>, from start: Int) -> Int {
        var index = start
        while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index &+= 1 }
        return min(index &+ 1, bytes.count)
    }
}
