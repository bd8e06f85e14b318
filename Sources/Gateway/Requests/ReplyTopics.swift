package import Plant

/// Where a requester may have its answer: below the gateways' own `…/commands/`, below the requester's
/// `…/requests/<principal>/`, or below the configured prefix; and never where messages mean something else.
///
/// A gateway may write where requesters may not. Were the answer's topic theirs to choose, they would have it write there
/// for them: to a device's command topic, say, with a text of their own in it.
package struct ReplyTopics: Sendable {
    /// `mqtt.replyPrefix`, with its last slash; nil: none.
    private let prefix: String?
    /// What routes, commands and answers match.
    private let taken: [TopicFilter]

    package init(prefix: String? = nil, routes: [RouteDefinition] = [], commands: [CommandDefinition] = []) {
        self.prefix = prefix
        taken =
            routes.flatMap(\.subscriptionFilters)
            + commands.flatMap { [$0.topic.filter(devices: $0.devices), $0.answerFilter].compactMap(\.self) }
            .compactMap { try? TopicFilter($0) }
    }

    /// Whether an answer may go there, beside the gateways' own topics.
    func allows(_ topic: String) -> Bool {
        guard let prefix, topic.hasPrefix(prefix), topic.utf8.count > prefix.utf8.count,
            topic.utf8.count <= CommandTopics.lengthLimit, (try? TagPath(topic)) != nil
        else { return false }
        return !taken.contains { $0.matches(topic) }
    }
}
