import ArgumentParser
import Plant
import PlantClient

struct CommandCancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Withdraw a command that has not been sent yet.",
        discussion: """
            Examples:

              linekeeper command cancel stop-42

            Exit status 1 when it is too late.
            """)

    @OptionGroup var tree: TreeOptions
    @Argument(help: "The command's id.") var id: String
    @Option(name: .long, help: ArgumentHelp("Who withdraws it. Default: you.", valueName: "name"))
    var by: String = Person.current

    func run() async throws {
        let id = id
        let by = by
        let record = try await tree.withPlant { try await $0.cancelCommand(id, by: by, at: WallClock.now()) }
        switch record.state {
        case .cancelled: Terminal.line("cancelled \(printable(id))")
        case .requested: Terminal.line("asked for; its gateway has not done it yet (linekeeper status)")
        default: throw CommandFailure(.no, "too late: \(record.state.rawValue)")
        }
    }
}
