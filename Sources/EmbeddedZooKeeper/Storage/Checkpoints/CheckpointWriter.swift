import NIOCore

/// Takes the steps of checkpoints, one at a time.
///
/// A checkpoint is written over the file of the one before the last: where blocks are taken and freed, the file system
/// commits its journal, and the log waits for milliseconds each time.
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
        let path = directory + "/" + CheckpointFormat.temporaryName
        // Without one, or should that fail, a new file does.
        if (try? fileSystem.rename(directory + "/" + CheckpointFormat.spareName, to: path)) != nil,
            let file = try? CheckpointFile(header, temporaryPath: path, mode: .writeSectors, fileSystem: fileSystem)
        {
            current = (file, start)
        } else {
            current = (try CheckpointFile(header, temporaryPath: path, fileSystem: fileSystem), start)
        }
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

    /// - Returns: The checkpoint's name, where the log goes on from, and how many bytes it has.
    mutating func seal(_ seal: CheckpointSeal) throws -> (name: String, start: LogPosition, size: Int) {
        guard let (file, start) = current else { throw CheckpointError.notBegun }
        let name = LogFormat.checkpointName(seal.endZxid)
        let size: Int
        do {
            size = try file.seal(seal, as: directory + "/" + name, in: directory)
        } catch {
            abandon()
            throw error
        }
        current = nil
        return (name, start, size)
    }

    /// Puts a checkpoint aside that does not count any more, for the next one to be written over; or removes it, when that
    /// would keep far more room than a checkpoint of `size` bytes needs.
    func retire(_ name: String, size: Int) throws {
        let path = directory + "/" + name
        if let kept = try? fileSystem.open(path, .read).size(), kept <= 2 * size + (1 << 20),
            (try? fileSystem.rename(path, to: directory + "/" + CheckpointFormat.spareName)) != nil
        {
            return
        }
        try fileSystem.remove(path)
    }

    /// How many bytes of the one that has begun have been written.
    var written: Int { current?.file.offset ?? 0 }

    mutating func abandon() {
        current?.file.abandon()
        current = nil
    }

    enum CheckpointError: Error {
        case notBegun
    }
}
