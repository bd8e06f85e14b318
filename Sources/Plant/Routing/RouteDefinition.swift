public import JSON

/// One checked route: which topics it takes, what device and tags they mean, and how their payloads are read.
/// Made from a `RouteDraft`, which finds the mistakes.
public struct RouteDefinition: Sendable, Hashable {
    /// How a payload is written.
    public enum Payload: String, Sendable, Hashable, CaseIterable {
        /// A JSON document.
        case json
        /// A CBOR data item (RFC 8949), as the JSON document that it stands for.
        case cbor
        /// Points in InfluxDB's line protocol: each measurement with its tags is a topic of its own.
        case lines = "lineProtocol"
        /// A decimal number as text.
        case number
        /// UTF-8 text.
        case text
        /// One of true/false, 1/0, on/off, yes/no, in any case.
        case bool
        /// Any bytes, as Base64.
        case bytes
        /// Births, data and deaths of Sparkplug B: what its edge nodes and devices have, they say themselves.
        case sparkplug
        /// Nothing that anybody needs: messages on the route's topics are taken, and say nothing.
        case nothing = "none"

        /// Whether a payload has places; a line of line protocol has its fields, at `/name`.
        public var hasPlaces: Bool { self == .json || self == .cbor || self == .lines }

        /// All of them, for messages: "json, cbor, … or none".
        package static var alternatives: String {
            let words = allCases.map(\.rawValue)
            return words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
        }
    }

    /// Smallest change that is written, for the tags that match. The first rule that matches a tag counts.
    public struct Deadband: Sendable, Hashable {
        public let tags: TopicFilter
        public let change: Change
        /// Within the deadband a value is written again after this time; nil: after the route's ``staleAfter``.
        public let maximumSilence: Milliseconds?

        /// How large a change is.
        public enum Change: Sendable, Hashable {
            case absolute(Double)
            /// Of the tag's range.
            case percent(Double)
        }

        public init(tags: TopicFilter, change: Change, maximumSilence: Milliseconds? = nil) {
            self.tags = tags
            self.change = change
            self.maximumSilence = maximumSilence
        }

        /// The smallest change of a tag with that range; nil when it is a part of a range that nobody has said.
        public func width(of range: TagRange?) -> Double? {
            switch change {
            case .absolute(let width): width
            case .percent(let percent): range.map { ($0.high - $0.low) * percent / 100 }
            }
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

    /// A device's own word about being there: usually its birth message and last will, or heartbeats.
    public struct Presence: Sendable, Hashable {
        /// The topics, `{device}` already replaced by the route's device template.
        public let topic: TopicTemplate
        /// The word of a device that is there; nil, only with a heartbeat: any payload that is not ``offline``.
        public let online: [UInt8]?
        public let offline: [UInt8]
        /// Where in a JSON payload the word is; nil when it is the whole payload.
        public let pointer: JSONPointer?
        /// How long a device that is there may be silent: it repeats its word more often. nil: it promises nothing.
        public let heartbeat: Milliseconds?

        public init(
            topic: TopicTemplate, online: [UInt8]?, offline: [UInt8], pointer: JSONPointer? = nil,
            heartbeat: Milliseconds? = nil
        ) {
            self.topic = topic
            self.online = online
            self.offline = offline
            self.pointer = pointer
            self.heartbeat = heartbeat
        }
    }

    public let name: String
    public let topic: TopicTemplate
    /// Whether the routes after this one are asked for its topics as well.
    public let continues: Bool
    public let device: TextTemplate
    /// nil: the tags are named by the topic.
    public let tag: TagTemplate?
    /// The same for points of line protocol, made of the topic's names, `measurement` and the keys of their tags. nil: the
    /// topic, and below it the measurement and the values of the tags in the order of their keys.
    public let lineTag: TextTemplate?
    public let payload: Payload
    /// The values of a message; each becomes a tag.
    public let values: [ValueRule]
    /// The values of which names and places are learnt from the messages.
    public let wildcards: [WildcardRule]
    /// Where a message has several samples of its values: in each element of the array, or each member of the object, that
    /// stands there. All other places are places within an element. nil: a message is one sample of its values.
    public let each: JSONPointer?
    /// Where a document has its own time.
    public let time: JSONPointer?
    /// Whether the time of an element is its name.
    public let isTimeName: Bool
    /// nil: the time's own size tells.
    public let timeUnit: TimeUnit?
    /// Of times without a zone; nil: UTC.
    public let timeZone: LocalZone?
    public let quality: QualityRule?
    public let units: [UnitRule]
    /// A device that has been silent for longer is stale; nil never. See ``SilenceTable`` for its topics and tags.
    public let staleAfter: Milliseconds?
    /// nil when the route does not say it: then its topics are taken as with `onChange`, but nobody vouches for them.
    public let reporting: Reporting?
    public let deadbands: [Deadband]
    public let presence: Presence?
    /// nil: the usual rule holds.
    public let flapping: FlappingDamping?

    /// Whether a tag of this route that falls silent does not stay good: its device tells when it goes, or its own silence or
    /// that of its device tells, and the route's author has said which.
    public var vouchesForItsTags: Bool {
        presence != nil || (staleAfter != nil && reporting != nil) || payload == .sparkplug
    }

    /// What it says of its devices.
    public var deviceRules: DeviceRules {
        DeviceRules(staleAfter: staleAfter, heartbeat: presence?.heartbeat, flapping: flapping)
    }

    /// What to subscribe to for this route: its topics and, when there are any, its devices' presence topics. What says
    /// nothing is not worth hearing: such a route is there to take topics from those after it.
    public var subscriptionFilters: [TopicFilter] { payload == .nothing ? [] : topicFilters }

    /// Filters that match every topic of the route, those of presence included.
    var topicFilters: [TopicFilter] {
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
        payload == .sparkplug
            ? makes(sparkplugDevice: path)
            : payload != .nothing && device.canGive(path.text, severalLevels: severalLevels)
    }

    /// Whether a message has one value, whose tag has the topic's own path.
    public var isSingle: Bool { values.first?.name == nil && wildcards.isEmpty }

    /// The path that the tags of a topic have, or have their names below.
    public func tagBase(topic: TagPath, _ captures: [String: String]) throws(TagPath.Refusal) -> TagPath {
        guard let tag else { return topic }
        return try tag.path(captures)
    }

    /// The path of the tag that a value has.
    public func tagPath(_ value: ValueRule, base: TagPath) throws(TagPath.Refusal) -> TagPath {
        guard let name = value.name else { return base }
        return try base.appending(name)
    }

    /// The paths of the tags that one topic of this route always has, in the order of `values`.
    public func tagPaths(base: TagPath) throws(TagPath.Refusal) -> [TagPath] {
        var paths: [TagPath] = []
        for value in values { paths.append(try tagPath(value, base: base)) }
        return paths
    }

    /// The values that a tag below one of its topics can have: the one that the route names, else those that messages can
    /// have there.
    ///
    /// - Parameter levels: of the tag, below ``tagBase(topic:_:)``.
    func values(named levels: ArraySlice<Substring>) -> [ValueRule] {
        let name = levels.joined(separator: "/")
        if let value = values.first(where: { ($0.name ?? "").hasSameBytes(as: name) }) { return [value] }
        let named = namedPlaces
        return wildcards.enumerated().compactMap { position, wildcard in
            // What has a name of its own, or an earlier rule, has not this one.
            guard let learnt = wildcard.value(named: levels), !named.contains(learnt.place),
                !wildcards[..<position].contains(where: { $0.value(at: learnt.place) != nil })
            else { return nil }
            return learnt
        }
    }

    /// Whether some point in line protocol can have a field with that tag.
    func canMake(lineTag path: TagPath) -> Bool {
        guard payload == .lines else { return false }
        let levels = path.levels
        return levels.indices.contains { end in
            let base = levels[..<end].joined(separator: "/")
            if let lineTag {
                return lineTag.canGive(base, severalLevels: severalLevels) && !values(named: levels[end...]).isEmpty
            }
            // Behind the topic come the measurement and what tags there are.
            return topic.match(base) != nil
                && (end + 1...levels.count).contains { $0 > end && !values(named: levels[$0...]).isEmpty }
        }
    }

    /// Places that are spoken for: those of its values, of the time and of the quality.
    var namedPlaces: Set<JSONPointer> {
        Set(
            values.flatMap { [$0.place, $0.quality?.place] }.compactMap { $0 }
                + [time, quality?.place].compactMap { $0 })
    }

    /// The unit of a tag of this route: what its value says, else the first rule for it.
    public func unit(of tag: TagPath, _ value: ValueRule) -> String? {
        value.unit ?? units.first { $0.tags.matches(tag) }?.unit
    }

    /// The deadband of a tag of this route; nil writes every sample.
    public func deadband(of tag: TagPath) -> Deadband? { deadbands.first { $0.tags.matches(tag) } }
}
