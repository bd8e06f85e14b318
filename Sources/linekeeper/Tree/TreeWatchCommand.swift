import ArgumentParser
import JSON
import Plant
import PlantClient
import ZooKeeperClient
import ZooKeeperProtocol

struct TreeWatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Print what happens to a node, until Ctrl-C.",
        discussion: """
            The watch lives on through lost connections and new sessions; when events may have been missed meanwhile, \
            the line says gap.

            Examples:

              linekeeper tree watch /alarms --recursive
              linekeeper tree watch /alarm-processor --recursive --json
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The node.") var path = "/"
    @Flag(name: .shortAndLong, help: "Everything below it, too.") var recursive = false

    func run() async throws {
        let path = NodeOptions.normalized(path)
        let mode: AddWatchMode = recursive ? .persistentRecursive : .persistent
        let node = node
        let isJSON = output.json
        try await untilInterrupted {
            try await node.withTree { client in
                for try await element in try await client.addWatch(path, mode: mode) {
                    switch element {
                    case .event(let event):
                        Terminal.line(
                            isJSON
                                ? "\(["at": .integer(WallClock.now()), "event": .string("\(event.type)"), "path": .string(event.path)] as JSONValue)"
                                : "\(event.type)  \(printable(event.path))")
                    case .gap:
                        Terminal.line(
                            isJSON ? "\(["at": .integer(WallClock.now()), "event": "gap"] as JSONValue)" : "gap")
                    }
                }
            }
        }
    }
}
