import ArgumentParser
import PlantClient
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

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
    @OptionGroup var expected: ExpectedVersion

    func run() async throws {
        let path = NodeOptions.normalized(path)
        guard path != "/" else { throw ValidationError("the root cannot be deleted") }
        let isRecursive = recursive
        let version = try expected.version()
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
        Terminal.line("deleted \(HumanText.count(count, "node"))")
    }
}
