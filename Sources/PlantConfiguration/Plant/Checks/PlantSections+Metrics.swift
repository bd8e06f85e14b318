import Plant

/// Whether what a command writes belongs to its devices.
extension PlantSections {
    /// Holds the topic of a command that writes a metric against the routes by which births are heard.
    func checkMetric(of command: Located<CommandDefinition>) {
        let definition = command.definition
        guard definition.metric != nil, !routes.isEmpty,
            let example = Self.example(of: definition.devices),
            let topic = definition.exampleTopic(for: example)
        else { return }
        let devices = routes.compactMap { $0.definition.device(writtenOn: topic) }
        guard let device = devices.first else {
            command.place(["topic"]).warn(
                "command \"\(definition.name)\" writes to \(topic), and no route hears births from there: it will wait for one in vain",
                expected: "a route with payload: sparkplug for that group")
            return
        }
        if !devices.contains(example) {
            command.place(["topic"]).warn(
                "command \"\(definition.name)\" is for \(example), and what it writes belongs to \(device)",
                expected: "devices and topic with the same names at the same places")
        }
    }

    /// A device whose levels are called as their names are; nil when it may have any number of levels.
    private static func example(of devices: CommandDevices) -> TagPath? {
        var levels: [String] = []
        for level in TopicPattern(devices).levels {
            switch level {
            case .literal(let text): levels.append(text)
            case .any: levels.append("*\(levels.count + 1)")
            case .rest: return nil
            }
        }
        if let template = devices.template {
            for (position, level) in template.levels.enumerated() {
                if case .capture(let name) = level { levels[position] = "{\(name)}" }
            }
        }
        return try? TagPath(levels: levels)
    }
}
