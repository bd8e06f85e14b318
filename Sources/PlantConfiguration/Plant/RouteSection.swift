import Plant
import Primitives
import Yams

/// One element of `routes`.
enum RouteSection {
    static let keys = [
        "name", "topic", "continue", "device", "tag", "payload", "each", "value", "values", "time", "quality", "unit",
        "units",
        "staleAfter",
        "reporting",
        "deadband", "presence", "flapping",
    ]

    /// How long something may be silent.
    private static let silence: ClosedRange<Duration> = .milliseconds(100) ... .seconds(366 * 86400)

    static func read(_ value: ConfigurationValue) -> RouteDefinition? {
        let name = value.place(["name"]).node.scalar?.string
        let value = value.renamed(name.map { "route \"\(ConfigurationValue.label($0))\"" } ?? value.name)
        guard let section = value.section(keys: keys) else { return nil }
        let topic = section.required("topic", "a topic such as factory/{line}/{machine}/{metric}")?.string()
        let payload = section.required("payload", RouteDefinition.Payload.alternatives).flatMap(payload)
        let routeName = section.required("name", "a name for the route")?.string()
        var draft = RouteDraft(name: routeName ?? "", topic: topic ?? "")
        draft.continues = section["continue"]?.boolean() ?? false
        draft.device = section["device"]?.string()
        draft.tag = section["tag"]?.string()
        draft.payload = payload ?? .json
        draft.value = section["value"].flatMap(ValueSection.one)
        draft.values = section["values"].map(ValueSection.several) ?? []
        draft.each = section["each"].flatMap(each)
        if let time = section["time"] { read(time, into: &draft) }
        draft.quality = section["quality"].flatMap(QualitySection.read)
        draft.unit = section["unit"]?.string()
        draft.units = section["units"].map { strings($0, of: "tag filters with their units") } ?? []
        draft.staleAfter = section["staleAfter"]?.duration(in: silence)?.wholeMilliseconds
        draft.reporting = section["reporting"]?.choice(RouteDefinition.Reporting.allCases.map { ($0.rawValue, $0) })
        for (key, width) in section["deadband"]?.entries(of: "tag filters with the smallest change that counts") ?? [] {
            guard let filter = key.text("a tag filter"), let deadband = deadband(width) else { continue }
            draft.deadband.append(.init(filter, deadband))
        }
        if let presence = section["presence"] { draft.presence = Self.presence(presence) }
        draft.flapping = section["flapping"].flatMap(flapping)
        do throws(RouteDraft.Mistakes) {
            let route = try draft.checked()
            return topic == nil || payload == nil || routeName == nil ? nil : route
        } catch {
            for mistake in error.all where !isReported(mistake, topic: topic, name: routeName) {
                value.place(mistake.field.keyPath)
                    .report("\(value.name): \(mistake.field.keyPath.joined(separator: ".")) \(mistake.reason)")
            }
            return nil
        }
    }

    /// Whether the reading above has said so already.
    private static func isReported(_ mistake: RouteMistake, topic: String?, name: String?) -> Bool {
        switch mistake.field {
        case .topic: topic == nil
        case .device, .tag: topic == nil
        case .name: name == nil
        default: false
        }
    }

    private static func payload(_ value: ConfigurationValue) -> RouteDefinition.Payload? {
        value.choice(RouteDefinition.Payload.allCases.map { ($0.rawValue, $0) })
    }

    /// A number, a number in percent, or a mapping with one of them.
    private static func deadband(_ value: ConfigurationValue) -> RouteDraft.Deadband? {
        guard case .mapping = value.node else { return change(value) }
        guard let section = value.section(keys: ["change", "atLeastEvery"]),
            var deadband = section.required("change", expectedChange).flatMap(change)
        else { return nil }
        deadband.maximumSilence = section["atLeastEvery"]?.duration(in: silence)?.wholeMilliseconds
        return deadband
    }

    private static let expectedChange = "a number, or such as 0.5 % (of the tag's range)"

    private static func change(_ value: ConfigurationValue) -> RouteDraft.Deadband? {
        guard let text = value.text(expectedChange) else { return nil }
        let isPercent = text.hasSuffix("%")
        var number = isPercent ? text.dropLast() : text[...]
        while number.last == " " { number.removeLast() }
        guard let change = Double(number), change.isFinite else {
            value.report("\(value.name) is \"\(text)\"", expected: expectedChange)
            return nil
        }
        return RouteDraft.Deadband(change: change, isPercent: isPercent)
    }

    /// A place; empty, in quotes, for the whole document.
    private static func each(_ value: ConfigurationValue) -> String? {
        if case .scalar(let scalar) = value.node, scalar.style != .plain, scalar.string.isEmpty { return "" }
        return value.text("where the samples of a message are, such as /data, or \"\" for the whole document")
    }

    /// A place, or a mapping with one.
    private static func read(_ time: ConfigurationValue, into draft: inout RouteDraft) {
        var place: String?
        if case .scalar = time.node {
            place = time.string()
        } else if let section = time.section(keys: ["at", "unit", "zone"]) {
            draft.timeZone = section["zone"].flatMap(zone)
            draft.timeUnit = section["unit"]?.choice(TimeUnit.allCases.map { ($0.rawValue, $0) })
            // A point of line protocol has its time behind its fields.
            let value =
                draft.payload == .lines ? section["at"] : section.required("at", "a JSON Pointer such as /ts")
            place = value?.string()
        }
        // No place: a JSON Pointer begins with a slash.
        draft.isTimeName = place == "name"
        draft.time = draft.isTimeName ? nil : place
    }

    private static func zone(_ value: ConfigurationValue) -> LocalZone? {
        guard let name = value.text("a time zone such as Europe/Berlin") else { return nil }
        do throws(TimeZoneName.Mistake) {
            return LocalZone(name: name, rules: try value.document.zones.rules(ofZone: name))
        } catch {
            value.report("\(value.name): \(name) \(error)", expected: "a time zone such as Europe/Berlin")
            return nil
        }
    }

    private static func strings(_ value: ConfigurationValue, of expected: String) -> [RouteDraft.Entry<String>] {
        (value.entries(of: expected) ?? []).compactMap { key, value in
            guard let name = key.text("text"), let text = value.string() else { return nil }
            return .init(name, text)
        }
    }

    private static func presence(_ value: ConfigurationValue) -> RouteDraft.Presence? {
        guard let section = value.section(keys: ["topic", "online", "offline", "value", "heartbeat"]),
            let topic = section.required("topic", "the topic of a device's own word, such as \"{device}/status\"")?
                .string()
        else { return nil }
        var presence = RouteDraft.Presence(topic: topic)
        presence.online = section["online"]?.string()
        presence.offline = section["offline"]?.string() ?? presence.offline
        presence.value = section["value"]?.string()
        presence.heartbeat = section["heartbeat"]?.duration(in: silence)?.wholeMilliseconds
        return presence
    }

    /// `off`, or a mapping; what that leaves out is as usual.
    private static func flapping(_ value: ConfigurationValue) -> FlappingDamping? {
        if case .scalar = value.node { return value.choice([("off", .off)]) }
        guard let section = value.section(keys: ["losses", "within", "steadyFor"]) else { return nil }
        var rule = FlappingRule.standard
        rule.losses = section["losses"]?.integer(in: FlappingRule.lossesRange) ?? rule.losses
        rule.within = section["within"]?.duration(in: silence)?.wholeMilliseconds ?? rule.within
        rule.steadyFor = section["steadyFor"]?.duration(in: silence)?.wholeMilliseconds ?? rule.steadyFor
        return .rule(rule)
    }
}
