import JSON

/// A topic of Sparkplug B, cut into its levels: `spBv1.0/{group}/{type}/{edge}[/{device}]`, or a host's STATE.
///
/// The ids are where they lie in the topic: nothing is copied to read one.
public enum SparkplugTopic: Hashable, Sendable {
    /// An edge node's, or for one.
    case edge(EdgeTopic)
    /// A host's STATE.
    case host(HostTopic)

    /// The first level of every topic but the old form of STATE.
    public static let namespace = "spBv1.0"

    /// Reads a topic as it came off the wire. No input makes it trap.
    public init(_ topic: borrowing Span<UInt8>) throws(Refusal) {
        var levels = TopicLevels(topic)
        let first = levels.next(topic) ?? 0..<0
        if topic.extracting(first).hasBytes(of: HostTopic.level) {
            self = .host(HostTopic(id: try Self.lastID(topic, &levels), form: .old))
            return
        }
        guard topic.extracting(first).hasBytes(of: Self.namespace) else { throw .foreign }
        let group = try Self.id(topic, &levels)
        guard let kind = levels.next(topic) else { throw .missingLevel }
        // `spBv1.0/STATE/{hostId}` ends here. A group may have the name STATE as well: its topics have another level.
        if levels.isOver, topic.extracting(group).hasBytes(of: HostTopic.level) {
            self = .host(HostTopic(id: try Self.checked(topic, kind), form: .current))
            return
        }
        guard let type = SparkplugMessageType(topic.extracting(kind)) else { throw .unknownType }
        let edge = try Self.id(topic, &levels)
        guard type.hasDevice else {
            guard levels.isOver else { throw .unexpectedDevice }
            self = .edge(EdgeTopic(type: type, group: group, edge: edge, device: nil))
            return
        }
        guard !levels.isOver else { throw .missingDevice }
        self = .edge(EdgeTopic(type: type, group: group, edge: edge, device: try Self.lastID(topic, &levels)))
    }

    /// Whether text can be the id of a group, edge node, device or host: UTF-8, not empty, without `+`, `/`, `#` and U+0000.
    public static func isID(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard !bytes.contains(UInt8(ascii: "/")) else { return false }
        return (try? checked(bytes.span, 0..<bytes.count)) != nil
    }

    private static func id(
        _ topic: borrowing Span<UInt8>, _ levels: inout TopicLevels
    ) throws(Refusal) -> Range<Int> {
        guard let level = levels.next(topic) else { throw .missingLevel }
        return try checked(topic, level)
    }

    private static func lastID(
        _ topic: borrowing Span<UInt8>, _ levels: inout TopicLevels
    ) throws(Refusal) -> Range<Int> {
        let id = try id(topic, &levels)
        guard levels.isOver else { throw .tooManyLevels }
        return id
    }

    private static func checked(_ topic: borrowing Span<UInt8>, _ level: Range<Int>) throws(Refusal) -> Range<Int> {
        guard !level.isEmpty else { throw .emptyID }
        var index = level.lowerBound
        while index < level.upperBound {
            switch topic[index] {
            case 0, UInt8(ascii: "+"), UInt8(ascii: "#"): throw .forbiddenCharacter
            case 0x80...:
                let length = UTF8Sequence.length(topic, at: index)
                guard length > 0 else { throw .invalidUTF8 }
                index &+= length
            default: index &+= 1
            }
        }
        return level
    }
}

extension SparkplugTopic {
    /// Why a topic is none of Sparkplug B.
    public enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        /// It begins with another level.
        case foreign
        case missingLevel
        case tooManyLevels
        case emptyID
        /// `+`, `#` or U+0000 in an id.
        case forbiddenCharacter
        case invalidUTF8
        case unknownType
        /// A type that begins with D, without a device.
        case missingDevice
        /// A type that begins with N, with a device.
        case unexpectedDevice

        public var description: String {
            switch self {
            case .foreign: "it does not begin with \(SparkplugTopic.namespace)/"
            case .missingLevel: "it has too few levels"
            case .tooManyLevels: "it has too many levels"
            case .emptyID: "an id is empty"
            case .forbiddenCharacter: "an id contains +, # or U+0000"
            case .invalidUTF8: "an id is not valid UTF-8"
            case .unknownType: "its message type is unknown"
            case .missingDevice: "its message type asks for a device"
            case .unexpectedDevice: "its message type allows no device"
            }
        }
    }
}
