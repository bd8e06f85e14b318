import ArgumentParser
import Plant
import PlantClient
import ZooKeeperClient

struct CommandListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show commands, open and finished, in the order in which they were requested.",
        discussion: """
            Finished commands are kept for a day by default.

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
        let listing = try await tree.withTree { try await CommandClient(client: $0).list() }
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
                let parameters = record.parameters.map { "\($0.key)=\(HumanText.value($0.value))" }.joined(
                    separator: " ")
                let style: Style? =
                    switch record.state {
                    case .succeeded: .green
                    case .requested, .sent: .cyan
                    case .cancelled, .expired: .yellow
                    case .rejected, .failed, .timedOut, .unknown: .red
                    }
                return [
                    TableCell(record.id), TableCell(HumanText.age(of: record.requestedAt, now: now), .dim),
                    TableCell(record.device.text),
                    TableCell(parameters.isEmpty ? record.command : "\(record.command) \(parameters)", .bold),
                    TableCell(record.state.rawValue, style), TableCell(record.by), TableCell(record.detail ?? ""),
                ]
            }
            Terminal.write(
                table.lines(width: Terminal.isInteractive ? Terminal.size.columns : nil).map { $0 + "\n" }.joined())
        }
    }
}

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
        let record = try await CommandFailure.translating {
            try await tree.withTree { try await CommandClient(client: $0).show(id) }
        }
        guard let record else {
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
        row("parameters", record.parameters.map { "\($0.key)=\(HumanText.value($0.value))" }.joined(separator: " "))
        row("state", record.state.rawValue)
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
        row("cancel asked", record.cancelRequestedBy)
        Terminal.write(table.lines().map { $0 + "\n" }.joined())
    }
}

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
        let record = try await CommandFailure.translating {
            try await tree.withTree { client in
                let commands = CommandClient(client: client)
                try await commands.cancel(id, by: by, at: WallClock.now())
                return try await commands.wait(id, until: .now + .seconds(5))
            }
        }
        switch record.state {
        case .cancelled: Terminal.line("cancelled \(printable(id))")
        case .requested:
            Terminal.line("asked for; no gateway has taken note of it yet (linekeeper status)")
        default: throw CommandFailure(.no, "too late: \(record.state.rawValue)")
        }
    }
}

extension CommandFailure {
    /// What a command client refuses is an answer, and the answer is no.
    static func translating<Result>(_ work: () async throws -> Result) async throws -> Result {
        do { return try await work() } catch let failure as CommandClient.Failure {
            throw CommandFailure(.no, "\(failure)")
        }
    }
}
