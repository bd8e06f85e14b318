extension PlantDefinition {
    /// The topics on which devices answer commands.
    ///
    /// - Throws: what is no filter; a checked configuration has none.
    package func answerFilters() throws(TopicFilter.Mistake) -> [TopicFilter] {
        var filters: [TopicFilter] = []
        for text in Set(commands.compactMap(\.answerFilter)).sorted() { filters.append(try TopicFilter(text)) }
        return filters
    }

    /// The topics on which commands are published. A command for devices of any number of levels is left out: its filter would
    /// take in more than the commands.
    package var commandFilters: [TopicFilter] {
        commands.compactMap { command in
            let filter = command.topic.filter(devices: command.devices)
            return filter.utf8.contains(UInt8(ascii: "#")) ? nil : try? TopicFilter(filter)
        }
    }
}
