import ArgumentParser
import Plant
import PlantClient

struct CommandShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one command: what was asked, by whom, and what became of it.",
        discussion: """
            Examples:

              linekeeper command show stop-42
              linekeeper command show stop-42 --json
            """)

    @OptionGroup var tree: TreeOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The command's id.") var id: String

    func run() async throws {
        let id = id
        guard let record = try await tree.withPlant({ try await $0.command(id) }) else {
            throw CommandFailure(.no, "there is no command \(printable(id)) (linekeeper command list)")
        }
        if output.json {
            Terminal.line("\(record.json)")
            return
        }
        var table = Table(columns: [TableColumn(""), TableColumn("")])
        func row(_ name: String, _ text: String?) {
            if let text, !text.isEmpty { table.rows.append([TableCell(name, .dim), TableCell(text)]) }
        }
        row("command", record.command)
        row("device", record.device.text)
        row("parameters", HumanText.pairs(record.parameters))
        row("state", CommandOutcome.state(of: record))
        row("detail", record.detail)
        row("requested", "\(ClockText.text(record.requestedAt)) by \(record.by)")
        row("deadline", record.deadline.map(ClockText.text))
        row("sent", record.sentAt.map { "\(ClockText.text($0)), attempt \(record.attempt)" })
        row(
            "finished",
            record.finishedAt.map { "\(ClockText.text($0)), after \(HumanText.span($0 &- record.requestedAt))" })
        row("execution", record.execution?.rawValue)
        row("answer", record.result.map { "\($0)" })
        row("gateway", record.gateway.map { "\($0)\(record.epoch.map { ", epoch \($0)" } ?? "")" })
        row("cancel asked", record.cancelRequestedBy?.name)
        Terminal.write(table.lines().map { $0 + "\n" }.joined())
    }
}
