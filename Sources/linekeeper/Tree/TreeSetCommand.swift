import ArgumentParser
import ZooKeeperClient
import ZooKeeperProtocol

struct TreeSetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Replace the data of a node.",
        discussion: """
            Gateways guard what they own by transactions of their own; what is changed here by hand, they may overwrite.

            Examples:

              linekeeper tree set /config/note 'checked by ann'
              linekeeper tree set /config/note --if-version 3 - < note.txt
            """)

    @OptionGroup var node: NodeOptions
    @Argument(help: "The node.") var path: String
    @Argument(help: "The data; - reads standard input.") var data: String
    @OptionGroup var expected: ExpectedVersion

    func run() async throws {
        let path = NodeOptions.normalized(path)
        let bytes = try NodeContent.bytes(data)
        let version = try expected.version()
        let stat = try await node.withTree { try await $0.setData(path, data: bytes, version: version) }
        Terminal.line("version \(stat.version)")
    }
}
