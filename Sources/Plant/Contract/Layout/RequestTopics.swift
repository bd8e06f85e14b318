/// The topics on which people and programs ask, and hear the answers (docs/tree-and-topics.md).
package struct RequestTopics: Sendable {
    private let prefix: String
    private let prefixBytes: [UInt8]

    package init(plant: String) {
        prefix = "linekeeper/\(plant)/requests/"
        prefixBytes = Array(prefix.utf8)
    }

    /// What gateways subscribe to: `linekeeper/<plant>/requests/<principal>`. A broker's access list lets each user
    /// publish on the topic of its own name only.
    package var filter: String { prefix + "+" }

    /// The name of who asks; nil for another topic.
    package func principal(ofTopic topic: some Collection<UInt8>) -> String? {
        guard topic.starts(with: prefixBytes) else { return nil }
        let name = topic.dropFirst(prefixBytes.count)
        return name.isEmpty || name.contains(UInt8(ascii: "/")) ? nil : String(validating: name, as: UTF8.self)
    }

    /// Where an answer goes that was wanted nowhere else: `linekeeper/<plant>/requests/<principal>/<id>`.
    package func answer(to principal: String, id: String) -> String { prefix + principal + "/" + id }

    /// Whether an answer to that principal may go to that topic because it lies below its own.
    package func isAnswer(_ topic: String, to principal: String) -> Bool {
        let own = prefix + principal + "/"
        guard topic.hasPrefix(own), topic.utf8.count > own.utf8.count, topic.utf8.count <= CommandTopics.lengthLimit,
            (try? TagPath(topic)) != nil
        else { return false }
        return true
    }
}
