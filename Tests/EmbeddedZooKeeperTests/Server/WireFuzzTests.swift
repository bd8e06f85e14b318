import NIOCore
import Primitives
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

/// Frames that somebody damaged on the way, and frames of noise: never a crash, never a wrong answer to somebody else, and
/// nothing in the log that a restart could not read.
@Suite struct WireFuzzTests {
    @Test(arguments: [UInt64.random(in: 0...999_999_999)])
    func damagedFramesHurtNobodyElse(seed: UInt64) async throws {
        print("seed \(seed)")
        var random = SeededRandom(seed: seed)
        let harness = try EngineHarness(settings: Engine.Settings(superDigest: nil))
        let bystander = try harness.connected()
        try bystander.authenticate("bystander:secret")
        try bystander.create("/mine", [1, 2, 3], acl: ACL.creatorAll)
        try bystander.create("/mine/owned", [4], acl: ACL.creatorAll, mode: .ephemeral)
        _ = try bystander.get("/mine", watch: true)
        var attackers: [EngineClient] = []
        var count = 0
        while count < 100_000 {
            if attackers.count < 3 { attackers.append(try newcomer(harness, &random)) }
            let attacker = attackers[Int.random(in: 0..<attackers.count, using: &random)]
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                var frame = Self.frame(&random)
                harness.engine.receive(&frame, from: attacker.client, now: harness.now)
                count += 1
            }
            harness.settle()
            try check(attacker)
            _ = harness.engine.takeTouched()
            attackers.removeAll { $0.client.phase == .closing || $0.client.phase == .aborted }
            if count % 50 < 8 {
                // Other tests have deadlines, and share the threads.
                await Task.yield()
                #expect(try bystander.get("/mine").data == [1, 2, 3])
                #expect(try bystander.get("/mine/owned").data == [4])
                #expect(try bystander.children("/mine") == ["owned"])
            }
        }
        // No event was told but that of its own change.
        #expect(try bystander.events() == [])
        try bystander.set("/mine", [9])
        let nodes = harness.engine.tree.nodes.mapValues(\.state)
        let again = try harness.restarted()
        #expect(again.engine.tree.nodes.mapValues(\.state) == nodes)
        #expect(again.engine.tree.ephemerals == harness.engine.tree.ephemerals)
        #expect(Set(again.engine.sessions.keys) == Set(harness.engine.sessions.keys))
    }

    private func newcomer(_ harness: EngineHarness, _ random: inout SeededRandom) throws -> EngineClient {
        if Int.random(in: 0..<4, using: &random) > 0 { return try harness.connected() }
        // The handshake damaged, too.
        let client = harness.open()
        var frame = ByteBuffer()
        ConnectRequest(lastZxidSeen: 0, timeoutMilliseconds: 10_000, sessionID: Int64.random(in: 0...2, using: &random))
            .write(into: &frame)
        frame = Self.damaged(frame, &random)
        harness.engine.receive(&frame, from: client.client, now: harness.now)
        harness.settle()
        client.client.ready.clear()
        return client.client.phase == .connected ? client : try harness.connected()
    }

    /// Everything sent is whole frames, each with a header.
    private func check(_ client: EngineClient) throws {
        while var frame = try Frame.decode(from: &client.client.ready) {
            _ = try ReplyHeader(from: &frame)
        }
        #expect(client.client.ready.readableBytes == 0)
    }

    // MARK: Frames

    private static func frame(_ random: inout SeededRandom) -> ByteBuffer {
        if Int.random(in: 0..<10, using: &random) == 0 {
            let length = Int.random(in: 0...200, using: &random)
            return ByteBuffer(bytes: (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
        var frame = ByteBuffer()
        let (operation, body) = request(&random)
        RequestHeader(xid: Int32.random(in: 1...1000, using: &random), operation: operation).write(into: &frame)
        body?.write(into: &frame)
        return Int.random(in: 0..<4, using: &random) == 0 ? frame : damaged(frame, &random)
    }

    private static func damaged(_ frame: ByteBuffer, _ random: inout SeededRandom) -> ByteBuffer {
        var bytes = Array(frame.readableBytesView)
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            guard !bytes.isEmpty else { break }
            let index = Int.random(in: bytes.indices, using: &random)
            switch Int.random(in: 0..<7, using: &random) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 2: bytes.removeSubrange(index...)
            case 3: bytes.remove(at: index)
            case 4: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
            case 5:
                // A length or a count that means more than there is.
                let value = [0xFFFF_FFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFF, 0x10_0000].randomElement(using: &random) ?? 0
                for (offset, shift) in [24, 16, 8, 0].enumerated() where index + offset < bytes.count {
                    bytes[index + offset] = UInt8(truncatingIfNeeded: value >> shift)
                }
            default: bytes += bytes[index...]
            }
        }
        return ByteBuffer(bytes: bytes)
    }

    private static let paths = [
        "/mine", "/mine/owned", "/", "/a", "/b", "/a/x", "/a/y", "/b/ä", "/zookeeper/config", "",
    ]

    private static func request(_ random: inout SeededRandom) -> (OperationCode, (any Record)?) {
        let path = paths.randomElement(using: &random) ?? "/"
        let version = Int32.random(in: -1...1, using: &random)
        let mode = CreateMode.allCases.randomElement(using: &random) ?? .persistent
        let create = CreateRequest(path: path, data: [1], mode: mode, timeToLiveMilliseconds: 1_000_000)
        let name = OperationCode.allCases.randomElement(using: &random) ?? .ping
        switch name {
        case .create, .create2, .createContainer, .createTTL: return (create.operation, create)
        case .delete, .check: return (name, PathVersionRequest(path: path, version: version))
        case .exists, .getData, .getChildren, .getChildren2: return (name, PathWatchRequest(path: path, watch: true))
        case .setData: return (name, SetDataRequest(path: path, data: [2, 3], version: version))
        case .getACL, .sync, .getEphemerals, .getAllChildrenNumber, .deleteContainer:
            return (name, PathRequest(path: path))
        case .setACL:
            return (name, SetACLRequest(path: path == "/" ? "/a" : path, acl: ACL.worldAll, version: version))
        case .multi:
            let request = MultiRequest(operations: [
                .create(create, type: create.operation),
                .setData(SetDataRequest(path: path, data: [5], version: version)),
                .check(PathVersionRequest(path: "/b", version: version)),
                .delete(PathVersionRequest(path: path, version: version)),
            ])
            return (name, MultiRequest(operations: request.operations.filter { _ in Bool.random(using: &random) }))
        case .multiRead:
            return (name, MultiReadRequest(operations: [.getData(path: path), .getChildren(path: path)]))
        case .auth: return (name, AuthPacket(scheme: "digest", auth: Array("attacker:x".utf8)))
        case .setWatches, .setWatches2:
            var request = SetWatchesRequest(
                relativeZxid: 0, dataWatches: [path], existWatches: [path], childWatches: [path])
            if name == .setWatches2 { request.persistentWatches = [path] }
            return (name, request)
        case .sasl: return (name, SASLToken(token: [1, 2, 3]))
        case .addWatch: return (name, AddWatchRequest(path: path, mode: .persistentRecursive))
        case .checkWatches, .removeWatches: return (name, WatcherTypeRequest(path: path, type: .any))
        case .reconfig:
            let request = ReconfigRequest(
                joiningServers: "server.1=a:1:2", leavingServers: nil, newMembers: nil, currentConfigID: -1)
            return (name, request)
        case .ping, .whoAmI, .createSession, .closeSession, .error: return (name, nil)
        }
    }
}
