/// Remembers topics that nothing comes of, and where the messages of some are counted.
///
/// When it is full all topics are forgotten, and those that still speak come in again: publishers that invent topics cost
/// time, but no memory, and do not keep others out.
struct TopicMemory: Sendable {
    static let topicLimit = 20_000
    static let byteLimit = 2 << 20

    enum Finding: Hashable {
        case unknown
        /// Its messages are not counted.
        case uncounted
        case counted(TopicPrefixCounts.Place)
    }

    private var topics: TopicTable
    /// Of each of `topics`; nil: not counted.
    private var places: ContiguousArray<TopicPrefixCounts.Place?> = []
    private let hashSeed: UInt64

    init(hashSeed: UInt64) {
        self.hashSeed = hashSeed
        topics = Self.table(hashSeed)
    }

    var count: Int { places.count }

    func place(of topic: borrowing Span<UInt8>) -> Finding {
        let number = topics.find(topic)
        guard number >= 0 else { return .unknown }
        return places[number].map(Finding.counted) ?? .uncounted
    }

    /// Takes in a topic that is unknown.
    mutating func insert(_ topic: borrowing Span<UInt8>, _ place: TopicPrefixCounts.Place?) {
        if !topics.hasRoom(forBytes: topic.count) {
            topics = Self.table(hashSeed)
            places.removeAll(keepingCapacity: true)
        }
        if topics.insert(topic) != nil { places.append(place) }
    }

    private static func table(_ hashSeed: UInt64) -> TopicTable {
        TopicTable(limit: topicLimit, byteLimit: byteLimit, seed: hashSeed)
    }
}
