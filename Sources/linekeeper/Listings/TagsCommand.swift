import ArgumentParser

struct TagsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tags",
        abstract: "Show the latest value of tags, or remove one.",
        discussion: """
            A tag is one sensor's value; its name is the MQTT topic that it comes from. Its quality is good, uncertain \
            (kept by the broker from earlier, its time cannot be read, or its device's clock is in doubt), bad (the \
            last message could not be understood) or stale (its device, or this tag alone, has been silent for too \
            long). With --json, each tag also has the description, area and range that the configuration gives it.

            Examples:

              linekeeper tags
              linekeeper tags 'factory/line1/#' --watch
              linekeeper tags '+/+/+/temperature' --json
              linekeeper tags forget factory/line1/press1/temperature
            """,
        subcommands: [TagsListCommand.self, TagsForgetCommand.self], defaultSubcommand: TagsListCommand.self)
}
