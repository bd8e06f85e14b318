import Plant
import Yams

/// `routes`, `tags`, `alarms`, `commands` and `sparkplug`, from any number of documents, each definition with its place.
struct PlantSections {
    struct Located<Definition> {
        let definition: Definition
        let value: ConfigurationValue

        /// The value of a key of the definition, for a message that concerns it; the definition itself when it has none.
        func place(_ keyPath: [String]) -> ConfigurationValue { value.place(keyPath) }
    }

    var routes: [Located<RouteDefinition>] = []
    var tags: [Located<TagRule>] = []
    var alarms: [Located<AlarmDefinition>] = []
    var commands: [Located<CommandDefinition>] = []
    var sparkplug: Located<SparkplugHostDefinition>?

    mutating func read(_ section: ConfigurationSection) {
        for value in section["routes"]?.list(of: "routes") ?? [] {
            if let route = RouteSection.read(value) { routes.append(Located(definition: route, value: value)) }
        }
        for value in section["tags"]?.list(of: "tags") ?? [] {
            if let rule = TagSection.read(value) { tags.append(Located(definition: rule, value: value)) }
        }
        for value in section["alarms"]?.list(of: "alarms") ?? [] {
            if let alarm = AlarmSection.read(value) { alarms.append(Located(definition: alarm, value: value)) }
        }
        for value in section["commands"]?.list(of: "commands") ?? [] {
            if let command = CommandSection.read(value) { commands.append(Located(definition: command, value: value)) }
        }
        if let value = section["sparkplug"], let host = SparkplugSection.read(value) {
            if let sparkplug {
                value.report(
                    "\(value.name) stands at \(sparkplug.value.location) already", expected: "sparkplug once")
            } else {
                sparkplug = Located(definition: host, value: value)
            }
        }
    }

    /// All of them together, without their places.
    var definition: PlantDefinition {
        PlantDefinition(
            routes: routes.map(\.definition), tags: TagRules(tags.map(\.definition)),
            alarms: alarms.map(\.definition), commands: commands.map(\.definition),
            sparkplug: sparkplug?.definition)
    }

    /// Reports what concerns several definitions together.
    func check() {
        let delivered = DeliveredTags(routes.map(\.definition))
        checkRoutes(delivered)
        checkTags(delivered)
        checkAlarms(delivered)
        checkCommands(delivered)
        checkSparkplug()
    }
}
