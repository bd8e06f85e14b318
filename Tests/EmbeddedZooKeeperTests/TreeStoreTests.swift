import Foundation
import GRDB
import NIOCore
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

/// The real store on a real directory.
@Suite struct TreeStoreTests {
    private final class Scratch {
        let path = FileManager.default.temporaryDirectory.path + "/tree-\(UUID().uuidString)"
        deinit { try? FileManager.default.removeItem(atPath: path) }
        var database: String { path + "/" + TreeStore.fileName }

        func store(seconds: Int64 = 1_800_000_000) throws -> TreeStore {
            try TreeStore(directory: try DataDirectory(path), wallSeconds: { seconds })
        }
    }

    private static func store(_ batch: StorageBatch, in store: TreeStore) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            store.store(batch) { error in
                if let error { continuation.resume(throwing: error) } else { continuation.resume() }
            }
        }
    }

    /// Makes nodes `/n0` … with a store that is then left without being closed.
    private static func fill(_ scratch: Scratch, nodes: Int, checkpointBytes: Int = 16 << 20) async throws {
        let store = try scratch.store()
        var settings = Engine.Settings()
        settings.checkpointLogBytes = checkpointBytes
        settings.checkpointChunkNodes = 2
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
            CreateRequest(path: "/n\(index)", data: [UInt8(index & 0xFF)], mode: mode).write(into: &frame)
            now.instant.nanoseconds += 1
            engine.receive(&frame, from: client, now: now)
            if let batch = engine.takeBatch(now: now) {
                try await Self.store(batch, in: store)
                engine.batchStored(batch.number, now: now)
            }
        }
        store.close()
    }

    @Test(arguments: [16 << 20, 200]) func everythingStoredComesBack(checkpointBytes: Int) async throws {
        let scratch = Scratch()
        try await Self.fill(scratch, nodes: 50, checkpointBytes: checkpointBytes)
        let state = try scratch.store().recover()
        #expect(state.sessions.values.map { $0 } == [10_000])
        #expect((0..<50).allSatisfy { state.nodes[PathKey("/n\($0)")]?.data == [UInt8($0)] })
        let now = Now(instant: Instant(nanoseconds: 1), wallMilliseconds: 1)
        let engine = try Engine(recovered: state, settings: .init(), now: now)
        #expect(engine.tree.root.children.count == 51)
        #expect(engine.tree.ephemerals.values.map(\.count) == [25])
        #expect(engine.lastZxid > state.lastZxid)
    }

    @Test func epochGrowsWhateverHappensToTheDirectory() throws {
        let scratch = Scratch()
        let first = try scratch.store(seconds: 1_800_000_000).recover().epoch
        let second = try scratch.store(seconds: 1_800_000_000).recover().epoch
        // The clock went back.
        let third = try scratch.store(seconds: 0).recover().epoch
        #expect(first < second && second < third)
        // The database was replaced by an older one; the file beside it remembers.
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: scratch.database + suffix) }
        let fourth = try scratch.store(seconds: 0).recover().epoch
        #expect(third < fourth)
        // Everything was wiped; the calendar remembers.
        try FileManager.default.removeItem(atPath: scratch.path)
        #expect(try scratch.store(seconds: 1_800_000_100).recover().epoch > fourth)
    }

    @Test func passwordsSurviveARestart() throws {
        let scratch = Scratch()
        let first = try scratch.store().recover().secret
        #expect(first.count == 32)
        #expect(try scratch.store().recover().secret == first)
    }

    @Test func directoryBelongsToOne() throws {
        let scratch = Scratch()
        let first = try DataDirectory(scratch.path)
        let error = #expect(throws: RecoveryError.self) { try DataDirectory(scratch.path) }
        #expect(error?.description.contains("in use by another server") == true)
        withExtendedLifetime(first) {}
    }

    @Test(arguments: ["flip", "cut", "missing", "garbage"]) func damagedLogIsRefused(_ damage: String) async throws {
        let scratch = Scratch()
        try await Self.fill(scratch, nodes: 10)
        let queue = try DatabaseQueue(path: scratch.database)
        try await queue.write { db in
            let rows = try Row.fetchAll(db, sql: "SELECT zxid, records FROM log ORDER BY zxid")
            let zxid: Int64 = rows[4][0]
            var records: Data = rows[4][1]
            switch damage {
            case "flip": records[records.count / 2] ^= 1
            case "cut": records.removeLast(3)
            case "garbage": records.append(contentsOf: [1, 2, 3, 4, 5, 6, 7, 8, 9])
            default: break
            }
            if damage == "missing" {
                try db.execute(sql: "DELETE FROM log WHERE zxid = ?", arguments: [zxid])
            } else {
                try db.execute(sql: "UPDATE log SET records = ? WHERE zxid = ?", arguments: [records, zxid])
            }
        }
        try queue.close()
        let error = #expect(throws: RecoveryError.self) { try scratch.store().recover() }
        #expect(error?.description.contains("0x") == true, "\(String(describing: error))")
    }

    @Test func damagedNodeIsRefused() async throws {
        let scratch = Scratch()
        try await Self.fill(scratch, nodes: 30, checkpointBytes: 100)
        let queue = try DatabaseQueue(path: scratch.database)
        try await queue.write { db in
            let path: String = try #require(try String.fetchOne(db, sql: "SELECT path FROM node WHERE path LIKE '/n%'"))
            var state: Data = try #require(
                try Data.fetchOne(db, sql: "SELECT state FROM node WHERE path = ?", arguments: [path]))
            state[state.count - 1] ^= 0x10
            try db.execute(sql: "UPDATE node SET state = ? WHERE path = ?", arguments: [state, path])
        }
        try queue.close()
        let error = #expect(throws: RecoveryError.self) { try scratch.store().recover() }
        #expect(error?.description.contains("damaged") == true)
    }

    @Test func newerFormatAndForeignFilesAreRefused() async throws {
        let scratch = Scratch()
        try await Self.fill(scratch, nodes: 1)
        let queue = try DatabaseQueue(path: scratch.database)
        try await queue.write { try $0.execute(sql: "PRAGMA user_version = 99") }
        try queue.close()
        #expect(throws: RecoveryError.self) { try scratch.store() }
        let other = Scratch()
        _ = try DataDirectory(other.path)
        try Data(repeating: 0x41, count: 8192).write(to: URL(fileURLWithPath: other.database))
        #expect(throws: RecoveryError.self) { try other.store().recover() }
    }

    /// The files as a power cut would leave them: copied while the store is open.
    @Test func filesOfARunningServerAreEnough() async throws {
        let scratch = Scratch()
        let store = try scratch.store()
        let state = try store.recover()
        let now = Now(instant: Instant(nanoseconds: 1), wallMilliseconds: 1)
        let engine = try Engine(recovered: state, settings: .init(), now: now)
        let client = engine.accept(address: "10.0.0.1", number: 1)
        var handshake = ByteBuffer()
        ConnectRequest(lastZxidSeen: 0, timeoutMilliseconds: 10_000).write(into: &handshake)
        engine.receive(&handshake, from: client, now: now)
        let batch = try #require(engine.takeBatch(now: now))
        try await Self.store(batch, in: store)
        let copy = Scratch()
        try FileManager.default.copyItem(atPath: scratch.path, toPath: copy.path)
        #expect(try copy.store().recover().sessions.count == 1)
        store.close()
    }
}
