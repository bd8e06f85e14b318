import ArgumentParser
import Plant
import PlantClient

struct JournalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal",
        abstract: "Show what has been recorded: alarms, commands, operators' acts, changes of ownership.",
        discussion: """
            Entries are made in the same transaction as the change that they record, in one order for the whole plant.

            Kinds: alarm holds each step of an alarm, acknowledgements and removals included; command holds the states \
            of commands, and who was refused; operator holds only removed tags and devices; ownership holds changes of \
            the active alarm processor.

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

    @Flag(
        name: [.short, .long, .customShort("w"), .customLong("watch")],
        help: "Go on with what is recorded from now on, until Ctrl-C.")
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
            try await untilInterrupted {
                try await command.tree.withPlant { plant in
                    try await sayingSilence(of: plant) {
                        try await plant.followJournal(last: command.count, kind: command.entryKind) {
                            command.print($0)
                        }
                    }
                }
            }
        } else {
            let excerpt = try await tree.withPlant {
                try await $0.journal(last: command.count, kind: command.entryKind)
            }
            print(excerpt.entries)
            guard excerpt.entries.isEmpty, !output.json else { return }
            let nothing = kind == nil ? "no entry can be read" : "no entry of that kind"
            Terminal.errorLine(excerpt.isJournalEmpty ? "nothing has been recorded yet" : nothing)
        }
    }

    private var count: Int? { last == 0 ? nil : last }
    private var entryKind: JournalEntry.Kind? { kind.map(JournalEntry.Kind.init(rawValue:)) }

    private func print(_ entries: [NumberedEntry]) {
        for entry in entries { Terminal.line(output.json ? "\(entry.json)" : JournalLine.text(entry.entry)) }
    }
}
