/// The name of a tag or of a device: the levels of an MQTT topic, such as `factory/line1/press1/temperature`.
///
/// Every path can be published as a topic and has exactly one place in the tree. Two paths are the same when their
/// bytes are; Unicode's canonical equivalence, which Swift's `String ==` follows, would unite nodes that ZooKeeper
/// keeps apart.
public struct TagPath: Sendable, CustomStringConvertible {
    /// More levels than any plant has; a deeper topic is refused.
    public static let levelLimit = 32
    /// Longest path in bytes. MQTT allows 65,535, which percent encoding would triple.
    public static let lengthLimit = 1024

    /// The levels joined by `/`.
    public let text: String

    /// Takes the levels of a topic name as text.
    public init(_ text: String) throws(Refusal) {
        var text = text
        text.makeContiguousUTF8()
        try Self.check(text.utf8.span)
        self.text = text
    }

    /// Takes the bytes of a topic as they came off the wire.
    public init(topic: borrowing Span<UInt8>) throws(Refusal) {
        try Self.check(topic)
        let text = topic.withUnsafeBufferPointer { String(validating: $0, as: UTF8.self) }
        guard let text else { throw .invalidUTF8 }
        self.text = text
    }

    /// Takes levels one by one; a level that contains `/` is refused.
    public init(levels: [String]) throws(Refusal) {
        for level in levels where level.utf8.contains(UInt8(ascii: "/")) { throw .separatorInLevel }
        try self.init(levels.joined(separator: "/"))
    }

    /// This path and below it another level or several (`a/b`).
    public func appending(_ levels: String) throws(Refusal) -> TagPath {
        try TagPath(text + "/" + levels)
    }

    /// The levels, at least one; a level may be empty.
    public var levels: [Substring] {
        text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map(Substring.init)
    }

    public var description: String { text }

    private static func check(_ bytes: borrowing Span<UInt8>) throws(Refusal) {
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.count <= lengthLimit else { throw .tooLong(bytes: bytes.count) }
        var levels = 1
        for index in bytes.indices {
            switch bytes[index] {
            case UInt8(ascii: "/"): levels &+= 1
            case UInt8(ascii: "+"), UInt8(ascii: "#"): throw .wildcard
            case 0: throw .nul
            default: break
            }
        }
        guard levels <= levelLimit else { throw .tooManyLevels(levels) }
    }
}

extension TagPath {
    /// Why something is not the name of a tag.
    public enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        case empty
        case tooLong(bytes: Int)
        case tooManyLevels(Int)
        case invalidUTF8
        /// `+` and `#` belong to filters; no topic that is published contains them.
        case wildcard
        /// U+0000 is forbidden in topics.
        case nul
        case separatorInLevel
        /// A znode name that is not how we would have written any level, or one of Linekeeper's own (`@…`).
        case foreignNode(String)

        public var description: String {
            switch self {
            case .empty: "it is empty"
            case .tooLong(let bytes): "it has \(bytes) bytes; at most \(TagPath.lengthLimit) are taken"
            case .tooManyLevels(let levels): "it has \(levels) levels; at most \(TagPath.levelLimit) are taken"
            case .invalidUTF8: "it is not valid UTF-8"
            case .wildcard: "it contains + or #, which only filters may"
            case .nul: "it contains the character U+0000"
            case .separatorInLevel: "a level contains /"
            case .foreignNode(let name): "the node \(name) does not stand for a topic level"
            }
        }
    }
}

extension TagPath: Hashable, Comparable {
    public static func == (left: TagPath, right: TagPath) -> Bool {
        left.text.hasSameBytes(as: right.text)
    }

    /// Order of the bytes, so that listings are the same everywhere.
    public static func < (left: TagPath, right: TagPath) -> Bool {
        left.text.precedesByBytes(right.text)
    }

    public func hash(into hasher: inout Hasher) { text.hashBytes(into: &hasher) }
}
