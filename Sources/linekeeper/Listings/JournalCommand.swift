import ArgumentParser
import JSON
import OrderedCollections
import Plant
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

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

    func validate() throws {
        guard last >= 0 else { throw ValidationError("--last is \(last), must be 0 (all) or more") }
        let kinds = ["alarm", "command", "operator", "ownership"]
        if let kind, !kinds.contains(kind) {
            throw ValidationError("--kind is \(kind), must be one of \(kinds.joined(separator: ", "))")
        }
    }

    func run() async throws {
        let command = self
        if follow {
            try await untilInterrupted { try await command.tree.withTree { try await command.follow($0) } }
        } else {
            try await tree.withTree { client in
                let numbers = try await Self.numbers(client)
                try await command.printLatest(numbers, client)
                if numbers.isEmpty, !command.output.json { Terminal.errorLine("nothing has been recorded yet") }
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
        try await printLatest(numbers, client)
        var printed = numbers.last ?? -1
        for try await element in watch {
            var new: [Int64]
            switch element {
            case .gap: new = try await Self.numbers(client)
            case .event(let event):
                guard event.type == .nodeCreated, let name = event.path.split(separator: "/").last else { continue }
                new = [TreeLayout.journalSequence(ofNode: String(name))].compactMap(\.self)
            }
            new.removeAll { $0 <= printed }
            for line in try await lines(new[...], client) { Terminal.line(line) }
            printed = new.last ?? printed
        }
    }

    /// The latest entries of the wanted kind, read from the end until there are enough.
    private func printLatest(_ numbers: [Int64], _ client: ZooKeeperClient) async throws {
        var left = numbers[...]
        var found: [String] = []
        while !left.isEmpty, last == 0 || found.count < last {
            let part = left.suffix(last == 0 ? left.count : max(last, 512))
            left = left.dropLast(part.count)
            found = try await lines(part, client) + found
        }
        for line in found.suffix(last == 0 ? .max : last) { Terminal.line(line) }
    }

    private func lines(_ numbers: ArraySlice<Int64>, _ client: ZooKeeperClient) async throws -> [String] {
        let paths = numbers.map { number in
            let digits = "\(number)"
            return TreeLayout.journalEntryPrefix + String(repeating: "0", count: max(0, 10 - digits.count)) + digits
        }
        return zip(numbers, try await TreeWalk(client: client).data(of: paths)).compactMap { number, node in
            guard let data = node?.data, let entry = try? JournalEntry(parsing: data) else { return nil }
            guard kind == nil || entry.kind.rawValue == kind else { return nil }
            guard output.json else { return JournalLine.text(entry) }
            var members = entry.json.objectValue ?? [:]
            members["sequence"] = .integer(number)
            return "\(JSONValue.object(members))"
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
        if let alarm = try? entry.alarmRecord() {
            let value = alarm.value.map(HumanText.number) ?? "–"
            return "\(transition) \(alarm.path)  \(alarm.condition) at \(value)  → \(alarm.state)"
        }
        if case .alarm(let alarm)? = try? entry.forgotten() {
            let was = entry.details["was"]?.stringValue.map { "  was \($0)" } ?? ""
            return "\(transition) \(alarm.path)\(was)"
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
