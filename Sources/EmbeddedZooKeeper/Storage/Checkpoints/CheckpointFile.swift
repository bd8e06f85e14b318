import NIOCore
import ZooKeeperProtocol

/// Writes a checkpoint: aside, in small pieces that reach the disk one by one, so that no long flush stands in the way of
/// the log; then synchronised, renamed, and the directory synchronised.
final class CheckpointFile {
    private let fileSystem: any StorageFileSystem
    private let temporaryPath: String
    private let header: CheckpointHeader
    private let file: any StorageFile
    /// As much as is written at once: the log's next batch may have to wait behind it.
    private let buffer = SectorBuffer(size: 32 << 10)
    private var filled = 0
    private(set) var offset = 0
    private var unsynchronized = 0
    private var blocks = 0

    /// How much is written between synchronisations: each is one that the log may wait for, and past the page cache the
    /// log's own bring to the disk what there is of the checkpoint, too.
    private static let synchronizeEvery = 8 << 20

    /// - Parameter mode: ``StorageFileMode/writeSectors`` writes over a file that is there. What it held behind the seal
    ///   stays and is never read.
    init(
        _ header: CheckpointHeader, temporaryPath: String, mode: StorageFileMode = .create,
        fileSystem: any StorageFileSystem
    ) throws {
        self.header = header
        self.temporaryPath = temporaryPath
        self.fileSystem = fileSystem
        file = try fileSystem.open(temporaryPath, mode)
        try header.sector.withUnsafeReadableBytes { try write($0) }
    }

    func add(_ kind: CheckpointFormat.Kind, _ payload: ByteBuffer) throws {
        try payload.withUnsafeReadableBytes { bytes in
            let checksum = CheckpointFormat.checksum(kind, index: blocks, bytes, salt: header.salt)
            var head = (kind.rawValue.bigEndian, UInt32(clamping: bytes.count).bigEndian, checksum.bigEndian)
            try withUnsafeBytes(of: &head) { try write($0) }
            try write(bytes)
        }
        blocks += 1
    }

    /// Completes the file under its name. From then on it counts.
    ///
    /// - Returns: Its size in bytes.
    @discardableResult
    func seal(_ seal: CheckpointSeal, as path: String, in directory: String) throws -> Int {
        try add(.seal, seal.block)
        let padding = (LogFormat.sectorSize - filled % LogFormat.sectorSize) % LogFormat.sectorSize
        UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[filled..<filled + padding])
            .initializeMemory(as: UInt8.self, repeating: 0)
        filled += padding
        try flush()
        try file.synchronize()
        try fileSystem.rename(temporaryPath, to: path)
        try fileSystem.synchronizeDirectory(directory)
        return offset
    }

    func abandon() {
        try? fileSystem.remove(temporaryPath)
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws {
        var done = 0
        while done < bytes.count {
            let count = min(bytes.count - done, buffer.bytes.count - filled)
            UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[filled..<filled + count])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[done..<done + count]))
            filled += count
            done += count
            if filled == buffer.bytes.count { try flush() }
        }
    }

    private func flush() throws {
        guard filled > 0 else { return }
        try file.write(UnsafeRawBufferPointer(buffer.bytes)[..<filled].rebased, at: offset)
        offset += filled
        unsynchronized += filled
        filled = 0
        guard unsynchronized >= Self.synchronizeEvery else { return }
        unsynchronized = 0
        try file.synchronize()
    }
}

/// Reads a checkpoint or a backup, whole, verifying it.
struct CheckpointReader {
    let path: String
    let header: CheckpointHeader
    private let file: any StorageFile
    private let size: Int

    init(path: String, fileSystem: any StorageFileSystem) throws {
        self.path = path
        file = try fileSystem.open(path, .read)
        size = try file.size()
        do {
            header = try CheckpointHeader(sector: try file.contents(limit: LogFormat.sectorSize))
        } catch let error as RecoveryError {
            throw RecoveryError.damage(path, 0, error.description)
        } catch let error as NewerFormatError {
            throw error.named(path)
        }
    }

    /// Puts what it holds into a state.
    ///
    /// - Parameter isWhole: Whether the file must end with its seal. A checkpoint's may hold more: the end of the one that it
    ///   was written over.
    func read(into state: inout RecoveredState, isWhole: Bool = false) throws -> CheckpointSeal {
        var offset = LogFormat.sectorSize
        var index = 0
        var nodes = 0
        state.secret = header.secret
        while true {
            let (kind, payload) = try block(at: offset, index: index)
            var block = payload
            do {
                switch kind {
                case .nodes:
                    while block.readableBytes > 0 {
                        let (path, node) = try NodeRecord.read(from: &block)
                        state.nodes[PathKey(path)] = node
                        nodes += 1
                    }
                case .sessions:
                    while block.readableBytes > 0 {
                        let id = try block.readJuteLong()
                        state.sessions[id] = try block.readJuteInt()
                    }
                case .seal:
                    let seal = try CheckpointSeal(block: block)
                    // A node that was deleted and made anew meanwhile may stand there twice.
                    guard nodes == seal.nodes, state.sessions.count == seal.sessions else {
                        throw RecoveryError(
                            "it holds \(nodes) nodes and \(state.sessions.count) sessions, but its seal says "
                                + "\(seal.nodes) and \(seal.sessions)")
                    }
                    let end = offset + CheckpointFormat.blockHeaderSize + payload.readableBytes
                    let sectors = (end + LogFormat.sectorSize - 1) / LogFormat.sectorSize
                    guard !isWhole || size == sectors * LogFormat.sectorSize else {
                        throw RecoveryError(
                            "the file has \(size) bytes, but its seal ends at \(sectors * LogFormat.sectorSize)")
                    }
                    state.maximumSessionID = seal.maximumSessionID
                    state.startZxid = seal.startZxid
                    return seal
                }
            } catch {
                throw RecoveryError.damage(path, offset, "\(error)")
            }
            offset += CheckpointFormat.blockHeaderSize + payload.readableBytes
            index += 1
        }
    }

    private func block(at offset: Int, index: Int) throws -> (CheckpointFormat.Kind, ByteBuffer) {
        var head = ByteBuffer(bytes: try file.contents(from: offset, limit: CheckpointFormat.blockHeaderSize))
        guard let (kindNumber, length, checksum) = head.readMultipleIntegers(as: (UInt32, UInt32, UInt32).self) else {
            throw RecoveryError.damage(path, offset, "the file ends before its seal")
        }
        guard let kind = CheckpointFormat.Kind(rawValue: kindNumber),
            Int(length) <= size - offset - CheckpointFormat.blockHeaderSize
        else { throw RecoveryError.damage(path, offset, "a block is damaged") }
        let payload = ByteBuffer(
            bytes: try file.contents(from: offset + CheckpointFormat.blockHeaderSize, limit: Int(length)))
        let actual = payload.withUnsafeReadableBytes {
            CheckpointFormat.checksum(kind, index: index, $0, salt: header.salt)
        }
        guard payload.readableBytes == Int(length), actual == checksum else {
            throw RecoveryError.damage(path, offset, "a block is damaged: its checksum does not fit")
        }
        return (kind, payload)
    }
}
