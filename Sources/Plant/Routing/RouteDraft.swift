/// A route as it was written in the configuration, before anybody has checked it.
public struct RouteDraft: Sendable, Hashable {
    /// The presence part as written.
    public struct Presence: Sendable, Hashable {
        public var topic: String
        public var online: String
        public var offline: String
        public var value: String?

        public init(topic: String, online: String = "online", offline: String = "offline", value: String? = nil) {
            self.topic = topic
            self.online = online
            self.offline = offline
            self.value = value
        }
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

    public var name: String
    public var topic: String
    /// nil: the topic without its last level; the whole topic when the route has `values`.
    public var device: String?
    public var payload: String
    /// JSON Pointer of the one value; nil with `values` empty is the whole document.
    public var value: String?
    /// Tag name to JSON Pointer.
    public var values: [Entry<String>]
    public var time: String?
    /// The unit of all tags of the route for which `units` has no rule.
    public var unit: String?
    /// Tag filter to unit.
    public var units: [Entry<String>]
    public var staleAfter: Milliseconds?
    public var reporting: RouteDefinition.Reporting?
    /// Tag filter to width.
    public var deadband: [Entry<Double>]
    public var presence: Presence?

    public init(
        name: String, topic: String, device: String? = nil, payload: String = "json", value: String? = nil,
        values: [Entry<String>] = [], time: String? = nil, unit: String? = nil, units: [Entry<String>] = [],
        staleAfter: Milliseconds? = nil, reporting: RouteDefinition.Reporting? = nil, deadband: [Entry<Double>] = [],
        presence: Presence? = nil
    ) {
        self.name = name
        self.topic = topic
        self.device = device
        self.payload = payload
        self.value = value
        self.values = values
        self.time = time
        self.unit = unit
        self.units = units
        self.staleAfter = staleAfter
        self.reporting = reporting
        self.deadband = deadband
        self.presence = presence
    }
}
