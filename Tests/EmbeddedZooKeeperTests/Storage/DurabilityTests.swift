import NIOCore
import Primitives
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

/// Nobody learns of a change before it is on disk.
@Suite struct DurabilityTests {
    private func setData(_ client: EngineClient, _ byte: UInt8) -> Int32 {
        client.send(.setData, SetDataRequest(path: "/a", data: [byte], version: -1))
    }

    @Test func replyReadsAndEventsWaitForTheDisk() throws {
        let harness = try EngineHarness()
        let (writer, reader, watcher) = (
            try harness.connected(), try harness.connected(), try harness.connected()
        )
        try writer.create("/a", [0])
        try watcher.addWatch("/a", .persistent)
        let write = setData(writer, 1)
        let read = reader.send(.getData, PathWatchRequest(path: "/a", watch: false))
        let batch = try #require(harness.engine.takeBatch(now: harness.now))
        for client in [writer, reader, watcher] { #expect(try client.received() == []) }
        harness.disk.store(batch)
        harness.engine.batchStored(batch.number, now: harness.now)
        #expect(try writer.received().map(\.description) == ["reply \(write) Ok (0)"])
        #expect(try reader.received().map(\.description) == ["reply \(read) Ok (0)"])
        #expect(try watcher.received().map(\.description) == ["event nodeDataChanged /a"])
    }

    @Test func readsDoNotWaitWhenNothingIsPending() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        let read = client.send(.getData, PathWatchRequest(path: "/", watch: false))
        #expect(try client.received().map(\.description) == ["reply \(read) Ok (0)"])
    }

    @Test func whatArrivesDuringAWriteSharesTheNext() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        try client.create("/a", [0])
        let first = setData(client, 1)
        let batch = try #require(harness.engine.takeBatch(now: harness.now))
        let later = (2...50).map { setData(client, $0) }
        #expect(harness.engine.takeBatch(now: harness.now) == nil)
        harness.engine.batchStored(batch.number, now: harness.now)
        #expect(try client.received().map(\.description) == ["reply \(first) Ok (0)"])
        let second = try #require(harness.engine.takeBatch(now: harness.now))
        #expect(try client.received() == [])
        harness.engine.batchStored(second.number, now: harness.now)
        #expect(try client.received().map(\.description) == later.map { "reply \($0) Ok (0)" })
        #expect(harness.engine.isSettled)
    }

    @Test func repliesKeepTheOrderOfTheRequests() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        try client.create("/a", [0])
        var random = SeededRandom(seed: 3)
        var expected: [Int32] = []
        var got: [Int32] = []
        var inFlight: StorageBatch?
        for _ in 0..<500 {
            switch Int.random(in: 0..<4, using: &random) {
            case 0: expected.append(setData(client, 1))
            case 1: expected.append(client.send(.getData, PathWatchRequest(path: "/a", watch: false)))
            case 2: inFlight = inFlight ?? harness.engine.takeBatch(now: harness.now)
            default:
                if let batch = inFlight { harness.engine.batchStored(batch.number, now: harness.now) }
                inFlight = nil
            }
            got += try client.received().compactMap { if case .reply(let header, _) = $0 { header.xid } else { nil } }
        }
        if let batch = inFlight { harness.engine.batchStored(batch.number, now: harness.now) }
        harness.settle()
        got += try client.received().compactMap { if case .reply(let header, _) = $0 { header.xid } else { nil } }
        #expect(got == expected)
    }

    /// A stuck disk must not make clients believe that the server is dead.
    @Test func pingsPassAStuckDisk() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        try client.create("/a", [0])
        let before = harness.engine.lastZxid
        _ = setData(client, 1)
        client.send(.ping, xid: ReservedXid.ping)
        guard case .reply(let header, _)? = try client.received().first else {
            Issue.record("no ping reply")
            return
        }
        #expect((header.xid, header.zxid) == (ReservedXid.ping, before))
        // But not in front of the connect response.
        let fresh = harness.open()
        _ = try fresh.connect(ConnectRequest(lastZxidSeen: 0, timeoutMilliseconds: 10_000), settle: false)
        fresh.send(.ping, xid: ReservedXid.ping)
        #expect(fresh.client.ready.readableBytes == 0)
    }

    /// Random work with a power cut at any moment: what comes back is exactly the state after the last stored batch,
    /// with checkpoints of tiny chunks always under way.
    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64]) func aPowerCutLosesNothingThatWasStored(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var settings = Engine.Settings()
        settings.checkpointStepNodes = 3
        var harness = try EngineHarness(settings: settings)
        var client = try harness.connected()
        for round in 0..<12 {
            var inFlight: StorageBatch?
            var atBatch: [UInt64: Snapshot] = [:]
            var durable = Snapshot(harness.engine)
            for _ in 0..<Int.random(in: 1...120, using: &random) {
                switch Int.random(in: 0..<13, using: &random) {
                case 10...: harness.stepCheckpoint()
                case 0..<7: Self.work(client, &random)
                case 7 where inFlight == nil:
                    inFlight = harness.engine.takeBatch(now: harness.now)
                    if let inFlight { atBatch[inFlight.number] = Snapshot(harness.engine) }
                case 8:
                    guard let batch = inFlight else { continue }
                    harness.disk.store(batch)
                    harness.engine.batchStored(batch.number, now: harness.now)
                    durable = try #require(atBatch[batch.number])
                    inFlight = nil
                case 9 where inFlight == nil && Int.random(in: 0..<10, using: &random) == 0:
                    try client.call(.closeSession)
                    client = try harness.connected()
                    durable = Snapshot(harness.engine)
                default: break
                }
            }
            if inFlight == nil, atBatch.isEmpty { harness.settle(); durable = Snapshot(harness.engine) }
            let after = try harness.restarted()
            let differences = Snapshot(after.engine).differences(from: durable)
            #expect(differences.isEmpty, "seed \(seed) round \(round)")
            harness = after
            client = try harness.connected()
            harness.settle()
        }
    }

    private static func work(_ client: EngineClient, _ random: inout SeededRandom) {
        let names = ["a", "b", "c"]
        var path = ""
        for _ in 0...Int.random(in: 0...2, using: &random) {
            path += "/" + names[Int.random(in: 0..<3, using: &random)]
        }
        let data = [UInt8](repeating: UInt8.random(in: 0...9, using: &random), count: 5)
        switch Int.random(in: 0..<6, using: &random) {
        case 0, 1:
            let mode = CreateMode.allCases[Int.random(in: 0...4, using: &random)]
            client.send(.create2, CreateRequest(path: path, data: data, mode: mode))
        case 2: client.send(.delete, PathVersionRequest(path: path, version: -1))
        case 3: client.send(.setData, SetDataRequest(path: path, data: data, version: -1))
        case 4: client.send(.setACL, SetACLRequest(path: path, acl: ACL.worldAll + ACL.worldRead, version: -1))
        default:
            client.send(
                .multi, MultiRequest([.create(path: path, data: data), .setData(path: "/a", data: nil)]))
        }
    }
}

/// Everything that must survive.
private struct Snapshot: Equatable {
    var nodes: [PathKey: NodeState]
    var sessions: [Int64: Int32]
    var children: [PathKey: Set<PathKey>]

    func differences(from other: Snapshot) -> [String] {
        let paths = Set(nodes.keys).union(other.nodes.keys)
        var found = paths.filter { nodes[$0] != other.nodes[$0] || children[$0] != other.children[$0] }.map { path in
            "\(path.string): \(String(describing: nodes[path])) instead of \(String(describing: other.nodes[path]))"
        }
        if sessions != other.sessions { found.append("sessions: \(sessions) instead of \(other.sessions)") }
        return found
    }

    init(_ engine: Engine) {
        nodes = engine.tree.nodes.mapValues(\.state)
        sessions = engine.sessions.mapValues(\.timeoutMilliseconds)
        children = engine.tree.nodes.mapValues { Set($0.children.map(\.key)) }
    }
}
