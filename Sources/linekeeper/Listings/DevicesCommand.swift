import ArgumentParser
import JSON
import OrderedCollections
import Plant
import ZooKeeperClient

/// A device and whether it is there.
struct DeviceRow: ListedRow {
    static let noun = "device"
    static let columns = [
        TableColumn("DEVICE"), TableColumn("STATE"), TableColumn("SINCE"), TableColumn("ROUTE"),
        TableColumn("FIRST SEEN"),
    ]

    let record: DeviceRecord
    let json: JSONValue
    /// Whether the configuration has no route that makes it.
    let isOrphaned: Bool

    static func listing(_ filter: TopicFilter, definitions: Definitions) -> TreeListing<DeviceRow> {
        TreeListing(root: TreeLayout.devices) { path in
            TreePath.topic(ofNode: path, below: TreeLayout.devices).map(filter.matches) ?? false
        } row: { _, node in
            guard let data = node.data, let record = DeviceRecord(data: data),
                var members = try? JSONValue(parsing: data).objectValue
            else { return nil }
            let isOrphaned = (try? TagPath(record.device)).map(definitions.isOrphaned(device:)) ?? false
            if isOrphaned { members[OrphanMark.member] = true }
            return DeviceRow(record: record, json: .object(members), isOrphaned: isOrphaned)
        }
    }

    var key: String { record.device }

    func cells(now: Milliseconds) -> [TableCell] {
        let state =
            switch record.state {
            case .online: TableCell("online", .green)
            case .offline: TableCell("offline", .red)
            case .stale: TableCell("stale", .yellow)
            }
        return [
            TableCell(OrphanMark.text(record.device, isOrphaned: isOrphaned)), state,
            TableCell(HumanText.age(of: record.since, now: now)),
            TableCell(record.route), TableCell(HumanText.age(of: record.firstSeen, now: now), .dim),
        ]
    }

    func line(now: Milliseconds) -> String {
        printable("\(OrphanMark.text(record.device, isOrphaned: isOrphaned))  \(record.state.rawValue)")
    }
}

struct DevicesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "devices",
        abstract: "Show which devices are known and which are there, or remove one.",
        discussion: """
            A device becomes known with its first message. It is online while it is heard, offline when its own last \
            will (the route's presence topic) says so, and stale when it has been silent for longer than its route's \
            staleAfter.

            Examples:

              linekeeper devices
              linekeeper devices 'factory/line1/+' --watch
              linekeeper devices forget factory/line1/press1
            """,
        subcommands: [DevicesListCommand.self, DevicesForgetCommand.self], defaultSubcommand: DevicesListCommand.self)
}

struct DevicesListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show devices (this is the default).")

    @OptionGroup var tree: TreeOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var filter: FilterArgument

    @Flag(name: .shortAndLong, help: "Follow the changes: a live list on a terminal, one line a change elsewhere.")
    var watch = false

    func run() async throws {
        try await Listing.run(
            DeviceRow.listing(try filter.parsed(), definitions: try Definitions(tree)), tree: tree, output: output,
            watch: watch,
            hint: "devices appear with their first message (linekeeper simulate)")
    }
}
