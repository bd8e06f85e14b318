import ArgumentParser
import JSON
import Plant
import PlantClient
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

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
