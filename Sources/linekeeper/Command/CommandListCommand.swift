import ArgumentParser
import Plant
import PlantClient

struct CommandListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show commands, open and finished, in the order in which they were requested.",
        discussion: """
            Finished commands are kept for two days at least, or for limits.historyAge when that is longer. When there \
            are more than limits.historyEntries, those that were refused go sooner; of more than 25,000 the oldest go.

            Examples:

              linekeeper command list
              linekeeper command list 'factory/line1/+' --open
              linekeeper command list --json | jq 'select(.state == "UNKNOWN")'
            """)

    @OptionGroup var tree: TreeOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var filter: FilterArgument

    @Flag(name: .long, help: "Only commands that are not finished.")
    var open = false

    func run() async throws {
        let filter = try filter.parsed()
        let listing = try await tree.withPlant { try await $0.commands() }
        let records = listing.records.filter { filter.matches($0.device) && (!open || !$0.state.isFinal) }
        for (id, mistake) in listing.malformed {
            Terminal.errorLine("the node of command \(printable(id)) is not a command record: \(mistake)")
        }
        if output.json {
            Terminal.write(records.map { "\($0.json)\n" }.joined())
        } else if records.isEmpty {
            Terminal.errorLine("no command matches")
        } else {
            let now = WallClock.now()
            var table = Table(
                columns: ["ID", "REQUESTED", "DEVICE", "COMMAND", "STATE", "BY", "DETAIL"].map { TableColumn($0) })
            table.rows = records.map { record in
                let parameters = HumanText.pairs(record.parameters)
                return [
                    TableCell(record.id), TableCell(HumanText.age(of: record.requestedAt, now: now), .dim),
                    TableCell(record.device.text),
                    TableCell(parameters.isEmpty ? record.command : "\(record.command) \(parameters)", .bold),
                    TableCell(CommandOutcome.state(of: record), CommandOutcome.style(of: record.state)),
                    TableCell(record.by.name),
                    TableCell(record.detail ?? ""),
                ]
            }
            Terminal.write(
                table.lines(width: Terminal.isInteractive ? Terminal.size.columns : nil).map { $0 + "\n" }.joined())
        }
    }
}
