import JSON

/// A field's text with its quotes.
struct QuotedText {
    /// The text between the quotes.
    let text: LineProtocolText
    /// Behind the closing quote.
    let end: Int
    /// The first byte that is not UTF-8.
    let invalidByte: Int?

    /// The text whose opening quote stands at `start`; nil when it is not closed, or spans lines and is closed where no text
    /// can end: then another line's quote has closed it.
    init?(_ bytes: borrowing Span<UInt8>, at start: Int) {
        var index = start &+ 1
        var hasEscapes = false
        var hasBreak = false
        var invalidByte: Int?
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                let end = index &+ 1
                if hasBreak, !LineValue.ends(bytes, end) { return nil }
                text = LineProtocolText(start &+ 1, index, escapes: hasEscapes ? .quoted : .none)
                self.end = end
                self.invalidByte = invalidByte
                return
            case UInt8(ascii: "\\"):
                index &+= 1
                if index < bytes.count, LineProtocolText.Escapes.quoted.apply(to: bytes[index]) {
                    hasEscapes = true
                    index &+= 1
                }
            case UInt8(ascii: "\n"):
                hasBreak = true
                index &+= 1
            case 0x80...:
                let length = UTF8Sequence.length(bytes, at: index)
                if length == 0, invalidByte == nil { invalidByte = index }
                index &+= max(length, 1)
            default: index &+= 1
            }
        }
        return nil
    }
}
