import ArgumentParser
import Logging
import PlantClient
import ZooKeeperClient

struct TreeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tree",
        abstract: "Serve a tree, or look at and change the nodes of one.",
        discussion: """
            The tree is a ZooKeeper namespace: in the gateway's own process, in a process of its own (tree serve), or \
            in an Apache ZooKeeper ensemble. Paths begin at the plant's part of it, /linekeeper/<plant>; with --root \
            they begin at the server's root.

            Examples:

              linekeeper tree ls --recursive
              linekeeper tree get /tags/factory/line1/press1/temperature
              linekeeper tree watch / --recursive
              linekeeper tree serve --data ./tree --listen 127.0.0.1:2181
            """,
        subcommands: [
            TreeServeCommand.self, TreeListCommand.self, TreeGetCommand.self, TreeSetCommand.self,
            TreeCreateCommand.self, TreeDeleteCommand.self, TreeWatchCommand.self, TreeStatCommand.self,
            TreeBackupCommand.self, TreeRestoreCommand.self, TreeVerifyCommand.self,
        ])
}

/// Which version a node must have to be changed.
struct ExpectedVersion: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Only when the node has this version.", valueName: "version"))
    var ifVersion: Int32?

    /// How earlier versions spelled it. In the help it would stand beside the program's own `--version`.
    @Option(name: .customLong("version"), help: .hidden)
    var formerSpelling: Int32?

    /// As the tree takes it: -1 for any.
    func version() throws -> Int32 {
        guard ifVersion == nil || formerSpelling == nil else {
            throw ValidationError("--version is another spelling of --if-version; give one of them")
        }
        return ifVersion ?? formerSpelling ?? -1
    }
}

/// A node's path, and where paths begin.
struct NodeOptions: ParsableArguments {
    @OptionGroup var tree: TreeOptions

    @Flag(name: .long, help: "Paths begin at the server's root, not at the plant's part of the tree.")
    var root = false

    /// Connects and does the work.
    func withTree<Result: Sendable>(
        _ work: @escaping @Sendable (ZooKeeperClient) async throws -> Result
    ) async throws -> Result {
        try await TreeSession(at: try tree.place(wholeTree: root), logger: .quiet).run(wholeTree: root, work)
    }

    /// A path as the tree wants it: with a leading slash, without a trailing one.
    static func normalized(_ path: String) -> String {
        var path = path.hasPrefix("/") ? path : "/" + path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}
