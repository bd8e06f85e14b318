import ArgumentParser
import EmbeddedZooKeeper
import PlantConfiguration

struct TreeBackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Write everything that a tree's folder holds into one file, beside a running server or without one.",
        discussion: """
            Everything that the server had acknowledged when the backup began is in it: nodes, access lists and \
            sessions. Everything is verified while it is read. The file also holds what the passwords of sessions are \
            derived from, so only its owner can read it; keep it so.

            Examples:

              linekeeper tree backup /backup/tree-$(date +%F) --data /var/lib/linekeeper/tree
              linekeeper tree restore /backup/tree-2026-01-31 --data ./tree
            """)

    @Argument(help: "The file to write; an older backup of that name is replaced when the new one is complete.")
    var file: String

    @OptionGroup var source: TreeFolderOptions

    func run() async throws {
        let folder = try source.folder()
        let summary = try TreeFolderOptions.explained { try TreeBackup.write(from: folder, to: file) }
        print("wrote \(file): \(summary.text), \(summary.bytes) bytes")
    }
}

struct TreeVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read a tree's folder, or a backup, whole, and say whether everything is intact.",
        discussion: """
            Also beside a running server. Damage is named by file and byte; the exit status is then 1.

            Examples:

              linekeeper tree verify --data /var/lib/linekeeper/tree
              linekeeper tree verify --backup /backup/tree-2026-01-31
            """)

    @Option(name: .long, help: "A backup, instead of a folder.")
    var backup: String?

    @OptionGroup var source: TreeFolderOptions

    func validate() throws {
        if backup != nil, source.data != nil { throw ValidationError("name --backup or --data, not both") }
    }

    func run() async throws {
        if let backup {
            let summary = try TreeFolderOptions.explained { try TreeBackup.verify(file: backup) }
            return print("\(backup) is intact: \(summary.text), \(summary.bytes) bytes")
        }
        let folder = try source.folder()
        let summary = try TreeFolderOptions.explained { try TreeBackup.verify(directory: folder) }
        print("\(folder) is intact: \(summary.text), \(summary.bytes) bytes of log since the checkpoint")
        if let tail = summary.tornTail { print("the last batch was cut off by a loss of power: \(tail)") }
    }
}

/// Which folder holds the tree.
struct TreeFolderOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("The folder that holds the tree, instead of the configuration's.", valueName: "dir"))
    var data: String?

    @OptionGroup var configuration: ConfigurationOptions

    func folder() throws -> String {
        if let data { return data }
        switch try configuration.load().local.tree.place {
        case .embedded(let settings): return settings.data
        case .ensemble:
            throw CommandFailure(
                .usage, "the configuration names an ensemble, whose data is not here: name a folder with --data")
        }
    }

    static func explained<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as EmbeddedServerError {
            throw CommandFailure(.no, error.description)
        }
    }
}

extension TreeBackup.Summary {
    var text: String {
        "\(nodes) nodes and \(sessions) sessions up to transaction 0x\(String(zxid, radix: 16))"
    }
}
