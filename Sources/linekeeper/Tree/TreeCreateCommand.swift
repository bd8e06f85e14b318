import ArgumentParser
import ZooKeeperClient
import ZooKeeperProtocol

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
