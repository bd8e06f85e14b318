import Plant

/// The topics on which commands are asked for and reported.
package struct CommandTopics: Sendable {
    /// `linekeeper/<plant>/commands/request`
    package let request: String
    private let prefix: String

    package init(plant: String) {
        prefix = "linekeeper/\(plant)/commands/"
        request = prefix + "request"
    }

    /// `linekeeper/<plant>/commands/<id>`: each change of the command's state, not retained.
    package func state(of id: String) -> String { prefix + id }

    /// Whether we publish an answer where a requester wants it. Nobody may have us write where only gateways should, or into
    /// the broker's own topics.
    func mayAnswer(on topic: String) -> Bool {
        guard !topic.isEmpty, topic.utf8.count <= 1024, topic.utf8.first != UInt8(ascii: "$") else { return false }
        if topic.hasPrefix("linekeeper/") { return topic.hasPrefix(prefix) && topic != request }
        return (try? TagPath(topic)) != nil
    }
}
