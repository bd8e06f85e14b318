import Synchronization

/// A file that waits to become the next segment.
struct SpareSegment: Sendable {
    let name: String
    let file: any StorageFile
    let size: Int
    /// How far its blocks were written once.
    var zeroedTo: Int
}

/// The files that will be the next segments. Obsolete segments come here and are used again, so that the disk's blocks are
/// already in place; and there is always one ready before it is needed, so that a full disk is noticed early.
final class SegmentPool: Sendable {
    private struct State {
        var ready: [SpareSegment] = []
        var nextNumber: UInt64 = 1
        var failure: StorageError?
    }

    private let fileSystem: any StorageFileSystem
    private let directory: String
    let segmentSize: Int
    private let state = Mutex(State())
    /// Zeros. Held while some of them are written to a file that is ready: it must not be taken meanwhile.
    private let zeros = Mutex(SectorBuffer(size: 32 << 10))

    init(fileSystem: any StorageFileSystem, directory: String, segmentSize: Int) {
        self.fileSystem = fileSystem
        self.directory = directory
        self.segmentSize = max(8, segmentSize / LogFormat.sectorSize) * LogFormat.sectorSize
    }

    /// Why there is no file ready, when there is none for lack of room or because of another error.
    var failure: StorageError? { state.withLock { $0.ready.isEmpty ? $0.failure : nil } }

    var count: Int { state.withLock { $0.ready.count } }

    /// Takes over the spare files that an earlier start has left.
    func adopt(_ names: [String]) throws {
        var found: [SpareSegment] = []
        var greatest: UInt64 = 0
        for name in names {
            guard let number = LogFormat.number(in: name, after: "spare-") else { continue }
            greatest = max(greatest, number)
            let file = try fileSystem.open(directory + "/" + name, .writeSectors)
            let size = try file.size()
            if size >= segmentSize, found.count < 64 {
                found.append(SpareSegment(name: name, file: file, size: size, zeroedTo: try file.writtenExtent()))
            } else {
                try fileSystem.remove(directory + "/" + name)
            }
        }
        let (spares, next) = (found, greatest &+ 1)
        state.withLock {
            $0.ready = spares
            $0.nextNumber = max($0.nextNumber, next)
        }
    }

    /// Hands out a file of at least that size; makes one if none is ready.
    func take(atLeast size: Int) throws -> SpareSegment {
        let ready = zeros.withLock { _ in
            state.withLock { state -> SpareSegment? in
                guard let index = state.ready.firstIndex(where: { $0.size >= size }) else { return nil }
                return state.ready.remove(at: index)
            }
        }
        if let ready { return ready }
        do {
            return try make(size: max(segmentSize, size))
        } catch let error as StorageError {
            state.withLock { $0.failure = error }
            throw error
        }
    }

    /// Sees to it that a file is ready. Called again and again while it fails.
    func prepare() throws {
        guard state.withLock({ $0.ready.isEmpty }) else { return }
        do {
            let spare = try make(size: segmentSize)
            state.withLock {
                $0.ready.append(spare)
                $0.failure = nil
            }
        } catch let error as StorageError {
            state.withLock { $0.failure = error }
            throw error
        }
    }

    /// Writes some zeros to a file that is ready and was never written to its end, so that the log need not (see
    /// ``LogAppender``): a batch that has to wait for that takes several times as long as others.
    ///
    /// - Returns: Whether there was anything to write.
    func writeZerosAhead() throws -> Bool {
        try zeros.withLock { zeros in
            guard let spare = state.withLock({ $0.ready.first { $0.zeroedTo < $0.size } }) else { return false }
            let end = min(spare.size, spare.zeroedTo + zeros.bytes.count)
            try spare.file.write(
                UnsafeRawBufferPointer(zeros.bytes)[..<(end - spare.zeroedTo)].rebased, at: spare.zeroedTo)
            if end == spare.size { try spare.file.synchronize() }
            state.withLock { state in
                guard let index = state.ready.firstIndex(where: { $0.name == spare.name }) else { return }
                state.ready[index].zeroedTo = end
            }
            return true
        }
    }

    private func make(size: Int) throws -> SpareSegment {
        let number = state.withLock { state in
            defer { state.nextNumber += 1 }
            return state.nextNumber
        }
        let name = "spare-" + LogFormat.fixedHex(number)
        let path = directory + "/" + name
        do {
            let size = (size + LogFormat.sectorSize - 1) / LogFormat.sectorSize * LogFormat.sectorSize
            let file = try fileSystem.open(path, .create)
            try file.allocate(size)
            return SpareSegment(name: name, file: file, size: size, zeroedTo: 0)
        } catch {
            try? fileSystem.remove(path)
            throw error
        }
    }

    /// Takes back a segment that is not needed any more.
    ///
    /// - Parameter limit: How many files are kept; more are removed.
    func recycle(segment sequence: UInt64, limit: Int) throws {
        let path = directory + "/" + LogFormat.segmentName(sequence)
        guard count < limit else {
            try fileSystem.remove(path)
            return
        }
        let number = state.withLock { state in
            defer { state.nextNumber += 1 }
            return state.nextNumber
        }
        let name = "spare-" + LogFormat.fixedHex(number)
        do {
            try fileSystem.rename(path, to: directory + "/" + name)
        } catch let error as StorageError where error.isMissingFile {
            return
        }
        let file = try fileSystem.open(directory + "/" + name, .writeSectors)
        let size = try file.size()
        guard size == segmentSize else {
            try fileSystem.remove(directory + "/" + name)
            return
        }
        let spare = SpareSegment(name: name, file: file, size: size, zeroedTo: try file.writtenExtent())
        state.withLock {
            $0.ready.append(spare)
            $0.failure = nil
        }
    }
}
