/// Steps through the levels of a topic.
struct TopicLevels {
    private var index = 0
    private(set) var isOver: Bool

    init(_ topic: borrowing Span<UInt8>) { isOver = topic.isEmpty }

    /// Where the next level lies; nil behind the last one.
    mutating func next(_ topic: borrowing Span<UInt8>) -> Range<Int>? {
        guard !isOver else { return nil }
        let start = index
        while index < topic.count, topic[index] != UInt8(ascii: "/") { index &+= 1 }
        let level = start..<index
        isOver = index == topic.count
        index &+= 1
        return level
    }
}

extension Span<UInt8> {
    /// Whether these are the bytes of the text.
    func hasBytes(of text: String) -> Bool {
        let bytes = text.utf8
        guard bytes.count == count else { return false }
        var index = 0
        for byte in bytes {
            guard self[index] == byte else { return false }
            index &+= 1
        }
        return true
    }
}
