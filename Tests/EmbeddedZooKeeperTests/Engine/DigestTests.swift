import NIOCore
import Primitives
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

/// The sum over all nodes that tells whether replaying the log has led to the tree that wrote it.
@Suite struct DigestTests {
    private static func changed() throws -> (EngineHarness, EngineClient) {
        let harness = try EngineHarness()
        let client = try harness.connected()
        try client.create("/a", [1, 2])
        try client.create("/a/b", [])
        try client.create("/a/e", mode: .ephemeral)
        harness.settle()
        return (harness, client)
    }

    /// Whatever was done on the way, the sum is that of the nodes that are there.
    @Test(arguments: 0..<20) func itIsTheSumOfWhatIsThere(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let harness = try EngineHarness()
        let client = try harness.connected()
        for step in 0..<200 {
            let path = ["/a", "/b", "/a/c", "/b/d"].randomElement(using: &random) ?? "/a"
            // Some of them fail.
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1: client.send(.create, CreateRequest(path: path, data: [UInt8(step)], mode: .persistent))
            case 2: client.send(.setData, SetDataRequest(path: path, data: nil, version: -1))
            case 3: client.send(.delete, PathVersionRequest(path: path, version: -1))
            case 4: client.send(.setACL, SetACLRequest(path: path, acl: ACL.worldRead, version: -1))
            default:
                // Undone, when the last does not succeed.
                let multi = MultiRequest([.create(path: "/m", data: []), .setData(path: path, data: [9])])
                client.send(.multi, multi)
                client.send(.delete, PathVersionRequest(path: "/m", version: -1))
            }
            if step % 7 == 0 { harness.settle() }
            if step % 20 == 0 {
                let sum = harness.engine.tree.nodes.reduce(UInt64(0)) { $0 &+ NodeDigest.of($1.key, $1.value.state) }
                #expect(harness.engine.tree.digest() == sum)
            }
        }
    }

    /// Each field counts; else a mistake in replaying it would not be found.
    @Test func everythingStoredCounts() throws {
        let key = PathKey("/a")
        let state = NodeState(
            data: [1, 2, 3], acl: ACL.worldAll, czxid: 1, mzxid: 2, pzxid: 3, ctime: 4, mtime: 5, version: 6,
            creations: 7, aversion: 8, owner: .session(9))
        let changes: [(inout NodeState) -> Void] = [
            { $0.data = [1, 2, 4] }, { $0.data = [1, 2, 3, 0] }, { $0.data = [] }, { $0.data = nil },
            { $0.acl = ACL.worldRead }, { $0.acl = ACL.worldAll + ACL.worldRead }, { $0.czxid += 1 },
            { $0.mzxid += 1 }, { $0.pzxid += 1 }, { $0.ctime += 1 }, { $0.mtime += 1 }, { $0.version += 1 },
            { $0.creations += 1 }, { $0.aversion += 1 }, { $0.owner = .none },
            // Fields that change places are not the same.
            { swap(&$0.ctime, &$0.mtime) },
        ]
        var digests: Set = [NodeDigest.of(key, state), NodeDigest.of(PathKey("/b"), state)]
        for change in changes {
            var other = state
            change(&other)
            digests.insert(NodeDigest.of(key, other))
        }
        #expect(digests.count == changes.count + 2)
        // Beyond this process, too: it stands in files.
        #expect(NodeDigest.of(key, state) == 14_427_205_480_409_879_603)
    }

    @Test func aTreeThatCameBackOtherwiseIsNoticed() throws {
        let (harness, _) = try Self.changed()
        var disk = harness.disk
        var state = try disk.recover()
        #expect(state.digest != nil)
        #expect(try Engine(recovered: state, settings: .init(), now: harness.now).statistics.digestMismatches == 0)
        state.nodes[PathKey("/a")]?.version += 1
        let engine = try Engine(recovered: state, settings: .init(), now: harness.now)
        #expect(engine.statistics.digestMismatches == 1)
        let notices = engine.notices.kept
        #expect(notices.contains { if case .digestMismatch(state.lastZxid, _, _) = $0 { true } else { false } })
    }

    @Test func verifyingADirectoryNoticesIt() async throws {
        let scratch = TreeStoreTests.Scratch()
        let store = try scratch.store()
        let start = try store.recover().startZxid
        var writer = LogWriter()
        writer.begin(zxid: start + 1, time: 6)
        writer.createSession(7, timeoutMilliseconds: 8)
        writer.commit()
        let batch = StorageBatch(number: 1, lastZxid: start + 1, log: writer.take(digest: 1))
        try await TreeStoreTests.store(batch, in: store)
        store.close()
        let error = #expect(throws: EmbeddedServerError.self) { try TreeBackup.verify(directory: scratch.path) }
        #expect(error?.description.contains("adds up to another tree") == true)
    }

    /// A log that an earlier version has written has none.
    @Test func aLogWithoutDigestsIsBelieved() throws {
        var writer = LogWriter()
        writer.begin(zxid: 5, time: 6)
        writer.createSession(7, timeoutMilliseconds: 8)
        writer.commit()
        var state = RecoveredState()
        try state.replay(writer.buffer, from: 4, through: 5)
        #expect(state.digest == nil)
        try state.replay(writer.take(digest: 77), from: 4, through: 5)
        #expect(state.digest == 77)
    }

    /// As ZooKeeper's: in hexadecimal the transaction, in decimal the digest, about one for 128 transactions.
    @Test func hashTellsSomeOfThem() throws {
        let (harness, client) = try Self.changed()
        for index in 0..<300 {
            _ = try client.set("/a", [UInt8(index & 0xFF)])
            harness.settle()
        }
        let entries = Array(harness.engine.digests.entries)
        #expect(entries.count == 3)
        #expect(zip(entries, entries.dropFirst()).allSatisfy { $1.zxid - $0.zxid == 128 })
        let context = FourLetterContext(allowed: ["*"], clientPort: 0, dataDirectory: "/", maxClientConnections: 0)
        let text = harness.engine.answer("hash", context, now: harness.now)
        #expect(
            text
                == entries.map { "\(String($0.zxid, radix: 16)): \(Int64(bitPattern: $0.digest))\n" }.joined())
        let bytes = AdminCommand.answer("hash", query: [:], harness.engine, context, harness.now).bytes
        #expect(String(decoding: bytes, as: UTF8.self).contains("\"zxid\" : \(entries[0].zxid)"))
    }
}
