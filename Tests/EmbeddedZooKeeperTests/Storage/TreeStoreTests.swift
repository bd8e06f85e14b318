import Foundation
import NIOCore
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

/// The real store on a real directory.
@Suite struct TreeStoreTests {
    final class Scratch {
        let path = FileManager.default.temporaryDirectory.path + "/tree-\(UUID().uuidString)"
        deinit { try? FileManager.default.removeItem(atPath: path) }

        func store(milliseconds: Int64 = 1_800_000_000_000, segmentBytes: Int = 64 << 10) throws -> TreeStore {
            var options = TreeStore.Options()
            options.log.segmentBytes = segmentBytes
            options.wallMilliseconds = { milliseconds }
            return try TreeStore(directory: try DataDirectory(path), options: options)
        }

        /// Reads the directory as a start would.
        func recover(milliseconds: Int64 = 1_800_000_000_000) throws -> RecoveredState {
            let store = try store(milliseconds: milliseconds)
            defer { store.close() }
            return try store.recover()
        }

        func names(_ prefix: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasPrefix(prefix) }.sorted()
        }

        func change(_ name: String, _ body: (inout Data) -> Void) throws {
            let url = URL(fileURLWithPath: path + "/" + name)
            var data = try Data(contentsOf: url)
            body(&data)
            try data.write(to: url)
        }
    }

    private typealias Continuation = CheckedContinuation<Void, any Error>

    static func store(_ batch: StorageBatch, in store: TreeStore) async throws {
        try await withCheckedThrowingContinuation { (continuation: Continuation) in
            store.store(batch) { error in
                if let error { continuation.resume(throwing: error) } else { continuation.resume() }
            }
        }
    }

    private static func take(_ step: CheckpointStep, in store: TreeStore) async throws {
        try await withCheckedThrowingContinuation { (continuation: Continuation) in
            store.checkpoint(step) { error in
                if let error { continuation.resume(throwing: error) } else { continuation.resume() }
            }
        }
    }

    /// Makes nodes `/n0` … each in a batch of its own.
    ///
    /// - Parameter checkpointEvery: Begins a checkpoint after so many, when none is going on; 0: never.
    static func fill(
        _ scratch: Scratch, nodes: Int, dataBytes: Int = 1, checkpointEvery: Int = 0, segmentBytes: Int = 64 << 10,
        closing: Bool = true
    ) async throws {
        let store = try scratch.store(segmentBytes: segmentBytes)
        var settings = Engine.Settings()
        settings.checkpointStepNodes = 7
        var now = Now(instant: Instant(nanoseconds: 1), wallMilliseconds: 1_800_000_000_000)
        let engine = try Engine(recovered: try store.recover(), settings: settings, now: now)
        let client = engine.accept(address: "10.0.0.1", number: 1)
        var handshake = ByteBuffer()
        ConnectRequest(lastZxidSeen: 0, timeoutMilliseconds: 10_000).write(into: &handshake)
        engine.receive(&handshake, from: client, now: now)
        for index in 0..<nodes {
            var frame = ByteBuffer()
            RequestHeader(xid: Int32(index), operation: .create).write(into: &frame)
            let mode: CreateMode = index % 2 == 0 ? .persistent : .ephemeral
            let data = [UInt8](repeating: UInt8(index & 0xFF), count: dataBytes)
            CreateRequest(path: "/n\(index)", data: data, mode: mode).write(into: &frame)
            now.instant.nanoseconds += 1
            engine.receive(&frame, from: client, now: now)
            if let batch = engine.takeBatch(now: now) {
                try await Self.store(batch, in: store)
                engine.batchStored(batch.number, now: now)
            }
            if checkpointEvery > 0, !engine.isCheckpointing, index % checkpointEvery == checkpointEvery - 1 {
                try await take(.begin(CheckpointPace()), in: store)
                engine.beginCheckpoint()
            }
            if let step = engine.nextCheckpointStep() {
                try await take(step, in: store)
                if case .seal = step { engine.endCheckpoint() }
            }
        }
        if closing { store.close() }
    }

    @Test(arguments: [0, 10]) func everythingStoredComesBack(checkpointEvery: Int) async throws {
        let scratch = Scratch()
        try await Self.fill(scratch, nodes: 60, checkpointEvery: checkpointEvery)
        #expect(try scratch.names("checkpoint-").count == (checkpointEvery == 0 ? 0 : 1))
        let state = try scratch.recover()
        #expect(state.sessions.values.map { $0 } == [10_000])
        #expect((0..<60).allSatisfy { state.nodes[PathKey("/n\($0)")]?.data == [UInt8($0)] })
        let now = Now(instant: Instant(nanoseconds: 1), wallMilliseconds: 1)
        let engine = try Engine(recovered: state, settings: .init(), now: now)
        #expect(engine.tree.root.children.count == 61)
        #expect(engine.tree.ephemerals.values.map(\.count) == [30])
        #expect(engine.lastZxid > state.lastZxid)
        #expect(engine.nextSessionID > state.sessions.keys.max() ?? 0)
    }

    /// Many small segments and checkpoints: the log is trimmed, its files are used again.
    @Test func theLogIsTrimmedAndItsFilesAreUsedAgain() async throws {
        let scratch = Scratch()
        for round in 0..<3 {
            let before = round == 0 ? 0 : try scratch.recover().nodes.count
            try await Self.fill(scratch, nodes: 300, dataBytes: 300, checkpointEvery: 40, segmentBytes: 16 << 10)
            #expect(try scratch.recover().nodes.count >= max(before, 300))
        }
        let files = try scratch.names("log-").count + scratch.names("spare-").count
        #expect(files < 40, "\(files) files for three rounds of 20 segments")
        #expect(try scratch.names("checkpoint-").count == 1)
    }

    /// The log does not have to do it while somebody waits for a batch; but no start alone writes a whole segment.
    @Test func theNextSegmentIsWrittenThroughOnceItWillBeNeeded() async throws {
        let scratch = Scratch()
        let segmentBytes = 256 << 10
        let store = try scratch.store(segmentBytes: segmentBytes)
        let state = try store.recover()
        func extent() throws -> Int? {
            let spare = try scratch.names("spare-").first
            return try spare.map {
                try PosixFileSystem().open(scratch.path + "/" + $0, .read).writtenExtent()
            }
        }
        // Looks are counted, not seconds: on a busy machine a pause of this task alone may take many.
        func waitForExtent(_ isReached: (Int) -> Bool) async throws -> Int? {
            for _ in 0..<6000 {
                if let extent = try extent(), isReached(extent) { return extent }
                try await Task.sleep(for: .milliseconds(5))
            }
            return try extent()
        }
        let before = try await waitForExtent { _ in true }
        #expect(before == 0)
        let batch = StorageBatch(number: 1, lastZxid: state.startZxid, log: ByteBuffer(repeating: 0, count: 40_000))
        try await Self.store(batch, in: store)
        #expect(try await waitForExtent { $0 == segmentBytes } == segmentBytes)
        store.close()
        // It is taken as it is by the next start.
        let pool = SegmentPool(fileSystem: PosixFileSystem(), directory: scratch.path, segmentSize: segmentBytes)
        try pool.adopt(try scratch.names("spare-"))
        #expect(try !pool.writeZerosAhead())
        #expect(try pool.take(atLeast: segmentBytes).zeroedTo == segmentBytes)
    }

    @Test func zxidsGrowWhateverHappensToTheDirectory() throws {
        let scratch = Scratch()
        let now: Int64 = 1_800_000_000_000
        var starts = [try scratch.recover(milliseconds: now).startZxid]
        starts.append(try scratch.recover(milliseconds: now).startZxid)
        // The clock went back.
        starts.append(try scratch.recover(milliseconds: 0).startZxid)
        // The log was replaced by an older one; the file beside it remembers.
        for name in try scratch.names("log-") { try FileManager.default.removeItem(atPath: scratch.path + "/" + name) }
        starts.append(try scratch.recover(milliseconds: 0).startZxid)
        #expect(starts[3] >> 32 > starts[2] >> 32)
        // Everything was wiped; the calendar remembers.
        try FileManager.default.removeItem(atPath: scratch.path)
        starts.append(try scratch.recover(milliseconds: now + 3_600_000).startZxid)
        #expect(zip(starts, starts.dropFirst()).allSatisfy { $0 < $1 }, "\(starts)")
        #expect(starts.allSatisfy { $0 < 1 << 53 })
        // Not even a clock of the year 2100 makes numbers that JavaScript cannot hold.
        let far = Scratch()
        #expect(try far.recover(milliseconds: 4_102_444_800_000).startZxid < 1 << 53)
    }

    @Test func passwordsSurviveARestart() throws {
        let scratch = Scratch()
        let first = try scratch.recover().secret
        #expect(first.count == 32)
        #expect(try scratch.recover().secret == first)
    }

    @Test func directoryBelongsToOne() throws {
        let scratch = Scratch()
        let first = try DataDirectory(scratch.path)
        let error = #expect(throws: RecoveryError.self) { try DataDirectory(scratch.path) }
        #expect(error?.description.contains("in use by another server") == true)
        withExtendedLifetime(first) {}
    }

    @Test("links in the data directory are not followed: their targets stay as they are")
    func linksAreNotFollowed() throws {
        let scratch = Scratch()
        let victim = scratch.path + ".victim"
        try Data("precious".utf8).write(to: URL(fileURLWithPath: victim))
        defer { try? FileManager.default.removeItem(atPath: victim) }
        try FileManager.default.createDirectory(atPath: scratch.path, withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: scratch.path + "/lock", withDestinationPath: victim)
        let error = #expect(throws: RecoveryError.self) { try DataDirectory(scratch.path) }
        #expect(error?.description.contains("is a link") == true, "\(error?.description ?? "")")
        for mode in [StorageFileMode.create, .writeSectors, .read] {
            #expect(throws: StorageError.self) { try PosixFileSystem().open(scratch.path + "/lock", mode) }
        }
        #expect(try String(contentsOfFile: victim, encoding: .utf8) == "precious")
        try FileManager.default.removeItem(atPath: scratch.path + "/lock")
        let directory = try DataDirectory(scratch.path)
        #expect(!directory.isWritableByOthers)
        chmod(scratch.path, 0o777)
        #expect(directory.isWritableByOthers)
    }

    @Test(arguments: ["flip", "cut", "missing segment", "exchanged", "header", "end"])
    func damagedLogIsRefused(_ damage: String) async throws {
        let scratch = Scratch()
        try await Self.fill(scratch, nodes: 40, dataBytes: 1000, segmentBytes: 16 << 10)
        let segments = try scratch.names("log-")
        #expect(segments.count > 2)
        switch damage {
        case "flip": try scratch.change(segments[1]) { $0[700] ^= 4 }
        case "cut": try scratch.change(segments[0]) { $0.removeLast($0.count / 2) }
        case "missing segment": try FileManager.default.removeItem(atPath: scratch.path + "/" + segments[1])
        case "exchanged":
            let second = try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/" + segments[1]))
            try scratch.change(segments[0]) { $0 = second }
        case "header": try scratch.change(segments[1]) { $0[20] ^= 1 }
        // The last batch of a server that ended in good order.
        default: try scratch.change(try #require(segments.last)) { $0[600] ^= 1 }
        }
        let error = #expect(throws: RecoveryError.self) { try scratch.recover() }
        let text = error?.description ?? ""
        #expect(text.contains(scratch.path + "/log-") && text.contains("backup"), "\(text)")
        #expect(damage == "missing segment" || text.contains("byte"), "\(text)")
    }

    /// Wherever the last segment is cut, between two batches, too, it is not taken for its end.
    @Test func aLastSegmentThatWasCutShortIsRefused() async throws {
        let scratch = Scratch()
        try await Self.fill(scratch, nodes: 10, dataBytes: 1200, closing: false)
        let copy = Scratch()
        try FileManager.default.copyItem(atPath: scratch.path, toPath: copy.path)
        let name = try #require(try copy.names("log-").last)
        let path = copy.path + "/" + name
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        let used = (whole.lastIndex { $0 != 0 } ?? 0) / 512 + 1
        var atBoundaries = 0
        for sectors in Array(1...used + 2) + [whole.count / 512 - 1] {
            try copy.change(name) { $0 = whole[..<(sectors * 512)] }
            let error = #expect(throws: RecoveryError.self) { try copy.recover() }
            let text = error?.description ?? ""
            #expect(text.contains("\(path), byte ") && text.contains("backup"), "\(text)")
            if text.contains("truncate --size=\(whole.count) \(path)") { atBoundaries += 1 }
        }
        // Between any two of eleven batches, in the end of the last one, and behind it.
        #expect(atBoundaries >= 13)
        // What the message says for those who have no better copy: three sectors are the last batch.
        let kept = (used - 3) * 512
        try copy.change(name) { $0 = whole[..<kept] }
        let error = #expect(throws: RecoveryError.self) { try copy.recover() }
        #expect(error?.description.contains("last transaction before it is 0x") == true)
        let verified = #expect(throws: EmbeddedServerError.self) { try TreeBackup.verify(directory: copy.path) }
        #expect(error?.description == verified?.description)
        try copy.change(name) { $0 += Data(count: whole.count - kept) }
        #expect(try copy.recover().nodes[PathKey("/n8")] != nil)
        // Behind the mark of a good end there is nothing to lose.
        let closed = Scratch()
        try await Self.fill(closed, nodes: 10)
        let last = try #require(try closed.names("log-").last)
        let content = try Data(contentsOf: URL(fileURLWithPath: closed.path + "/" + last))
        let end = (content.lastIndex { $0 != 0 } ?? 0) / 512 + 1
        try closed.change(last) { $0 = content[..<((end - 1) * 512)] }
        #expect(throws: RecoveryError.self) { try closed.recover() }
        try closed.change(last) { $0 = content[..<(end * 512)] }
        let state = try closed.recover()
        #expect((0..<10).allSatisfy { state.nodes[PathKey("/n\($0)")] != nil })
    }

    @Test func damagedCheckpointIsRefused() async throws {
        let scratch = Scratch()
        try await Self.fill(scratch, nodes: 60, checkpointEvery: 20, segmentBytes: 8 << 10)
        let name = try #require(try scratch.names("checkpoint-").first)
        let size = try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/" + name)).count
        for offset in [3, 40, 530, size / 2, size - 300] {
            try scratch.change(name) { $0[offset] ^= 0x10 }
            let isPadding = (try? scratch.recover()) != nil
            #expect(!isPadding || offset == size - 300, "a flip of byte \(offset) of \(size) was not noticed")
            try scratch.change(name) { $0[offset] ^= 0x10 }
        }
        _ = try scratch.recover()
        try FileManager.default.removeItem(atPath: scratch.path + "/" + name)
        #expect(throws: RecoveryError.self) { try scratch.recover() }
    }

    @Test func newerFormatsAndForeignDirectoriesAreRefused() async throws {
        let scratch = Scratch()
        try await Self.fill(scratch, nodes: 1)
        let name = try #require(try scratch.names("log-").first)
        try scratch.change(name) { content in
            content[11] = 99
            let checksum = content.withUnsafeBytes {
                Checksum.crc32c(UnsafeRawBufferPointer(rebasing: $0.prefix(LogFormat.contentSize)))
            }
            withUnsafeBytes(of: checksum.bigEndian) {
                content.replaceSubrange(LogFormat.contentSize..<LogFormat.sectorSize, with: $0)
            }
        }
        let newer = #expect(throws: RecoveryError.self) { try scratch.recover() }
        #expect(newer?.description.contains("use the version of the program that wrote it") == true)
        let older = Scratch()
        _ = try DataDirectory(older.path)
        try Data(repeating: 0x41, count: 8192).write(to: URL(fileURLWithPath: older.path + "/tree.sqlite"))
        let error = #expect(throws: RecoveryError.self) { try older.recover() }
        #expect(error?.description.contains("SQLite") == true)
    }

    /// They are left alone and named, once.
    @Test func foreignFilesAreNamed() throws {
        let scratch = Scratch()
        let directory = try DataDirectory(scratch.path)
        for name in ["notes.txt", "log-backup", "lost+found"] {
            try Data("x".utf8).write(to: URL(fileURLWithPath: scratch.path + "/" + name))
        }
        let log = LogRecorder()
        var options = TreeStore.Options()
        options.log.segmentBytes = 64 << 10
        options.logger = log.logger
        let store = try TreeStore(directory: directory, options: options)
        defer { store.close() }
        _ = try store.recover()
        #expect(log.text.contains("log-backup, notes.txt") && !log.text.contains("lost+found"), "\(log.text)")
        #expect(log.text.split(separator: "\n").count == 1)
        #expect(try scratch.names("").contains("notes.txt"))
    }

    /// The files as a power cut would leave them: copied while the store is open.
    @Test func filesOfARunningServerAreEnough() async throws {
        let scratch = Scratch()
        try await Self.fill(scratch, nodes: 20, closing: false)
        let copy = Scratch()
        try FileManager.default.copyItem(atPath: scratch.path, toPath: copy.path)
        #expect(try copy.recover().nodes.count >= 20)
    }

    /// What a power cut left of the last batch is dropped; of what was there before, nothing is.
    @Test func aTornTailIsDropped() async throws {
        let scratch = Scratch()
        try await Self.fill(scratch, nodes: 10, dataBytes: 3000, closing: false)
        let copy = Scratch()
        try FileManager.default.copyItem(atPath: scratch.path, toPath: copy.path)
        let name = try #require(try copy.names("log-").last)
        // Seven sectors a batch; the last one's fourth was not written.
        try copy.change(name) { data in
            let used = (data.lastIndex { $0 != 0 } ?? 0) / 512
            for byte in (used - 3) * 512..<(used - 2) * 512 { data[byte] = 0 }
        }
        let state = try copy.recover()
        #expect(state.nodes[PathKey("/n8")] != nil && state.nodes[PathKey("/n9")] == nil)
        #expect(try copy.recover().nodes[PathKey("/n8")]?.data?.count == 3000)
    }
}
