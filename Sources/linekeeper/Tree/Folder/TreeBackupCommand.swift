import ArgumentParser
import EmbeddedZooKeeper

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
