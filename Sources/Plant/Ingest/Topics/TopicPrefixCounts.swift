/// Counts messages by the beginning of their topics: the first two levels, as a filter where there are more.
///
/// Publishers that invent topics cost no memory: at most ``limit`` beginnings of at most ``lengthLimit`` bytes have a
/// count of their own, those that came first. What comes on further ones is one number.
public struct TopicPrefixCounts: Sendable, Hashable {
    /// How many beginnings have a count of their own.
    public static let limit = 100
    /// The longest beginning, in bytes, that has one.
    public static let lengthLimit = 128

    /// Where the messages of a topic are counted. It stays the same for a topic.
    public struct Place: Sendable, Hashable {
        /// -1: among the further ones.
        fileprivate let number: Int32
    }

    private var places: [[UInt8]: Place] = [:]
    private var counts: ContiguousArray<UInt64> = []
    /// Messages on topics whose beginnings have no count of their own.
    public private(set) var further: UInt64 = 0

    public init() {}

    public mutating func count(_ topic: borrowing Span<UInt8>) { count(at: place(of: topic)) }

    public mutating func count(at place: Place) {
        if place.number < 0 { further &+= 1 } else { counts[Int(place.number)] &+= 1 }
    }

    /// Makes a place for the topic's beginning where there is room.
    public mutating func place(of topic: borrowing Span<UInt8>) -> Place {
        guard let prefix = Self.prefix(of: topic) else { return Place(number: -1) }
        if let place = places[prefix] { return place }
        guard counts.count < Self.limit else { return Place(number: -1) }
        let place = Place(number: Int32(counts.count))
        places[prefix] = place
        counts.append(0)
        return place
    }

    /// Every beginning and its messages, the most first; one that is no text is shown as if it were.
    public var rows: [(prefix: String, messages: UInt64)] {
        places.map { (String(decoding: $0.key, as: UTF8.self), counts[Int($0.value.number)]) }
            .sorted { ($1.messages, $0.prefix) < ($0.messages, $1.prefix) }
    }

    /// The first two levels of a topic, as a filter where there are more; nil when that is too long.
    static func prefix(of topic: borrowing Span<UInt8>) -> [UInt8]? {
        var prefix: [UInt8] = []
        var separators = 0
        for index in topic.indices {
            if topic[index] == UInt8(ascii: "/") { separators += 1 }
            guard prefix.count < lengthLimit else { return nil }
            prefix.append(topic[index])
            if separators == 2 {
                guard prefix.count < lengthLimit else { return nil }
                return prefix + [UInt8(ascii: "#")]
            }
        }
        return prefix
    }
}
