/// An MQTT topic filter: `+` stands for one level, a last `#` for all that follow, the level before it included. Used
/// for tags and devices alike. Filters that begin with a wildcard do not match topics that begin with `$` (MQTT 4.7.2).
public struct TopicFilter: Sendable, Hashable, CustomStringConvertible {
    /// Why a text is not a filter.
    public enum Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        case empty
        case tooLong
        case nul
        case misplacedPlus
        case misplacedHash

        public var description: String {
            switch self {
            case .empty: "a filter has at least one level"
            case .tooLong: "a filter has at most 65535 bytes"
            case .nul: "a filter cannot contain the character U+0000"
            case .misplacedPlus: "+ stands for a whole level: it cannot share its level with other characters"
            case .misplacedHash: "# stands for all the remaining levels: it can only be the whole last level"
            }
        }
    }

    enum Level: Sendable, Hashable {
        case literal([UInt8])
        case any
        case rest
    }

    let levels: [Level]
    /// The filter as it was given.
    public let text: String

    public init(_ text: String) throws(Mistake) {
        guard !text.isEmpty else { throw .empty }
        guard text.utf8.count <= 65_535 else { throw .tooLong }
        guard !text.utf8.contains(0) else { throw .nul }
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        var levels: [Level] = []
        for (position, part) in parts.enumerated() {
            if part.elementsEqual("+".utf8) {
                levels.append(.any)
            } else if part.elementsEqual("#".utf8) {
                guard position == parts.count - 1 else { throw .misplacedHash }
                levels.append(.rest)
            } else {
                guard !part.contains(UInt8(ascii: "+")) else { throw .misplacedPlus }
                guard !part.contains(UInt8(ascii: "#")) else { throw .misplacedHash }
                levels.append(.literal(Array(part)))
            }
        }
        self.levels = levels
        self.text = text
    }

    /// The filter that matches exactly one path and nothing else.
    public init(exactly path: TagPath) {
        levels = path.levels.map { .literal(Array($0.utf8)) }
        text = path.text
    }

    /// True when it contains no wildcard.
    public var isLiteral: Bool {
        levels.allSatisfy { if case .literal = $0 { true } else { false } }
    }

    public var description: String { text }

    /// Whether a topic matches; the bytes are compared as they are.
    public func matches(_ topic: borrowing Span<UInt8>) -> Bool {
        guard !topic.isEmpty else { return false }
        if topic[0] == UInt8(ascii: "$"), let first = levels.first {
            guard case .literal = first else { return false }
        }
        var start = 0
        for position in levels.indices {
            // `start` is past the end by one exactly when the topic has no level left.
            let isExhausted = start > topic.count
            switch levels[position] {
            case .rest:
                return true
            case .any:
                if isExhausted { return false }
                start = Self.endOfLevel(topic, start) &+ 1
            case .literal(let bytes):
                if isExhausted { return false }
                let end = Self.endOfLevel(topic, start)
                guard end &- start == bytes.count else { return false }
                for offset in bytes.indices where topic[start &+ offset] != bytes[offset] { return false }
                start = end &+ 1
            }
        }
        return start > topic.count
    }

    /// Whether a topic matches.
    public func matches(_ topic: String) -> Bool {
        var topic = topic
        topic.makeContiguousUTF8()
        return matches(topic.utf8.span)
    }

    /// Whether a tag or device matches.
    public func matches(_ path: TagPath) -> Bool { matches(path.text.utf8.span) }

    private static func endOfLevel(_ topic: borrowing Span<UInt8>, _ start: Int) -> Int {
        var index = start
        while index < topic.count, topic[index] != UInt8(ascii: "/") { index &+= 1 }
        return index
    }

    public static func == (left: TopicFilter, right: TopicFilter) -> Bool { left.levels == right.levels }

    public func hash(into hasher: inout Hasher) { hasher.combine(levels) }
}

extension Collection<TopicFilter> {
    /// Whether one of them matches.
    func match(_ topic: borrowing Span<UInt8>) -> Bool {
        for filter in self where filter.matches(topic) { return true }
        return false
    }
}
