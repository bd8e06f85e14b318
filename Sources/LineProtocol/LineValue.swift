import JSON

/// Reads field values.
enum LineValue {
    /// Moves past the value at `index`. What follows it is for the caller to judge, unless it is part of a word or number.
    @inline(__always)
    static func scan(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int
    ) throws(LineProtocolError) -> LineProtocolField.Value {
        guard !ends(bytes, index) else { throw LineProtocolError(.missingFieldValue, at: index) }
        switch bytes[index] {
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return try LineNumber.scan(bytes, &index)
        case UInt8(ascii: "\""): return .text(try text(bytes, &index))
        default: return .bool(try word(bytes, &index))
        }
    }

    /// Whether a value ends at `index`.
    @inline(__always)
    static func ends(_ bytes: borrowing Span<UInt8>, _ index: Int) -> Bool {
        guard index < bytes.count else { return true }
        return bytes[index] == UInt8(ascii: ",") || bytes[index] == UInt8(ascii: " ") || LineEnd.isThere(bytes, index)
    }

    private static func text(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int
    ) throws(LineProtocolError) -> LineProtocolText {
        guard let quoted = QuotedText(bytes, at: index) else { throw LineProtocolError(.unclosedText, at: index) }
        if let invalidByte = quoted.invalidByte { throw LineProtocolError(.invalidUTF8, at: invalidByte) }
        index = quoted.end
        return quoted.text
    }

    private static let words: [(word: StaticString, value: Bool)] = [
        ("t", true), ("T", true), ("true", true), ("True", true), ("TRUE", true),
        ("f", false), ("F", false), ("false", false), ("False", false), ("FALSE", false),
    ]

    private static func word(_ bytes: borrowing Span<UInt8>, _ index: inout Int) throws(LineProtocolError) -> Bool {
        let end = end(bytes, from: index)
        for (word, value) in words where matches(word, bytes, index..<end) {
            index = end
            return value
        }
        throw refusal(bytes, from: index, .invalidValue)
    }

    private static func matches(_ word: StaticString, _ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard word.utf8CodeUnitCount == range.count else { return false }
        for offset in 0..<range.count where bytes[range.lowerBound &+ offset] != word.utf8Start[offset] { return false }
        return true
    }

    private static func end(_ bytes: borrowing Span<UInt8>, from start: Int) -> Int {
        var index = start
        while !ends(bytes, index) { index &+= 1 }
        return index
    }

    /// Why the value at `start` is none, when it is no text: `reason`, unless it is a word for what is not finite.
    static func refusal(
        _ bytes: borrowing Span<UInt8>, from start: Int, _ reason: LineProtocolError.Reason
    ) -> LineProtocolError {
        let isNotFinite = JSONParser.isNotFinite(bytes, start..<end(bytes, from: start))
        return LineProtocolError(isNotFinite ? .notFinite : reason, at: start)
    }
}
