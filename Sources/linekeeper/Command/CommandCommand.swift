import ArgumentParser

struct CommandCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "command",
        abstract: "Send commands to devices, and see what became of them.",
        discussion: """
            A command goes through the tree: it is recorded under its id before it is sent, sent by the gateway that \
            owns the device, and its record shows how it went. Which commands there are, for which devices and with \
            which parameters, is in the configuration.

            States: REQUESTED, SENT, then SUCCEEDED, PUBLISHED (the device never answers), FAILED, REJECTED (parameters, \
            interlock), EXPIRED (never left), CANCELLED, TIMED_OUT or UNKNOWN (sent, but nobody can say whether the device \
            has done it). Behind it VERIFIED or MISMATCH: what the tag says that tells of the command.

            Examples:

              linekeeper command send factory/line1/conveyor1 setSpeed rpm=1200
              linekeeper command list
            """,
        subcommands: [
            CommandSendCommand.self, CommandListCommand.self, CommandShowCommand.self, CommandCancelCommand.self,
        ])
}
