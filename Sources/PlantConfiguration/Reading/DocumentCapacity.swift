/// How much a configuration may hold. Far above what a plant needs, and so low that nobody's bytes exhaust a gateway.
enum DocumentCapacity {
    /// Bytes of all documents of one configuration. Beyond it a document is refused, unread.
    static let bytes = 16 << 20
    /// Scalars, lists and mappings of one document, with its aliases written out. Beyond it the document is refused.
    static let values = 1 << 21
    /// Bytes of a document's scalars with its aliases written out. Beyond it the document is refused.
    static let expandedBytes = 64 << 20
    /// Bytes of a scalar after its variables have been replaced. Beyond it the scalar is a mistake.
    static let substitutedBytes = 64 << 10
    /// Defaults of variables within each other. Beyond it the scalar is a mistake.
    static let nestedDefaults = 16
    /// Problems of one configuration. Further ones are counted, and the count is the last problem.
    static let problems = 10_000
    /// Bytes of a problem's text. The rest is cut off.
    static let problemBytes = 4096
    /// Bytes of a name from the configuration within a problem's text. The rest is cut off.
    static let labelBytes = 256

    /// About how many values YAML makes of `bytes`, aliases not written out: never less than a third of them. So that
    /// memory is not taken before it is known how much is needed.
    static func roughCount(ofValues bytes: [UInt8]) -> Int {
        var count = 1
        for index in bytes.indices {
            switch bytes[index] {
            case UInt8(ascii: ":"): count += 2
            case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "{"): count += 1
            case UInt8(ascii: "-"), UInt8(ascii: "?"):
                // An entry of a list, or a key; within a word it is a character like others.
                let next = index + 1 < bytes.count ? bytes[index + 1] : UInt8(ascii: " ")
                if next <= UInt8(ascii: " ") || next > 0x7F { count += 1 }
            default: break
            }
        }
        return count
    }

    /// `text`, or its first `maximum` bytes and an ellipsis.
    static func shortened(_ text: String, to maximum: Int) -> String {
        guard text.utf8.count > maximum else { return text }
        var end = text.utf8.index(text.utf8.startIndex, offsetBy: maximum)
        // Not within a character.
        while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
        return String(text[..<end]) + "…"
    }
}
