import ArgumentParser
import JSON
import OrderedCollections
import Plant
import ZooKeeperClient

struct AlarmsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alarms",
        abstract: "Show alarms, acknowledge one, or remove what nothing defines any more.",
        discussion: """
            Without a subcommand, the alarms that need attention: active ones, and ones that have cleared but that \
            nobody has acknowledged. States are those of ISA-18.2: UNACK active and unacknowledged, ACKED active and \
            acknowledged, RTNUN returned to normal unacknowledged, NORM normal.

            Examples:

              linekeeper alarms
              linekeeper alarms 'factory/line1/#' --watch
              linekeeper alarms --all
              linekeeper alarms ack factory/line1/press1/temperature overtemperature --comment "fan cleaned"
            """,
        subcommands: [AlarmsListCommand.self, AlarmsAckCommand.self, AlarmsForgetCommand.self],
        defaultSubcommand: AlarmsListCommand.self)
}

struct AlarmsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show alarms (this is the default).")

    @OptionGroup var tree: TreeOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var filter: FilterArgument

    @Flag(name: .shortAndLong, help: "Follow the changes: a live list on a terminal, one line a change elsewhere.")
    var watch = false

    @Flag(name: .shortAndLong, help: "Show alarms in the state NORM, too.")
    var all = false

    func run() async throws {
        // A followed list shows an alarm's return to normal, which is a change like any other.
        let isOnScreen = watch && Terminal.isInteractive && !output.json
        try await Listing.run(
            AlarmRow.listing(
                try filter.parsed(), normal: all || (watch && !isOnScreen), definitions: try Definitions(tree)),
            tree: tree, output: output, watch: watch,
            hint: all ? "none has ever been active" : "all is well (--all shows those that are normal)")
    }
}

/// One alarm as it stands.
struct AlarmRow: ListedRow {
    static let noun = "alarm"
    static let columns = [
        TableColumn("STATE"), TableColumn("PRIORITY"), TableColumn("TAG"), TableColumn("ALARM"),
        TableColumn("CONDITION"),
        TableColumn("VALUE", .right), TableColumn("LIMIT", .right), TableColumn("SINCE"), TableColumn("COUNT", .right),
        TableColumn("BY"),
    ]

    let record: AlarmRecord
    /// Whether the configuration does not define it.
    let isOrphaned: Bool

    static func listing(
        _ filter: TopicFilter, normal: Bool, definitions: Definitions
    ) -> TreeListing<AlarmRow> {
        TreeListing(root: TreeLayout.alarms) { path in
            path.split(separator: "/").last?.first == "@"
        } row: { _, node in
            guard let record = try? AlarmRecord(parsing: node.data ?? []), filter.matches(record.path.tag),
                normal || record.state != .normal
            else { return nil }
            return AlarmRow(record: record, isOrphaned: definitions.isOrphaned(alarm: record.path))
        }
    }

    var key: String { record.path.description }

    var json: JSONValue {
        guard isOrphaned, case .object(var members) = record.json else { return record.json }
        members[OrphanMark.member] = true
        return .object(members)
    }

    func cells(now: Milliseconds) -> [TableCell] {
        let condition = record.condition
        return [
            TableCell(record.state.rawValue, stateStyle), TableCell(record.priority.rawValue, priorityStyle),
            TableCell(record.path.tag.text),
            TableCell(OrphanMark.text(record.path.alarm, isOrphaned: isOrphaned), .bold),
            TableCell(condition.rawValue),
            TableCell(record.value.map(HumanText.number) ?? "–"), TableCell(record.limit.map(HumanText.number) ?? "–"),
            TableCell(HumanText.age(of: record.corrected.since ?? record.since, now: now)),
            TableCell("\(record.occurrence)"),
            TableCell([record.acknowledgedBy, record.comment].compactMap { $0 }.joined(separator: ": "), .dim),
        ]
    }

    func line(now: Milliseconds) -> String {
        let value = record.value.map(HumanText.number) ?? "–"
        let limit = record.limit.map { ", limit \(HumanText.number($0))" } ?? ""
        let by = record.acknowledgedBy.map { "  acknowledged by \($0)" } ?? ""
        return stateStyle.applied(to: record.state.rawValue)
            + printable(
                "  \(OrphanMark.text("\(record.path)", isOrphaned: isOrphaned))  \(record.condition.rawValue)  \(value)\(limit)  \(record.priority.rawValue)\(by)"
            )
    }

    private var stateStyle: Style {
        switch record.state {
        case .normal: .green
        case .unacknowledged, .latchedUnacknowledged: .alert
        case .acknowledged, .latchedAcknowledged: .yellow
        case .returnedUnacknowledged: .magenta
        case .shelved, .suppressedByDesign, .outOfService: .dim
        }
    }

    private var priorityStyle: Style {
        switch record.priority {
        case .critical: .alert
        case .high: .red
        case .medium: .yellow
        case .low: .dim
        }
    }
}
