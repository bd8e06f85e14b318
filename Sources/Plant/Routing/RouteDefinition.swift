public import JSON

/// One checked route: which topics it takes, what device and tags they mean, and how their payloads are read.
/// Made from a `RouteDraft`, which finds the mistakes.
public struct RouteDefinition: Sendable, Hashable {
    /// How a payload becomes values.
    public enum Payload: Sendable, Hashable {
        /// A JSON document; `value` of the single tag that has the topic's own path.
        case json(value: JSONPointer)
        /// A JSON document with several values; each becomes the tag `<topic>/<name>`.
        case jsonValues([NamedPointer])
        /// The payload is a decimal number as text.
        case number
        /// The payload is UTF-8 text.
        case text
        /// The payload is one of true/false, 1/0, on/off, yes/no, in any case.
        case bool
    }

    /// Where in a document the value of one of several tags is.
    public struct NamedPointer: Sendable, Hashable {
        public let name: String
        public let pointer: JSONPointer

        public init(name: String, pointer: JSONPointer) {
            self.name = name
            self.pointer = pointer
        }
    }

    /// Smallest change that is written, for the tags that match. The first rule that matches a tag counts.
    public struct Deadband: Sendable, Hashable {
        public let tags: TopicFilter
        public let width: Double

        public init(tags: TopicFilter, width: Double) {
            self.tags = tags
            self.width = width
        }
    }

    /// The unit of the tags that match. The first rule that matches a tag counts.
    public struct UnitRule: Sendable, Hashable {
        public let tags: TopicFilter
        public let unit: String

        public init(tags: TopicFilter, unit: String) {
            self.tags = tags
            self.unit = unit
        }
    }

    /// When a topic of the route speaks, as its author says it.
    public enum Reporting: String, Sendable, Hashable, CaseIterable {
        /// More often than `staleAfter`, whether anything has changed or not.
        case periodic
        /// When its value changes, as contacts do.
        case onChange
    }

    /// A device's own word about being there: usually its birth message and last will.
    public struct Presence: Sendable, Hashable {
        /// The topics, `{device}` already replaced by the route's device template.
        public let topic: TopicTemplate
        public let online: [UInt8]
        public let offline: [UInt8]
        /// Where in a JSON payload the word is; nil when it is the whole payload.
        public let pointer: JSONPointer?

        public init(topic: TopicTemplate, online: [UInt8], offline: [UInt8], pointer: JSONPointer? = nil) {
            self.topic = topic
            self.online = online
            self.offline = offline
            self.pointer = pointer
        }
    }

    public let name: String
    public let topic: TopicTemplate
    public let device: TextTemplate
    public let payload: Payload
    /// Where a JSON payload has its own time.
    public let time: JSONPointer?
    public let units: [UnitRule]
    /// A device that has been silent for longer is stale; nil never. See ``SilenceTable`` for its topics and tags.
    public let staleAfter: Milliseconds?
    /// nil when the route does not say it: then its topics are taken as with `onChange`, but nobody vouches for them.
    public let reporting: Reporting?
    public let deadbands: [Deadband]
    public let presence: Presence?

    /// Whether a tag of this route that falls silent does not stay good: its device tells when it goes, or its own silence or
    /// that of its device tells, and the route's author has said which.
    public var vouchesForItsTags: Bool { presence != nil || (staleAfter != nil && reporting != nil) }

    /// What to subscribe to for this route: its topics and, when there are any, its devices' presence topics.
    public var subscriptionFilters: [TopicFilter] {
        [topic.subscriptionFilter] + (presence.map { [$0.topic.subscriptionFilter] } ?? [])
    }

    /// The device that a topic of this route belongs to.
    public func devicePath(_ captures: [String: String]) throws(TagPath.Refusal) -> TagPath {
        // A draft is refused when its device uses a name that the topic does not give, so `filled` always answers here.
        try TagPath(device.filled(captures) ?? "")
    }

    /// The names in its topics that stand for several levels.
    package var severalLevels: Set<String> { topic.severalLevels }

    /// Whether some topic of this route belongs to that device.
    public func makes(device path: TagPath) -> Bool {
        device.canGive(path.text, severalLevels: severalLevels)
    }

    /// The paths of the tags that one topic of this route carries, in the order of the decoder's values.
    public func tagPaths(topic: TagPath) throws(TagPath.Refusal) -> [TagPath] {
        guard case .jsonValues(let values) = payload else { return [topic] }
        var paths: [TagPath] = []
        for value in values { paths.append(try topic.appending(value.name)) }
        return paths
    }

    /// The unit of a tag of this route.
    public func unit(of tag: TagPath) -> String? {
        units.first { $0.tags.matches(tag) }?.unit
    }

    /// The deadband of a tag of this route; nil writes every sample.
    public func deadband(of tag: TagPath) -> Double? {
        deadbands.first { $0.tags.matches(tag) }?.width
    }
}
