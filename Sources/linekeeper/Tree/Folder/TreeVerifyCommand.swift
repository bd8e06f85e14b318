import ArgumentParser
import EmbeddedZooKeeper

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
