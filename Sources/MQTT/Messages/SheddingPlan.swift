/// Decides which messages of a full inbox are kept: half of them, each topic its share.
///
/// Messages are told in the order in which they came; afterwards ``keeps()`` says which ones stay.
struct SheddingPlan {
    private struct Topic {
        let parent: Int
        /// Position of its first message.
        let first: Int
        /// What all its messages cost.
        var demand = 0
        /// What those may cost that are kept.
        var allowance = Int.max
    }

    private let byBytes: Bool
    /// Topics and parents by the hash of their bytes: two with one hash would share, no more.
    private var numbers: [Int: Int] = [:]
    private var parentNumbers: [Int: Int] = [:]
    private var topics: [Topic] = []
    /// What the topics of each parent cost together.
    private var parentDemands: [Int] = []
    /// Topic and cost of each message.
    private var messages: [(topic: Int, cost: Int)] = []
    private var total = 0

    init(byBytes: Bool) { self.byBytes = byBytes }

    mutating func add(topic: UnsafeRawBufferPointer, payloadLength: Int) {
        let cost = byBytes ? max(1, topic.count + payloadLength) : 1
        let number = number(of: topic)
        topics[number].demand += cost
        parentDemands[topics[number].parent] += cost
        messages.append((number, cost))
        total += cost
    }

    private mutating func number(of topic: UnsafeRawBufferPointer) -> Int {
        let hash = Self.hash(topic)
        if let known = numbers[hash] { return known }
        let parentLength = topic.lastIndex(of: UInt8(ascii: "/")) ?? topic.count
        let parentHash = Self.hash(UnsafeRawBufferPointer(rebasing: topic[..<parentLength]))
        let parent = parentNumbers[parentHash] ?? parentDemands.count
        if parent == parentDemands.count {
            parentNumbers[parentHash] = parent
            parentDemands.append(0)
        }
        numbers[hash] = topics.count
        topics.append(Topic(parent: parent, first: messages.count))
        return topics.count - 1
    }

    private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        return hasher.finalize()
    }

    /// Whether each message is kept.
    mutating func keeps() -> [Bool] {
        divide()
        var keeps = [Bool](repeating: false, count: messages.count)
        var left = total / 2
        // Of each topic the newest, up to its allowance; then, of what rounding and large messages leave, the newest of all.
        // A topic of which one message does not fit keeps no older one.
        for isRest in [false, true] {
            var isClosed = [Bool](repeating: false, count: topics.count)
            for index in messages.indices.reversed() where !keeps[index] {
                let (topic, cost) = messages[index]
                guard !isClosed[topic] else { continue }
                guard cost <= (isRest ? left : topics[topic].allowance) else {
                    isClosed[topic] = true
                    continue
                }
                keeps[index] = true
                left -= cost
                if !isRest { topics[topic].allowance -= cost }
            }
        }
        return keeps
    }

    /// Topics that lose messages: the position of its first one, and how many.
    func lost(_ keeps: [Bool]) -> [(first: Int, count: Int)] {
        var counts = [Int](repeating: 0, count: topics.count)
        for (index, message) in messages.enumerated() where !keeps[index] { counts[message.topic] += 1 }
        return zip(topics, counts).compactMap { topic, count in count > 0 ? (topic.first, count) : nil }
    }

    private mutating func divide() {
        let level = FairShare.level(parentDemands, within: total / 2)
        guard level < .max else { return }
        var topicsOfParent = [[Int]](repeating: [], count: parentDemands.count)
        for (number, topic) in topics.enumerated() where parentDemands[topic.parent] > level {
            topicsOfParent[topic.parent].append(number)
        }
        for numbers in topicsOfParent where !numbers.isEmpty {
            let allowance = FairShare.level(numbers.map { topics[$0].demand }, within: level)
            for number in numbers { topics[number].allowance = allowance }
        }
    }
}
