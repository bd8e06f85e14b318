import ArgumentParser
import JSON
import OrderedCollections
import PlantClient
import ZooKeeperClient
import ZooKeeperProtocol

struct TreeStatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stat", abstract: "Show what the tree knows of a node beside its data.",
        discussion: """
            Examples:

              linekeeper tree stat /alarm-processor
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The node.") var path: String

    func run() async throws {
        let path = NodeOptions.normalized(path)
        guard let stat = try await node.withTree({ try await $0.exists(path) }) else {
            throw CommandFailure(.no, "there is no node \(path)")
        }
        let fields: [(name: String, value: Int64, note: String)] = [
            ("czxid", stat.czxid, "transaction that made it"),
            ("mzxid", stat.mzxid, "transaction that last changed it"),
            ("pzxid", stat.pzxid, "transaction that last changed its children"), ("ctime", stat.ctime, "made"),
            ("mtime", stat.mtime, "changed"), ("version", Int64(stat.version), "changes of its data"),
            ("cversion", Int64(stat.cversion), "changes of its children"),
            ("aversion", Int64(stat.aversion), "changes of its access list"),
            ("ephemeralOwner", stat.ephemeralOwner, stat.ephemeralOwner == 0 ? "persistent" : "session that holds it"),
            ("dataLength", Int64(stat.dataLength), "bytes"), ("numChildren", Int64(stat.numChildren), "children"),
        ]
        if output.json {
            Terminal.line("\(JSONValue.object(.init(fields.map { ($0.name, .integer($0.value)) }) { $1 }))")
            return
        }
        var table = Table(columns: [TableColumn(""), TableColumn("", .right), TableColumn("")])
        let now = WallClock.now()
        for (name, value, note) in fields {
            let isTime = name == "ctime" || name == "mtime"
            // As other ZooKeeper tools write transactions and sessions.
            let isHexadecimal = name.hasSuffix("zxid") || (name == "ephemeralOwner" && value != 0)
            let text = isHexadecimal ? "0x" + String(UInt64(bitPattern: value), radix: 16) : "\(value)"
            table.rows.append([
                TableCell(name), TableCell(text, .bold),
                TableCell(isTime ? Self.when(name, value, note, now: now) : note, .dim),
            ])
        }
        Terminal.write(table.lines().map { $0 + "\n" }.joined())
    }

    /// `made 5s ago`. The root of a tree has no times.
    private static func when(_ name: String, _ time: Int64, _ note: String, now: Int64) -> String {
        guard time == 0 else { return "\(note) \(HumanText.age(of: time, now: now))" }
        return name == "ctime" ? "made with the tree" : "never changed"
    }
}
