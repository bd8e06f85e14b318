import ArgumentParser
import ZooKeeperClient

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
