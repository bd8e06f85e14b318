import ArgumentParser
import Plant
import PlantClient

struct AlarmsAckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ack",
        abstract: "Acknowledge an alarm: say that somebody has seen it and sees to it.",
        discussion: """
            The request goes to the active alarm processor, which records it with your name in the journal. With \
            --event, only that occurrence is acknowledged: should the alarm have come back meanwhile, the answer is no.

            Examples:

              linekeeper alarms ack factory/line1/press1/temperature overtemperature
              linekeeper alarms ack factory/line1/press1/temperature overtemperature --by ann --comment "fan cleaned"

            Exit status 1 when there is no such alarm or nothing to acknowledge.
            """)

    @OptionGroup var tree: TreeOptions

    @Argument(help: "The tag, as the listing shows it.")
    var tag: String

    @Argument(help: "The alarm's name.")
    var alarm: String

    @Option(name: .long, help: ArgumentHelp("Only this occurrence (eventId in --json).", valueName: "id"))
    var event: String?

    @Option(name: .long, help: ArgumentHelp("Who acknowledges. Default: you.", valueName: "name"))
    var by: String = Person.current

    @Option(name: .long, help: ArgumentHelp("What to remember about it.", valueName: "text"))
    var comment: String?

    func run() async throws {
        let operation = AlarmOperation(.acknowledge, .alarm(alarm, tag: tag), eventID: event, comment: comment)
        let by = by
        let answer = try await tree.withPlant { try await $0.ask(operation, by: by, at: WallClock.now()) }
        guard answer.result == .done else {
            throw CommandFailure(.no, "not acknowledged: \(printable(answer.reason ?? "refused"))")
        }
        Terminal.line("acknowledged \(printable(alarm)) on \(printable(tag))")
    }
}
