import ArgumentParser
import EmbeddedZooKeeper

struct TreeRestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make a tree's folder of a backup.",
        discussion: """
            The backup is verified first. No server may be using the folder, which keeps its owner and rights. The server \
            that starts on it begins a new epoch, so that clients which have seen later changes are not locked out; what \
            was changed after the backup is lost, and clients should read everything again.

            Examples:

              linekeeper tree restore /backup/tree-2026-01-31 --data ./tree
              linekeeper tree restore /backup/tree-2026-01-31 --data /var/lib/linekeeper/tree --replace
            """)

    @Argument(help: "A file that tree backup wrote.")
    var file: String

    @Option(name: .long, help: ArgumentHelp("The folder; made when it is missing.", valueName: "dir"))
    var data: String

    @Flag(
        name: .long,
        help: "Move what the folder holds aside, to DIR.replaced-TIME, or DIR/replaced-TIME where a volume is mounted.")
    var replace = false

    func run() async throws {
        let (summary, former) = try TreeFolderOptions.explained {
            try TreeBackup.restore(file, to: data, replace: replace)
        }
        if let former { print("moved what \(data) held to \(former)") }
        print("restored \(data): \(summary.text)")
    }
}
