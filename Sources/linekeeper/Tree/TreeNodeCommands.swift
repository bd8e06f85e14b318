import ArgumentParser
import FoundationEssentials
import JSON
import OrderedCollections
import Plant
import PlantClient
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

struct TreeListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List the children of a node.",
        discussion: """
            A server does not tell which nodes are containers or have a time to live: they are listed as persistent.

            Examples:

              linekeeper tree ls /tags
              linekeeper tree ls --recursive --long
              linekeeper tree ls / --root
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The node.") var path = "/"
    @Flag(name: .shortAndLong, help: "Everything below, too, with whole paths.") var recursive = false
    @Flag(name: .shortAndLong, help: "With size, version, age and kind.") var long = false

    func run() async throws {
        let path = NodeOptions.normalized(path)
        let isRecursive = recursive
        let isDetailed = long || output.json
        let found = try await node.withTree { client -> [(name: String, node: NodeData?)] in
            let walk = TreeWalk(client: client)
            let paths: [String]
            if isRecursive {
                guard try await client.exists(path) != nil else {
                    throw CommandFailure(.no, "there is no node \(path)")
                }
                paths = try await walk.descendants(of: path).sorted()
            } else {
                paths = try await client.getChildren(path).sorted().map { path == "/" ? "/" + $0 : path + "/" + $0 }
            }
            let nodes = isDetailed ? try await walk.data(of: paths) : paths.map { _ in nil }
            return zip(paths, nodes).map { path, node in
                (isRecursive ? path : String(path.split(separator: "/").last ?? ""), node)
            }
        }
        if output.json {
            Terminal.write(found.map { "\(Self.json($0.name, $0.node))\n" }.joined())
        } else if long {
            var table = Table(
                columns: [
                    TableColumn("NODE"), TableColumn("BYTES", .right), TableColumn("VERSION", .right),
                    TableColumn("CHILDREN", .right), TableColumn("KIND"), TableColumn("CHANGED"),
                ])
            let now = WallClock.now()
            for (name, node) in found {
                guard let stat = node?.stat else { continue }
                table.rows.append([
                    TableCell(name), TableCell("\(stat.dataLength)"), TableCell("\(stat.version)"),
                    TableCell("\(stat.numChildren)"), TableCell(stat.ephemeralOwner == 0 ? "persistent" : "ephemeral"),
                    TableCell(HumanText.age(of: stat.mtime, now: now), .dim),
                ])
            }
            Terminal.write(table.lines().map { $0 + "\n" }.joined())
        } else {
            Terminal.write(found.map { printable($0.name) + "\n" }.joined())
        }
    }

    private static func json(_ name: String, _ node: NodeData?) -> JSONValue {
        guard let stat = node?.stat else { return ["node": .string(name)] }
        return [
            "node": .string(name), "bytes": .integer(Int64(stat.dataLength)), "version": .integer(Int64(stat.version)),
            "children": .integer(Int64(stat.numChildren)), "ephemeral": .bool(stat.ephemeralOwner != 0),
            "changed": .integer(stat.mtime),
        ]
    }
}

struct TreeGetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Print the data of a node, as it is.",
        discussion: """
            Examples:

              linekeeper tree get /alarms/factory/line1/press1/temperature/@overtemperature | jq .
            """)

    @OptionGroup var node: NodeOptions
    @Argument(help: "The node.") var path: String

    func run() async throws {
        let path = NodeOptions.normalized(path)
        let data = try await node.withTree { try await $0.getData(path).data } ?? []
        // To a terminal, whatever is there must not act as an escape sequence; to a file or a pipe it goes as it is.
        let text = String(decoding: data, as: UTF8.self)
        if Terminal.isInteractive {
            Terminal.line(printable(text))
        } else {
            Terminal.write(data)
            if data.last != UInt8(ascii: "\n") { Terminal.write("\n") }
        }
    }
}

struct TreeSetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Replace the data of a node.",
        discussion: """
            Gateways guard what they own by transactions of their own; what is changed here by hand, they may overwrite.

            Examples:

              linekeeper tree set /config/note 'checked by ann'
              linekeeper tree set /config/note --version 3 - < note.txt
            """)

    @OptionGroup var node: NodeOptions
    @Argument(help: "The node.") var path: String
    @Argument(help: "The data; - reads standard input.") var data: String
    @Option(name: .long, help: "Only when the node has this version.") var version: Int32 = -1

    func run() async throws {
        let path = NodeOptions.normalized(path)
        let bytes = try NodeContent.bytes(data)
        let version = version
        let stat = try await node.withTree { try await $0.setData(path, data: bytes, version: version) }
        Terminal.line("version \(stat.version)")
    }
}

struct TreeCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a node, and print its path.",
        discussion: """
            Examples:

              linekeeper tree create /config/note 'checked by ann'
              linekeeper tree create /a/b/c --parents
              linekeeper tree create /queue/item- --sequential
            """)

    @OptionGroup var node: NodeOptions
    @Argument(help: "The node.") var path: String
    @Argument(help: "The data; - reads standard input. Default: none.") var data: String?
    @Flag(name: .shortAndLong, help: "Make missing parents, too.") var parents = false
    @Flag(name: .shortAndLong, help: "Let the server append ten digits that count up.") var sequential = false
    @Flag(name: .shortAndLong, help: "Make a container: it goes when its last child has gone.") var container = false

    func validate() throws {
        guard !(sequential && container) else { throw ValidationError("a container cannot be sequential") }
    }

    func run() async throws {
        let path = NodeOptions.normalized(path)
        let bytes = try data.map(NodeContent.bytes)
        let mode: CreateMode = container ? .container : sequential ? .persistentSequential : .persistent
        let withParents = parents
        let made = try await node.withTree { client in
            if withParents { try await client.createParents(of: path) }
            do {
                return try await client.create(path, data: bytes, mode: mode)
            } catch let error as ZooKeeperError where error.code == .noNode {
                let missing = try await Self.firstMissing(above: path, client)
                throw CommandFailure(
                    .no,
                    "\(path) cannot be made: there is no node \(missing). Make it first, or everything at once with --parents"
                )
            }
        }
        Terminal.line(printable(made))
    }

    /// The uppermost node on the way to `path` that does not exist.
    private static func firstMissing(above path: String, _ client: ZooKeeperClient) async throws -> String {
        var ancestor = ""
        for name in path.split(separator: "/").dropLast() {
            ancestor += "/" + name
            if try await client.exists(ancestor) == nil { return ancestor }
        }
        // Made by somebody else just now, or it is the root that is missing.
        return ancestor.isEmpty ? "/" : ancestor
    }
}

struct TreeDeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a node.",
        discussion: """
            Examples:

              linekeeper tree delete /config/note
              linekeeper tree delete /tags/factory/line9 --recursive
            """)

    @OptionGroup var node: NodeOptions
    @Argument(help: "The node.") var path: String
    @Flag(name: .shortAndLong, help: "Delete everything below it first.") var recursive = false
    @Option(name: .long, help: "Only when the node has this version.") var version: Int32 = -1

    func run() async throws {
        let path = NodeOptions.normalized(path)
        guard path != "/" else { throw ValidationError("the root cannot be deleted") }
        let isRecursive = recursive
        let version = version
        let count = try await node.withTree { client in
            var deleted = 0
            if isRecursive {
                // Children before parents; what somebody else deletes meanwhile is as good as deleted.
                for child in try await TreeWalk(client: client).descendants(of: path).reversed() {
                    do {
                        try await client.delete(child)
                        deleted += 1
                    } catch let error as ZooKeeperError where error.code == .noNode {}
                }
            }
            try await client.delete(path, version: version)
            return deleted + 1
        }
        Terminal.line("deleted \(count) node\(count == 1 ? "" : "s")")
    }
}

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
                TableCell(isTime ? "\(note) \(HumanText.age(of: value, now: now))" : note, .dim),
            ])
        }
        Terminal.write(table.lines().map { $0 + "\n" }.joined())
    }
}

/// A node's data as given on the command line.
enum NodeContent {
    static func bytes(_ text: String) throws -> [UInt8] {
        guard text == "-" else { return Array(text.utf8) }
        var data: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(0, &buffer, buffer.count)
            if count == 0 { return data }
            if count < 0 {
                if errno == EINTR { continue }
                throw CommandFailure(.no, "standard input cannot be read")
            }
            data += buffer[..<count]
            // The protocol carries a mebibyte in a request.
            guard data.count <= 1 << 20 else { throw CommandFailure(.no, "a node holds at most 1 MiB") }
        }
    }
}
