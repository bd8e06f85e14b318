/// A route as it was written in the configuration, before anybody has checked it.
public struct RouteDraft: Sendable, Hashable {
    /// The presence part as written.
    public struct Presence: Sendable, Hashable {
        public var topic: String
        /// nil: `online`; with a heartbeat any payload that is not the offline word.
        public var online: String?
        public var offline: String
        public var value: String?
        /// How long a device that is there may be silent.
        public var heartbeat: Milliseconds?

        public init(
            topic: String, online: String? = nil, offline: String = "offline", value: String? = nil,
            heartbeat: Milliseconds? = nil
        ) {
            self.topic = topic
            self.online = online
            self.offline = offline
            self.value = value
            self.heartbeat = heartbeat
        }
    }

    /// What a payload says of its own quality, as written.
    public struct Quality: Sendable, Hashable {
        public var at: String
        public var good: [String]
        public var uncertain: [String]

        public init(at: String, good: [String], uncertain: [String] = []) {
            self.at = at
            self.good = good
            self.uncertain = uncertain
        }
    }

    /// A deadband as written.
    public struct Deadband: Sendable, Hashable, ExpressibleByFloatLiteral {
        public var change: Double
        /// Whether the change is in percent of the tag's range.
        public var isPercent: Bool
        public var maximumSilence: Milliseconds?

        public init(change: Double, isPercent: Bool = false, maximumSilence: Milliseconds? = nil) {
            self.change = change
            self.isPercent = isPercent
            self.maximumSilence = maximumSilence
        }

        public init(floatLiteral change: Double) { self.init(change: change) }
    }

    /// An entry of a mapping, in the order of the file.
    public struct Entry<Value: Sendable & Hashable>: Sendable, Hashable {
        public var key: String
        public var value: Value

        public init(_ key: String, _ value: Value) {
            self.key = key
            self.value = value
        }
    }

    /// A value as written: where it stands, and what is made of it.
    public struct Value: Sendable, Hashable, ExpressibleByStringLiteral {
        /// JSON Pointer; in `values` also with `+` and `#`.
        public var at: String?
        public var unit: String?
        public var scale: Double?
        public var offset: Double?
        public var suffixes: [String]
        public var decimalComma: Bool
        /// What the device's words mean.
        public var map: [Entry<TagValue>]
        /// What the tag has when the value is left out.
        public var fallback: TagValue?
        /// With wildcards: tags that are left out.
        public var except: [String]
        /// What messages say of the quality of this value.
        public var quality: Quality?

        public init(
            at: String? = nil, unit: String? = nil, scale: Double? = nil, offset: Double? = nil,
            suffixes: [String] = [],
            decimalComma: Bool = false, map: [Entry<TagValue>] = [], fallback: TagValue? = nil, except: [String] = [],
            quality: Quality? = nil
        ) {
            self.at = at
            self.unit = unit
            self.scale = scale
            self.offset = offset
            self.suffixes = suffixes
            self.decimalComma = decimalComma
            self.map = map
            self.fallback = fallback
            self.except = except
            self.quality = quality
        }

        public init(stringLiteral at: String) { self.init(at: at) }
    }

    public var name: String
    public var topic: String
    /// Whether the routes after this one are asked for its topics as well.
    public var continues: Bool
    /// nil: the topic without its last level; the whole topic when the route has `values`.
    public var device: String?
    /// What stands instead of the topic in the names of the tags; nil: the topic.
    public var tag: String?
    public var payload: RouteDefinition.Payload
    /// The one value; nil with `values` empty is the whole payload.
    public var value: Value?
    /// Tag name, or names by wildcards, to value.
    public var values: [Entry<Value>]
    /// Where the elements stand that are a sample of the values each.
    public var each: String?
    public var time: String?
    /// Whether the time of an element is its name.
    public var isTimeName: Bool
    public var timeUnit: TimeUnit?
    /// Of times without a zone; nil: UTC.
    public var timeZone: LocalZone?
    public var quality: Quality?
    /// The unit of all tags of the route for which `units` has no rule.
    public var unit: String?
    /// Tag filter to unit.
    public var units: [Entry<String>]
    public var staleAfter: Milliseconds?
    public var reporting: RouteDefinition.Reporting?
    /// Tag filter to deadband.
    public var deadband: [Entry<Deadband>]
    public var presence: Presence?
    public var flapping: FlappingDamping?

    public init(
        name: String, topic: String, continues: Bool = false, device: String? = nil, tag: String? = nil,
        payload: RouteDefinition.Payload = .json,
        value: Value? = nil,
        values: [Entry<Value>] = [], each: String? = nil, time: String? = nil, isTimeName: Bool = false,
        timeUnit: TimeUnit? = nil, timeZone: LocalZone? = nil,
        quality: Quality? = nil, unit: String? = nil, units: [Entry<String>] = [],
        staleAfter: Milliseconds? = nil, reporting: RouteDefinition.Reporting? = nil, deadband: [Entry<Deadband>] = [],
        presence: Presence? = nil, flapping: FlappingDamping? = nil
    ) {
        self.name = name
        self.topic = topic
        self.continues = continues
        self.device = device
        self.tag = tag
        self.payload = payload
        self.value = value
        self.values = values
        self.each = each
        self.time = time
        self.isTimeName = isTimeName
        self.timeUnit = timeUnit
        self.timeZone = timeZone
        self.quality = quality
        self.unit = unit
        self.units = units
        self.staleAfter = staleAfter
        self.reporting = reporting
        self.deadband = deadband
        self.presence = presence
        self.flapping = flapping
    }
}
