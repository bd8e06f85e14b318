import NIOCore

/// Takes the steps of checkpoints, one at a time.
struct CheckpointWriter {
    let fileSystem: any StorageFileSystem
    let directory: String
    private var current: (file: CheckpointFile, start: LogPosition)?

    init(fileSystem: any StorageFileSystem, directory: String) {
        self.fileSystem = fileSystem
        self.directory = directory
    }

    mutating func begin(at start: LogPosition, secret: [UInt8]) throws {
        abandon()
        let header = CheckpointHeader(salt: .random(), start: start, secret: secret)
        current = (
            try CheckpointFile(
                header, temporaryPath: directory + "/" + CheckpointFormat.temporaryName, fileSystem: fileSystem),
            start
        )
    }

    /// Adds to the checkpoint that has begun.
    ///
    /// - Throws: ``StorageError``; the checkpoint is given up then and its file removed.
    mutating func add(_ kind: CheckpointFormat.Kind, _ block: ByteBuffer) throws {
        guard let file = current?.file else { throw CheckpointError.notBegun }
        do {
            try file.add(kind, block)
        } catch {
            abandon()
            throw error
        }
    }

    /// - Returns: The checkpoint's name, and where the log goes on from.
    mutating func seal(_ seal: CheckpointSeal) throws -> (name: String, start: LogPosition) {
        guard let (file, start) = current else { throw CheckpointError.notBegun }
        let name = LogFormat.checkpointName(seal.endZxid)
        do {
            try file.seal(seal, as: directory + "/" + name, in: directory)
        } catch {
            abandon()
            throw error
        }
        current = nil
        return (name, start)
    }

    mutating func abandon() {
        current?.file.abandon()
        current = nil
    }

    enum CheckpointError: Error {
        case notBegun
    }
}
