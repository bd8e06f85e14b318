import Plant
import Yams

/// `routes`, `tags`, `alarms` and `commands`, from the main file and from included ones, each definition with its place.
struct PlantSections {
    struct Located<Definition> {
        let definition: Definition
        let value: ConfigurationValue

        /// The value of a key of the definition, for a message that concerns it; the definition itself when it has none.
        func place(_ keyPath: [String]) -> ConfigurationValue { PlantSections.place(keyPath, in: value) }
    }

    var routes: [Located<RouteDefinition>] = []
    var tags: [Located<TagRule>] = []
    var alarms: [Located<AlarmDefinition>] = []
    var commands: [Located<CommandDefinition>] = []

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
    }

    static func place(_ keyPath: [String], in value: ConfigurationValue) -> ConfigurationValue {
        var current = value
        for key in keyPath {
            guard let pair = current.node.mapping?.first(where: { $0.key.scalar?.string == key }) else {
                return current
            }
            current = ConfigurationValue(node: pair.value, file: value.file, name: key)
        }
        return current
    }

    // MARK: What concerns several definitions

    func check() {
        checkRoutes()
        checkTags()
        checkAlarms()
        checkCommands()
    }

    private func checkRoutes() {
        let own = TopicPattern(levels: [.literal("linekeeper"), .rest])
        let patterns = routes.map { TopicPattern($0.definition.topic) }
        var earlierTopics = TopicPatternIndex()
        var named: [String: Int] = [:]
        for (index, route) in routes.enumerated() {
            let pattern = patterns[index]
            defer {
                earlierTopics.insert(pattern)
                if named[route.definition.name] == nil { named[route.definition.name] = index }
            }
            if let first = named[route.definition.name].map({ routes[$0] }) {
                route.place(["name"]).report(
                    "a route named \"\(route.definition.name)\" stands at \(first.value.location) already",
                    expected: "each name once")
            }
            if pattern.overlaps(own) {
                route.place(["topic"]).report(
                    "route \"\(route.definition.name)\" would take Linekeeper's own messages for sensors",
                    expected: "topics outside linekeeper/, so a first level of the plant's own, such as factory/…")
            }
            if route.definition.staleAfter != nil, route.definition.reporting == nil {
                route.place(["staleAfter"]).warn(
                    "route \"\(route.definition.name)\" does not say how its topics report: one that falls silent stays good while its device still speaks",
                    expected: "reporting: periodic, or reporting: onChange for topics that speak only when they change")
            }
            for number in earlierTopics.overlapping(pattern) {
                let (earlier, other) = (routes[number], patterns[number])
                let where_ = "route \"\(earlier.definition.name)\" at \(earlier.value.location)"
                if other.contains(pattern) {
                    route.place(["topic"]).report(
                        "route \"\(route.definition.name)\" never gets a message: \(where_) takes all its topics",
                        expected: "the narrower route first, or topics of its own")
                } else if !pattern.contains(other) {
                    route.place(["topic"]).warn(
                        "route \"\(route.definition.name)\" shares topics with \(where_), which comes first and gets them",
                        expected: "routes without common topics")
                }
            }
        }
    }

    /// Answers to requesters must not be taken for samples, commands or what devices answer.
    func check(replyPrefix: String, at place: ConfigurationValue) {
        let pattern = TopicPattern(
            levels: replyPrefix.split(separator: "/", omittingEmptySubsequences: false).dropLast()
                .map { .literal(String($0)) } + [.rest])
        var takers: [String] = []
        for route in routes {
            let topics = route.definition.subscriptionFilters.map { TopicPattern($0) }
            if topics.contains(where: pattern.overlaps) { takers.append("route \"\(route.definition.name)\"") }
        }
        for command in commands.map(\.definition) {
            let topics = [command.topic.filter(devices: command.devices), command.answerFilter].compactMap(\.self)
                .compactMap { try? TopicFilter($0) }
            if topics.map({ TopicPattern($0) }).contains(where: pattern.overlaps) {
                takers.append("command \"\(command.name)\"")
            }
        }
        if let first = takers.first {
            place.report(
                "mqtt.replyPrefix: answers below \(replyPrefix) would be taken for messages of \(first)",
                expected: "a prefix of its own for answers")
        }
    }

    private func checkTags() {
        let delivered = routes.flatMap(\.definition.tagPatterns)
        for rule in tags where !routes.isEmpty {
            guard !delivered.contains(where: TopicPattern(rule.definition.tags).overlaps) else { continue }
            rule.place(["filter"]).warn(
                "tags \"\(rule.definition.tags)\" are delivered by no route", expected: "tags of a route")
        }
    }

    private func checkAlarms() {
        let tags = routes.flatMap(\.definition.tagPatterns)
        for (index, alarm) in alarms.enumerated() {
            let pattern = TopicPattern(alarm.definition.tags)
            if let earlier = alarms[..<index].first(where: { $0.definition.name == alarm.definition.name }) {
                alarm.place(["name"]).report(
                    "an alarm named \"\(alarm.definition.name)\" stands at \(earlier.value.location) already",
                    expected: "each name once")
            }
            if alarm.definition.name == GatewayFault.alarmName {
                alarm.place(["name"]).report(
                    "alarm \"\(alarm.definition.name)\" has the name of Linekeeper's own alarms about its gateways",
                    expected: "another name")
            }
            if !tags.contains(where: pattern.overlaps), !routes.isEmpty {
                alarm.place(["tags"]).warn(
                    "alarm \"\(alarm.definition.name)\" watches \(alarm.definition.tags), which no route delivers",
                    expected: "tags of a route")
            }
            checkThatItCanFire(alarm)
        }
    }

    /// Limits are numbers: an alarm is blind on tags that have none, and beyond what a sensor can show.
    private func checkThatItCanFire(_ alarm: Located<AlarmDefinition>) {
        let pattern = TopicPattern(alarm.definition.tags)
        let name = "alarm \"\(alarm.definition.name)\""
        let watched = routes.filter { $0.definition.tagPatterns.contains(where: pattern.overlaps) }
        let blind = watched.filter { !$0.definition.canDeliverNumbers }
        if let route = blind.first {
            let place = "route \"\(route.definition.name)\" at \(route.value.location)"
            let what = "payload: \(route.definition.payload.name) of \(place) gives no numbers to compare with limits"
            if blind.count == watched.count {
                alarm.place(["tags"]).reportTolerated(
                    "\(name) can never fire: \(what)", expected: "tags of a route with payload json or number")
            } else {
                alarm.place(["tags"]).warn(
                    "\(name) never fires on some of its tags: \(what)",
                    expected: "tags of routes with payload json or number")
            }
        }
        let definition = alarm.definition
        for (key, limit, isHigh) in [
            ("high", definition.high, true), ("highHigh", definition.highHigh, true), ("low", definition.low, false),
            ("lowLow", definition.lowLow, false),
        ] {
            guard let limit = limit?.limit else { continue }
            // An earlier entry may give some of the tags another range.
            let rule = tags.first {
                $0.definition.traits.range != nil && TopicPattern($0.definition.tags).overlaps(pattern)
            }
            guard let rule, let range = rule.definition.traits.range,
                TopicPattern(rule.definition.tags).contains(pattern), isHigh ? limit >= range.high : limit <= range.low
            else { continue }
            alarm.place([key, "limit"]).warn(
                "\(name) never fires at its limit \(key): \(limit) is not within the range \(range.low) to \(range.high) of its tags, at \(rule.value.location)",
                expected: "a limit within the range")
        }
    }

    private func checkCommands() {
        let devices = routes.map(\.definition.devicePattern)
        let tags = routes.flatMap(\.definition.tagPatterns)
        for (index, command) in commands.enumerated() {
            let pattern = TopicPattern(command.definition.devices)
            for earlier in commands[..<index] where earlier.definition.name == command.definition.name {
                guard TopicPattern(earlier.definition.devices).overlaps(pattern) else { continue }
                command.place(["name"]).report(
                    "command \"\(command.definition.name)\" stands at \(earlier.value.location) already, for some of the same devices",
                    expected: "one command of a name for a device")
                break
            }
            if !devices.contains(where: pattern.overlaps), !routes.isEmpty {
                command.place(["devices"]).warn(
                    "command \"\(command.definition.name)\" is for \(command.definition.devices), which no route delivers",
                    expected: "devices of a route")
            }
            // A tag that never has a value refuses the command every time: better found now than at the machine.
            for tag in command.definition.interlock?.tags ?? [] where !routes.isEmpty {
                let text = tag.replacing("{device}", with: command.definition.devices.description)
                guard let filter = try? TopicFilter(text) else { continue }
                guard !tags.contains(where: TopicPattern(filter).overlaps) else {
                    checkThatSilenceShows(filter, in: command)
                    continue
                }
                command.place(["interlock"]).warn(
                    "the interlock of command \"\(command.definition.name)\" asks for \(text), which no route delivers: it will always refuse",
                    expected: "tags of a route")
            }
        }
    }
}

extension PlantSections {
    /// If nothing can make a value stale, a command could pass on an old one, so the gateway refuses the command.
    private func checkThatSilenceShows(_ input: TopicFilter, in command: Located<CommandDefinition>) {
        guard command.definition.interlockInputAge == nil else { return }
        let pattern = TopicPattern(input)
        for route in routes {
            guard let tags = route.definition.tagPatterns.first(where: pattern.overlaps) else { continue }
            if !route.definition.vouchesForItsTags {
                command.place(["interlock"]).reportTolerated(
                    "the interlock of command \"\(command.definition.name)\" refuses: nothing tells whether \(input) has fallen silent, because route \"\(route.definition.name)\" at \(route.value.location) has neither presence nor staleAfter with reporting",
                    expected: "one of them there, or interlockInputAge here")
                return
            }
            if tags.contains(pattern) { return }
        }
    }
}

extension ConfigurationValue {
    /// `file:line`, for a message elsewhere that refers to this place.
    var location: String { file.path + (node.mark.map { ":\($0.line)" } ?? "") }
}
