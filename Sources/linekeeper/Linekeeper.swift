import ArgumentParser
import Gateway

/// `linekeeper`: the program. Each subcommand is a file of its own.
@main
struct Linekeeper: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "linekeeper",
        abstract: "Keeps a production line watched: bridges MQTT sensors into a ZooKeeper tree, alarms, and commands.",
        discussion: """
            Linekeeper runs next to an MQTT broker, on one machine or on several. What sensors publish stands in the \
            tree; one gateway, elected through the tree, raises and clears the alarms; operators' commands go through \
            the tree to the devices and their answers come back.

            Try it on this machine, each in a terminal of its own:

              linekeeper run                    a gateway, with the tree inside
              linekeeper simulate               a small plant that publishes sensors and obeys commands
              linekeeper tags --watch           the latest values
              linekeeper alarms --watch         the alarms
              linekeeper command send factory/line1/conveyor1 setSpeed rpm=1200

            Every subcommand but tree serve and tree restore takes --config FILE; without it the configuration is \
            $LINEKEEPER_CONFIG, else bridge-config/linekeeper.yaml here, else /etc/linekeeper/linekeeper.yaml. Every \
            listing takes --json.

            Exit status: 0 done; 1 the answer is no (command failed, alarm not found, configuration wrong); \
            2 wrong usage; 3 the tree or the broker cannot be reached.
            """,
        version: Gateway.version,
        groupedSubcommands: [
            CommandGroup(name: "Gateway", subcommands: [RunCommand.self, CheckCommand.self, DrainCommand.self]),
            CommandGroup(
                name: "Looking and acting",
                subcommands: [
                    StatusCommand.self, TagsCommand.self, DevicesCommand.self, AlarmsCommand.self, CommandCommand.self,
                    JournalCommand.self, TreeCommand.self,
                ]),
            CommandGroup(name: "Trying out", subcommands: [SimulateCommand.self, ReplayCommand.self]),
        ])

    static func main() async {
        Terminal.prepare()
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            ExitStatus.leave(after: error)
        }
    }
}
