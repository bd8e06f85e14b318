import ArgumentParser
import Plant
import PlantClient

struct AlarmsForgetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Remove an alarm that nothing defines any more, or whose tag is gone.",
        discussion: """
            The record goes from the tree and from the broker, and the journal says who wanted it. An alarm that is \
            defined stays while its tag is known: forget its tag or device, which takes its alarms with it. Should the \
            tag be heard again beyond a limit, the alarm is raised again.

            Examples:

              linekeeper alarms forget factory/line1/press1/temperature overtemperature
              linekeeper alarms forget --orphaned 'factory/line1/#'

            Exit status 1 when something was refused.
            """)

    @OptionGroup var tree: TreeOptions
    @OptionGroup var options: ForgetOptions

    @Argument(help: "The tag, as the listing shows it; with --orphaned a filter.")
    var tag: String?

    @Argument(help: "The alarm's name.")
    var alarm: String?

    func validate() throws {
        guard options.orphaned == (alarm == nil), options.orphaned || tag != nil else {
            throw ValidationError("say which alarm: its tag and its name, or --orphaned")
        }
        try Forgetting.check([tag, alarm])
    }

    func run() async throws {
        if let tag, let alarm {
            try await Forgetting.run([.alarm(alarm, tag: tag)], options, tree)
        } else {
            try await Forgetting.run(tag, options, tree) { Selection.alarms($0, normal: true, definitions: $1) }
        }
    }
}
