/// Of which topics messages were shed, and how many: of those that lost most, in bounded memory.
struct ShedTopics: Sendable {
    /// Topics that are remembered.
    static let capacity = 32
    /// As much of a topic as is remembered of it.
    static let topicBytes = 200

    private(set) var messages: [[UInt8]: UInt64] = [:]
    /// All of them together, those of forgotten topics included.
    private(set) var total: UInt64 = 0

    mutating func add(_ topic: ArraySlice<UInt8>, _ count: UInt64) {
        total &+= count
        let topic = Array(topic.prefix(Self.topicBytes))
        if messages.count >= Self.capacity, messages[topic] == nil {
            guard let least = messages.min(by: { $0.value < $1.value }), least.value < count else { return }
            messages[least.key] = nil
        }
        messages[topic, default: 0] &+= count
    }

    mutating func add(_ other: ShedTopics) {
        let before = total
        for (topic, count) in other.messages { add(topic[...], count) }
        total = before &+ other.total
    }

    /// Those that lost most first.
    var largest: [(topic: [UInt8], messages: UInt64)] {
        messages.sorted { ($0.value, $1.key.count) > ($1.value, $0.key.count) }.map { ($0.key, $0.value) }
    }
}
