import Glibc
import NIOCore

/// Backups of a data directory: one sealed file with everything in it, the sessions and what their passwords are derived
/// from included.
public enum TreeBackup {
    /// What a backup, or a directory, holds.
    public struct Summary: Sendable, Hashable {
        /// The newest transaction.
        public let zxid: Int64
        public let nodes: Int
        public let sessions: Int
        /// The size of the backup; of a directory, of its log since the checkpoint.
        public let bytes: Int
        /// Where a loss of power had cut off the last batch, of which nobody was told.
        public let tornTail: String?
    }

    static let fileSystem = PosixFileSystem()

    /// Writes a backup of a directory, beside a running server or without one. Everything that the server had acknowledged
    /// before is in it.
    ///
    /// The file is written aside and renamed when it is complete; an older backup of that name is replaced, and nothing
    /// else is.
    ///
    /// - Throws: ``EmbeddedServerError`` when there is no tree, it is damaged, the file cannot be written, or something else
    ///   is in its place.
    @discardableResult
    public static func write(from directory: String, to file: String) throws -> Summary {
        try explaining {
            let file = try BackupTarget.resolve(file, directory: directory, fileSystem: fileSystem)
            let findings = try read(directory)
            let state = findings.state
            let header = CheckpointHeader(
                salt: .random(), start: LogPosition(sequence: 0, offset: LogFormat.sectorSize, zxid: state.lastZxid),
                secret: state.secret)
            let temporary = file + ".new"
            let backup = try CheckpointFile(header, temporaryPath: temporary, fileSystem: fileSystem)
            do {
                let size = try fill(backup, state, as: file)
                return Summary(
                    zxid: state.lastZxid, nodes: state.nodes.count, sessions: state.sessions.count, bytes: size,
                    tornTail: nil)
            } catch {
                backup.abandon()
                throw error
            }
        }
    }

    private static func fill(_ backup: CheckpointFile, _ state: RecoveredState, as file: String) throws -> Int {
        var block = ByteBuffer()
        for (key, node) in state.nodes {
            NodeRecord.write(key.string, node, into: &block)
            guard block.readableBytes > 64 << 10 else { continue }
            try backup.add(.nodes, block)
            block.clear()
        }
        try backup.add(.nodes, block)
        block.clear()
        for (id, timeout) in state.sessions { block.writeMultipleIntegers(id, timeout) }
        try backup.add(.sessions, block)
        let seal = CheckpointSeal(
            nodes: state.nodes.count, sessions: state.sessions.count, endZxid: state.lastZxid,
            startZxid: state.startZxid, maximumSessionID: state.maximumSessionID)
        return try backup.seal(seal, as: file, in: parent(of: file))
    }

    /// Reads a directory whole and verifies it, beside a running server or without one.
    ///
    /// - Throws: ``EmbeddedServerError`` that names file and byte of the first damage.
    public static func verify(directory: String) throws -> Summary {
        try explaining {
            let findings = try read(directory)
            let state = findings.state
            if let stated = state.digest, try stated != Tree(recovered: state.nodes).digest() {
                throw RecoveryError(
                    "what is stored in \(directory) is undamaged, but adds up to another tree than the one that was written "
                        + "(transaction \(hex(state.lastZxid))): a mistake of this program. " + RecoveryError.advice)
            }
            return Summary(
                zxid: state.lastZxid, nodes: state.nodes.count, sessions: state.sessions.count,
                bytes: findings.logBytes, tornTail: findings.tornTail)
        }
    }

    /// Reads a backup whole and verifies it.
    public static func verify(file: String) throws -> Summary {
        try explaining { try readBackup(file).summary }
    }

    static func readBackup(_ name: String) throws -> (summary: Summary, state: RecoveredState) {
        // The operator may name it by a link.
        let file = canonicalPath(name) ?? name
        let reader = try CheckpointReader(path: file, fileSystem: fileSystem)
        guard reader.header.isBackup else {
            throw RecoveryError(
                "\(file) is a checkpoint of a server, which is of use only with the log beside it. Make a backup with "
                    + "linekeeper tree backup.")
        }
        var state = RecoveredState()
        let seal = try reader.read(into: &state, isWhole: true)
        let size = try fileSystem.open(file, .read).size()
        return (
            Summary(
                zxid: seal.endZxid, nodes: state.nodes.count, sessions: state.sessions.count, bytes: size,
                tornTail: nil), state
        )
    }

    /// Reads a directory that a server may be changing: when a file goes away or is used again meanwhile, anew.
    private static func read(_ directory: String) throws -> TreeRecovery.Findings {
        let recovery = TreeRecovery(fileSystem: fileSystem, directory: directory)
        var attempts = 0
        while true {
            do {
                let findings = try recovery.read()
                // A segment that was renamed meanwhile may have been overwritten while it was read.
                let names = Set(try fileSystem.names(in: directory))
                guard findings.segments.allSatisfy({ names.contains(LogFormat.segmentName($0)) }) else {
                    throw RecoveryError("the log of \(directory) is trimmed faster than it can be read")
                }
                guard !findings.segments.isEmpty || findings.checkpointName != nil else {
                    throw NoTree(directory: directory)
                }
                return findings
            } catch let error where !(error is NoTree) {
                attempts += 1
                guard attempts < 10 else { throw error }
                usleep(50_000)
            }
        }
    }

    private struct NoTree: Error, CustomStringConvertible {
        let directory: String
        var description: String { "there is no tree in \(directory)" }
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func explaining<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            throw EmbeddedServerError("\(error)")
        }
    }
}
