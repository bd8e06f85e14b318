/// The tags of a route by other names than its topics': `shelly/{id}` for `{id}/events/rpc`.
///
/// It has every name that the topic has, each as a level of its own, and the topic has no level without a name. So a tag
/// says which topic it comes from, and what the tree has can be taken up before the first message.
public struct TagTemplate: Sendable, Hashable {
    /// As it was given.
    public let text: String
    /// What stands for several levels in the topic does so here.
    package let pattern: TopicTemplate
    /// Of the pattern: by its bytes alone most tags are none of this template.
    private let filter: TopicFilter
    private let template: TextTemplate
    private let topic: TopicTemplate

    /// Why a template is none for a topic.
    public enum Mistake: Error, Hashable, Sendable {
        case template(TemplateMistake)
        case unknownName(String)
        case missingName(String)
        /// A level of the topic that is `+` or `#`.
        case namelessLevel
    }

    public init(_ text: String, topic: TopicTemplate) throws(Mistake) {
        var marked = text
        for name in topic.severalLevels { marked = marked.replacing("{\(name)}", with: "{\(name)...}") }
        do throws(TemplateMistake) {
            pattern = try TopicTemplate(marked)
            template = try TextTemplate(text)
        } catch {
            throw .template(error)
        }
        guard topic.isInvertible, pattern.isInvertible else { throw .namelessLevel }
        for name in pattern.names where !topic.names.contains(name) { throw .unknownName(name) }
        for name in topic.names where !pattern.names.contains(name) { throw .missingName(name) }
        self.text = text
        self.topic = topic
        filter = pattern.subscriptionFilter
    }

    /// What stands instead of the topic in the names of its tags.
    func path(_ captures: [String: String]) throws(TagPath.Refusal) -> TagPath {
        try TagPath(template.filled(captures) ?? "")
    }

    /// The topic with tags below that path; nil when there is none.
    func topic(of path: String) -> String? {
        // A filter leaves out what begins with a dollar sign, a pattern does not.
        guard filter.matches(path) || path.utf8.first == UInt8(ascii: "$") else { return nil }
        return pattern.match(path).flatMap(topic.filled)
    }
}

extension TopicTemplate {
    /// Whether each of its levels is known when its names are.
    fileprivate var isInvertible: Bool {
        levels.allSatisfy { level in
            switch level {
            case .literal, .capture: true
            case .any: false
            case .rest(let name): name != nil
            }
        }
    }

    /// The topic with these levels by name; nil when one is missing.
    fileprivate func filled(_ captures: [String: String]) -> String? {
        var parts: [String] = []
        for level in levels {
            switch level {
            case .literal(let literal): parts.append(literal)
            case .capture(let name), .rest(let name?):
                guard let capture = captures[name] else { return nil }
                parts.append(capture)
            case .any, .rest(nil): return nil
            }
        }
        return parts.joined(separator: "/")
    }
}
