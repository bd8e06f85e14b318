import Plant
import Primitives
import Yams

/// One element of `alarms`.
enum AlarmSection {
    static let keys = [
        "name", "tags", "high", "highHigh", "low", "lowLow", "deadband", "onDelay", "offDelay", "message",
    ]

    static func read(_ value: ConfigurationValue) -> AlarmDefinition? {
        let label = value.place(["name"]).node.scalar?.string
        let value = value.renamed(label.map { "alarm \"\(ConfigurationValue.label($0))\"" } ?? value.name)
        guard let section = value.section(keys: keys) else { return nil }
        let name = section.required("name", "a name for the alarm")?.string()
        let tags = section.required("tags", "a filter such as factory/+/+/temperature").flatMap { $0.topicFilter() }
        var isComplete = true
        /// nil when the key is not there, and when it is wrong: then it has been reported.
        func read<Part>(_ key: String, _ reader: (ConfigurationValue) -> Part?) -> Part? {
            guard let value = section[key] else { return nil }
            let part = reader(value)
            if part == nil { isComplete = false }
            return part
        }
        let high = read("high", limit)
        let highHigh = read("highHigh", limit)
        let low = read("low", limit)
        let lowLow = read("lowLow", limit)
        let deadband = read("deadband") { $0.number() }
        let longest = Duration.milliseconds(AlarmDefinition.delayLimit)
        let onDelay = read("onDelay") { $0.duration(in: .zero...longest)?.wholeMilliseconds }
        let offDelay = read("offDelay") { $0.duration(in: .zero...longest)?.wholeMilliseconds }
        let message = read("message") { $0.string() }
        guard isComplete, let name, let tags else { return nil }
        let alarm = AlarmDefinition(
            name: name, tags: tags, high: high, highHigh: highHigh, low: low, lowLow: lowLow, deadband: deadband ?? 0,
            onDelay: onDelay ?? 0, offDelay: offDelay ?? 0, message: message)
        let mistakes = alarm.mistakes
        for mistake in mistakes {
            let keyPath = mistake.field == .alarm ? [] : [mistake.field.rawValue]
            let key = keyPath.isEmpty ? "" : " \(mistake.field.rawValue)"
            value.place(keyPath).report("\(value.name)\(key): \(mistake.reason)")
        }
        return mistakes.isEmpty ? alarm : nil
    }

    private static func limit(_ value: ConfigurationValue) -> AlarmLimit? {
        guard let section = value.section(keys: ["limit", "priority"]),
            let limit = section.required("limit", "the value beyond which the alarm is active")?.number()
        else { return nil }
        guard let given = section["priority"] else { return AlarmLimit(limit: limit, priority: .medium) }
        guard let priority = given.choice(AlarmPriority.allCases.map { ($0.rawValue, $0) }) else { return nil }
        return AlarmLimit(limit: limit, priority: priority)
    }
}
