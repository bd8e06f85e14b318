import Primitives

/// What is the same for every gateway of a plant: how messages become tags, what people need to know of the tags, what
/// raises alarms, which commands devices take, and as what the gateways appear to edge nodes of Sparkplug B.
///
/// A value without an origin: it makes no difference whether it was read from files beside a gateway's configuration or
/// from bytes of elsewhere. What one gateway needs for itself is its local configuration.
public struct PlantDefinition: Sendable, Hashable {
    /// In the order of the configuration: the first one that matches a topic takes it.
    public var routes: [RouteDefinition]
    /// What people need to know of tags, by filter.
    public var tags: TagRules
    public var alarms: [AlarmDefinition]
    public var commands: [CommandDefinition]
    /// nil: the gateways are no host application of Sparkplug B.
    public var sparkplug: SparkplugHostDefinition?

    public init(
        routes: [RouteDefinition] = [], tags: TagRules = TagRules(), alarms: [AlarmDefinition] = [],
        commands: [CommandDefinition] = [], sparkplug: SparkplugHostDefinition? = nil
    ) {
        self.routes = routes
        self.tags = tags
        self.alarms = alarms
        self.commands = commands
        self.sparkplug = sparkplug
    }

    /// What routes, alarms, commands and the host of Sparkplug B mean, in sixteen digits. Gateways of one version compare it; the form of the text
    /// that is hashed stays as it is, or gateways of two versions would seem to be configured differently.
    package var digest: String {
        let host = sparkplug.map { " \($0.meaning)" } ?? ""
        let meaning = "\(RoutesDigest.of(routes)) \(alarms) \(commands)\(host)"
        let digits = String(StableHash.mixed(StableHash.fnv1a(meaning.utf8)), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
