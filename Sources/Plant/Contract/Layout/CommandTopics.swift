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

    /// Longest topic of an answer, in bytes.
    package static let lengthLimit = 1024

    /// Whether an answer may go to that topic because it lies below ours; see ``ReplyTopics`` for others.
    package func isOurs(_ topic: String) -> Bool {
        topic.hasPrefix(prefix) && topic != request && topic.utf8.count > prefix.utf8.count
            && topic.utf8.count <= Self.lengthLimit && (try? TagPath(topic)) != nil
    }
}
