import ArgumentParser
import Gateway
import OrderedCollections
import Plant
import ZooKeeperClient
import ZooKeeperProtocol

struct JournalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal",
        abstract: "Show what has been recorded: alarms, commands, operators' acts, changes of ownership.",
        discussion: """
            Entries are made in the same transaction as the change that they record, in one order for the whole plant.

            Examples:

              linekeeper journal
              linekeeper journal --last 200 --kind alarm
              linekeeper journal --follow --json
            """)

    @OptionGroup var tree: TreeOptions
    @OptionGroup var output: OutputOptions

    @Option(name: .shortAndLong, help: ArgumentHelp("How many of the latest entries; 0 for all.", valueName: "n"))
    var last = 50

    @Option(
        name: .long,
        help: ArgumentHelp("Only entries of this kind: alarm, command, operator or ownership.", valueName: "kind"))
    var kind: String?

    @Flag(name: .shortAndLong, help: "Go on with what is recorded from now on, until Ctrl-C.")
    var follow = false

    func run() async throws {
        let command = self
        if follow {
            try await untilInterrupted { try await command.tree.withTree { try await command.follow($0) } }
        } else {
            try await tree.withTree { client in
                let numbers = try await Self.numbers(client)
                try await command.print(numbers.suffix(command.last > 0 ? command.last : .max), client)
                if numbers.isEmpty, !command.output.json { Terminal.writeError("nothing has been recorded yet\n") }
            }
        }
    }

    /// Sequence numbers in the order of recording. The server's counter wraps around after 2³¹ entries, far beyond what is kept.
    private static func numbers(_ client: ZooKeeperClient) async throws -> [Int64] {
        do {
            return try await client.getChildren(TreeLayout.journal).compactMap(TreeLayout.journalSequence(ofNode:))
                .sorted()
        } catch let error as ZooKeeperError where error.code == .noNode {
            return []
        }
    }

    private func follow(_ client: ZooKeeperClient) async throws {
        // Watched before the first reading, so that nothing falls between.
        let watch = try await client.addWatch(TreeLayout.journal, mode: .persistentRecursive)
        let numbers = try await Self.numbers(client)
        try await print(numbers.suffix(last > 0 ? last : .max), client)
        var printed = numbers.last ?? -1
        for try await element in watch {
            if case .event(let event) = element, event.type != .nodeCreated { continue }
            let new = try await Self.numbers(client).filter { $0 > printed }
            try await print(new[...], client)
            printed = new.last ?? printed
        }
    }

    private func print(_ numbers: ArraySlice<Int64>, _ client: ZooKeeperClient) async throws {
        let paths = numbers.map { number in
            let digits = "\(number)"
            return TreeLayout.journalEntryPrefix + String(repeating: "0", count: max(0, 10 - digits.count)) + digits
        }
        for (number, node) in zip(numbers, try await TreeWalk(client: client).data(of: paths)) {
            guard let data = node?.data, let entry = try? JournalEntry(parsing: data) else { continue }
            guard kind == nil || entry.kind.rawValue == kind else { continue }
            if output.json {
                var members = entry.json.objectValue ?? [:]
                members["sequence"] = .integer(number)
                Terminal.line("\(JSONValue.object(members))")
            } else {
                Terminal.line(JournalLine.text(entry))
            }
        }
    }
}

/// One entry of the journal as a line.
enum JournalLine {
    static func text(_ entry: JournalEntry) -> String {
        let time = Style.dim.applied(to: ClockText.text(entry.at))
        let who = entry.by.map { " by \($0)" } ?? ""
        return
            "\(time)  \(kind(entry))  \(printable(what(entry)))\(printable(who))  \(Style.dim.applied(to: printable(entry.gateway)))"
    }

    private static func kind(_ entry: JournalEntry) -> String {
        let word = entry.kind.rawValue.padded(to: 9)
        switch entry.kind {
        case .alarm: return Style.red.applied(to: word)
        case .command: return Style.blue.applied(to: word)
        case .operator: return Style.cyan.applied(to: word)
        default: return Style.dim.applied(to: word)
        }
    }

    /// `factory/line1/conveyor1 setSpeed rpm=1200  c-42`, and why when it did not work.
    private static func command(_ details: OrderedDictionary<String, JSONValue>) -> String? {
        guard let id = details["id"]?.stringValue, let device = details["device"]?.stringValue,
            let name = details["command"]?.stringValue
        else { return nil }
        let parameters = (details["parameters"]?.objectValue ?? [:]).map { " \($0.key)=\(HumanText.value($0.value))" }
            .joined()
        let detail = details["detail"]?.stringValue.map { "  \($0)" } ?? ""
        return "\(device) \(name)\(parameters)  \(id)\(detail)"
    }

    private static func what(_ entry: JournalEntry) -> String {
        let transition = (entry.transition ?? "").padded(to: 10)
        if let alarm = try? entry.alarmTransition()?.record {
            let value = alarm.value.map(HumanText.number) ?? "–"
            return "\(transition) \(alarm.path)  \(alarm.condition) at \(value)  → \(alarm.state)"
        }
        if entry.kind == .command, let command = command(entry.details) { return "\(transition) \(command)" }
        let details = entry.details.filter { !["gateway", "epoch"].contains($0.key) }
            .map { "\($0.key)=\(HumanText.value($0.value))" }.joined(separator: " ")
        return "\(transition) \(details)"
    }
}

extension String {
    /// Filled up with spaces on the right.
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
