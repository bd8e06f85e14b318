/// Tells the topics on which devices answer commands from those that carry samples; such a topic often matches a route
/// as well. Each topic is compared with the filters once.
struct AnswerTopics: Sendable {
    private let filters: [TopicFilter]
    private var known: TopicTable
    private var isAnswer: ContiguousArray<Bool> = []

    init(filters: [TopicFilter], limit: Int, hashSeed: UInt64) {
        self.filters = filters
        known = TopicTable(limit: limit, byteLimit: IngestLimits().topicBytes, seed: hashSeed)
    }

    mutating func contain(_ topic: borrowing Span<UInt8>) -> Bool {
        if filters.isEmpty { return false }
        let number = known.find(topic)
        if number >= 0 { return isAnswer[number] }
        let answers = filters.match(topic)
        if known.insert(topic) != nil { isAnswer.append(answers) }
        return answers
    }
}
