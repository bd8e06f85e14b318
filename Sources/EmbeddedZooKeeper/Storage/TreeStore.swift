import Glibc
import Logging
import NIOCore
import Synchronization

/// A data directory with its two threads: one that does nothing but make batches last, and one for everything that may
/// take its time.
final class TreeStore: TreeStorage {
    struct Options: Sendable {
        var log = TreeLog.Options()
        var fileSystem: any StorageFileSystem = PosixFileSystem()
        /// Milliseconds since 1970 UTC.
        var wallMilliseconds: @Sendable () -> Int64 = {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            return Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000
        }
        var logger: Logger?
    }

    private let directory: DataDirectory
    private let options: Options
    private let pool: SegmentPool
    /// Held while a batch is written; by nobody who must not wait for the disk, unless it is so quick that waiting
    /// costs less than not to (``DiskPace``).
    private let log: Mutex<TreeLog>
    private let checkpoint: Mutex<CheckpointWriter>
    /// Of the checkpoint that is being written.
    private let checkpointPace = Mutex(CheckpointPace())
    private let published = Mutex(StorageReport())
    private let pace = Mutex(DiskPace())
    private let writer: StorageThread
    private let keeper: StorageThread

    /// - Throws: ``StorageError`` when the system allows no threads.
    init(directory: DataDirectory, options: Options = Options()) throws {
        writer = try StorageThread()
        do {
            keeper = try StorageThread()
        } catch {
            writer.end()
            throw error
        }
        self.directory = directory
        self.options = options
        let log = TreeLog(fileSystem: options.fileSystem, directory: directory.path, options: options.log)
        pool = log.pool
        self.log = Mutex(log)
        checkpoint = Mutex(CheckpointWriter(fileSystem: options.fileSystem, directory: directory.path))
    }

    deinit {
        writer.end()
        keeper.end()
    }

    func recover() throws -> RecoveredState {
        let wall = options.wallMilliseconds()
        checkpoint.withLock { $0.abandon() }
        let (state, tornTail, foreignNames) = try log.withLock { log in
            let state = try log.open(wallMilliseconds: wall)
            return (state, log.tornTail, log.foreignNames)
        }
        if !foreignNames.isEmpty {
            options.logger?.warning(
                "the data directory holds files that are not the server's; they are left alone, but do not belong there",
                metadata: [
                    "directory": "\(directory.path)", "files": "\(foreignNames.prefix(8).joined(separator: ", "))",
                    "count": "\(foreignNames.count)",
                ])
        }
        if let tornTail {
            options.logger?.warning(
                "the last batch was cut short by a loss of power; nobody was told of it, and it is dropped",
                metadata: ["file": "\(tornTail)"])
        }
        publish()
        tend()
        return state
    }

    func recoverAsync(_ completion: @escaping @Sendable (Result<RecoveredState, any Error>) -> Void) {
        writer.add { [self] in completion(Result { try recover() }) }
    }

    func store(_ batch: StorageBatch, completion: @escaping @Sendable ((any Error)?) -> Void) {
        writer.add { [self] in
            do {
                try log.withLock { try append(batch, &$0) }
                publish()
                completion(nil)
            } catch {
                completion(error)
            }
            if pool.count == 0 { tend() }
        }
    }

    func storeAtOnce(_ batch: StorageBatch) throws -> Bool {
        guard pace.withLock({ $0.isQuick }) else { return false }
        let isStored = try log.withLockIfAvailable { log in
            guard log.takesAtOnce(batch) else { return false }
            try append(batch, &log)
            return true
        }
        guard isStored == true else { return false }
        publish()
        return true
    }

    private func append(_ batch: StorageBatch, _ log: inout TreeLog) throws {
        let wasExpected = log.isNextSegmentExpected
        let begin = ContinuousClock.now
        try log.append(batch)
        let took = ContinuousClock.now - begin
        pace.withLock { $0.note(took) }
        if log.isNextSegmentExpected, !wasExpected { writeZerosAhead() }
    }

    func checkpoint(_ step: CheckpointStep, completion: @escaping @Sendable ((any Error)?) -> Void) {
        keeper.add { [self] in
            do {
                try take(step)
                completion(nil)
            } catch {
                completion(error)
            }
        }
    }

    private func take(_ step: CheckpointStep) throws {
        switch step {
        case .begin(let pace):
            checkpointPace.withLock { $0 = pace }
            let (start, secret) = log.withLock { ($0.checkpointBegins(), $0.secret) }
            guard let start else { return }
            publish()
            try checkpoint.withLock { try $0.begin(at: start, secret: secret) }
        case .nodes(let block):
            let begin = ContinuousClock.now
            let written = try checkpoint.withLock { checkpoint in
                try checkpoint.add(.nodes, block)
                return checkpoint.written
            }
            let took = ContinuousClock.now - begin
            rest(
                checkpointPace.withLock { $0.rest(after: took, written: written, logGrowth: report().bytesSinceBegin) })
        case .sessions(let block): try checkpoint.withLock { try $0.add(.sessions, block) }
        case .seal(let seal):
            let (name, start, size) = try checkpoint.withLock { try $0.seal(seal) }
            let (limit, obsolete) = log.withLock { log in
                (log.spareLimit, log.checkpointSealed(as: name, start: start))
            }
            publish()
            clean(obsolete, size: size, limit: limit)
        case .abandon: checkpoint.withLock { $0.abandon() }
        }
    }

    /// Puts aside what the newest checkpoint has replaced. What cannot be is found again by the next start.
    private func clean(_ obsolete: (segments: [UInt64], names: [String]), size: Int, limit: Int) {
        func attempt(_ path: String, _ body: () throws -> Void) {
            do { try body() } catch {
                options.logger?.warning(
                    "a file that is not needed any more could not be put aside; the next start does",
                    metadata: ["file": "\(path)", "error": "\(error)"])
            }
        }
        for name in obsolete.names {
            attempt(name) { try checkpoint.withLock { try $0.retire(name, size: size) } }
        }
        for segment in obsolete.segments {
            attempt(LogFormat.segmentName(segment)) { try pool.recycle(segment: segment, limit: limit) }
        }
        publish()
    }

    /// Leaves the disk to the log for a while: the keeper has time, and whoever waits for a write has not.
    private func rest(_ time: Duration) {
        if time > .microseconds(100) { usleep(UInt32(time / .microseconds(1))) }
    }

    /// Writes through the file of the next segment, in small pieces between other work.
    private func writeZerosAhead() {
        keeper.add { [self] in
            let begin = ContinuousClock.now
            // What failed is left to the log, which then waits for it.
            guard (try? pool.writeZerosAhead()) == true else { return }
            rest(min((ContinuousClock.now - begin) * 4, .milliseconds(2)))
            writeZerosAhead()
        }
    }

    private func publish() {
        // One lock in the other, or an older report could follow a newer one.
        log.withLock { log in published.withLock { $0 = log.report } }
    }

    func report() -> StorageReport { published.withLock { $0 } }

    func tend() {
        keeper.add { [self] in
            guard pool.count == 0 else { return }
            // What failed is in the report, and is tried again.
            try? pool.prepare()
            publish()
            if log.withLock({ $0.isNextSegmentExpected }) { writeZerosAhead() }
        }
    }

    func close() {
        writer.add { [self] in log.withLock { $0.close() } }
        writer.end()
        writer.join()
        keeper.add { [self] in checkpoint.withLock { $0.abandon() } }
        keeper.end()
        keeper.join()
        directory.release()
    }
}
