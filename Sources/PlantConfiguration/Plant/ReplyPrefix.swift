import Plant

/// A prefix of topics on which requesters may have their answers. It is local, and what lies below it is the plant's, so the
/// two are held against each other here.
enum ReplyPrefix {
    /// The first route or command that would take answers below `prefix` for samples, commands or what devices answer.
    static func taker(of prefix: String, in plant: PlantDefinition) -> String? {
        let pattern = TopicPattern(
            levels: prefix.split(separator: "/", omittingEmptySubsequences: false).dropLast()
                .map { .literal(String($0)) } + [.rest])
        for route in plant.routes {
            let topics = route.subscriptionFilters.map { TopicPattern($0) }
            if topics.contains(where: pattern.overlaps) { return "route \"\(route.name)\"" }
        }
        for command in plant.commands {
            let topics = [command.topic.filter(devices: command.devices), command.answerFilter].compactMap(\.self)
                .compactMap { try? TopicFilter($0) }
            if topics.contains(where: { pattern.overlaps(TopicPattern($0)) }) { return "command \"\(command.name)\"" }
        }
        return nil
    }
}
