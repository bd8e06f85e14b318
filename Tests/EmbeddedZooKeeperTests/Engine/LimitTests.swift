import Foundation
import Logging
import NIOCore
import Primitives
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

/// What a client cannot do to the server and to others, over real sockets.
@Suite struct LimitTests {
    static func withServer(
        limits: ServerCore.Limits = .init(), _ change: (inout EmbeddedServer.Configuration) -> Void = { _ in },
        _ body: @Sendable (SocketAddress) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.path + "/limits-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        var configuration = EmbeddedServer.Configuration(
            dataDirectory: directory, listen: [HostAndPort(host: "127.0.0.1", port: 0)], tick: .milliseconds(1000))
        configuration.fourLetterWords = ["*"]
        change(&configuration)
        let server = EmbeddedServer(configuration: configuration, logger: logger, limits: limits) {
            try TreeStore(directory: $0)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let address = try #require(try await server.waitUntilListening().first)
            try await body(address)
            group.cancelAll()
            while let next = await group.nextResult() { try next.get() }
        }
    }

    static func request(_ operation: OperationCode, xid: Int32, _ body: any Record) -> ByteBuffer {
        var bytes = ByteBuffer()
        Frame.write(into: &bytes) {
            RequestHeader(xid: xid, operation: operation).write(into: &$0)
            body.write(into: &$0)
        }
        return bytes
    }

    static func reply(_ socket: RawSocket) async throws -> ReplyHeader {
        var frame = try await socket.frame()
        return try ReplyHeader(from: &frame)
    }

    @Test func anOversizeRequestIsAnsweredAndTheConnectionGoesOn() async throws {
        try await Self.withServer(limits: .init(), { $0.maxFrameBytes = 200_000 }) { address in
            let socket = try await RawSocket(address)
            _ = try await socket.connect()
            let small = Self.request(.exists, xid: 8, PathWatchRequest(path: "/", watch: false))
            let large = Self.request(
                .create, xid: 7, CreateRequest(path: "/a", data: Array(repeating: 1, count: 300_000), mode: .persistent)
            )
            // The header alone is enough for the answer.
            var all = large
            try await socket.write(try #require(all.readSlice(length: 12)))
            let refusal = try await Self.reply(socket)
            #expect(refusal.xid == 7 && refusal.error == .marshallingError)
            all.writeImmutableBuffer(small)
            try await socket.write(all)
            let next = try await Self.reply(socket)
            #expect(next.xid == 8 && next.error == .ok)
            // And in one piece, behind and before others.
            var burst = small
            burst.writeImmutableBuffer(large)
            burst.writeImmutableBuffer(small)
            try await socket.write(burst)
            #expect(try await Self.reply(socket).error == .ok)
            #expect(try await Self.reply(socket).error == .marshallingError)
            #expect(try await Self.reply(socket).error == .ok)
            #expect(try await socket.call(.exists, PathWatchRequest(path: "/a", watch: false)).error == .noNode)
        }
    }

    @Test(arguments: [-1, Int32.min, Int32.max, 2 * 0xFFFFF + 1] as [Int32]) func absurdLengthsEndTheConnection(
        length: Int32
    ) async throws {
        try await Self.withServer { address in
            let socket = try await RawSocket(address)
            _ = try await socket.connect()
            var bytes = ByteBuffer()
            bytes.writeMultipleIntegers(length, Int32(1), OperationCode.getData.rawValue)
            try await socket.write(bytes)
            await #expect(throws: (any Error).self) { _ = try await socket.frame() }
        }
    }

    @Test func aFrameMayComeByteByByte() async throws {
        try await Self.withServer { address in
            let socket = try await RawSocket(address)
            _ = try await socket.connect()
            var bytes = Self.request(.exists, xid: 3, PathWatchRequest(path: "/", watch: false))
            while let byte = bytes.readSlice(length: 1) { try await socket.write(byte) }
            #expect(try await Self.reply(socket).xid == 3)
        }
    }

    /// A few kilobytes of requests ask for a hundred megabytes: sent as the client takes them, none missing.
    ///
    /// With one connection a batch, output goes past the pipeline until the socket is full, then through it.
    @Test(arguments: [128, 1]) func largeAnswersToABurstAreAllSent(connectionsPerBatch: Int) async throws {
        var limits = ServerCore.Limits()
        limits.connectionsPerBatch = connectionsPerBatch
        try await Self.withServer(limits: limits) { address in
            let socket = try await RawSocket(address)
            _ = try await socket.connect()
            let data = [UInt8](repeating: 7, count: 1_000_000)
            #expect(
                try await socket.call(.create, CreateRequest(path: "/big", data: data, mode: .persistent)).error == .ok)
            var burst = ByteBuffer()
            for xid in 1...100 {
                burst.writeImmutableBuffer(
                    Self.request(.getData, xid: Int32(xid), PathWatchRequest(path: "/big", watch: false)))
            }
            try await socket.write(burst)
            for xid in 1...100 { #expect(try await Self.reply(socket).xid == Int32(xid)) }
            // What would be too much in one answer is refused, and the connection goes on.
            let many = MultiReadRequest(operations: Array(repeating: .getData(path: "/big"), count: 5000))
            #expect(try await socket.call(.multiRead, many).error == .marshallingError)
            let few = MultiReadRequest(operations: [.getData(path: "/big")])
            #expect(try await socket.call(.multiRead, few).error == .ok)
        }
    }

    @Test func silentConnectionsAreClosed() async throws {
        var limits = ServerCore.Limits()
        limits.handshake = .milliseconds(100)
        try await Self.withServer(limits: limits) { address in
            let socket = try await RawSocket(address)
            // On a busy machine the time may be up before anything is written.
            try? await socket.write(ByteBuffer(bytes: [0, 0]))
            await #expect(throws: (any Error).self) { _ = try await socket.frame() }
        }
    }

    @Test func connectionsInAllAreLimited() async throws {
        try await Self.withServer(limits: .init(), { $0.maxConnections = 3 }) { address in
            var sockets: [RawSocket] = []
            for _ in 0..<3 {
                let socket = try await RawSocket(address)
                _ = try await socket.connect()
                sockets.append(socket)
            }
            let fourth = try await RawSocket(address)
            await #expect(throws: (any Error).self) { _ = try await fourth.connect() }
            await sockets[0].close()
            let deadline = ContinuousClock.now + .seconds(10)
            while ContinuousClock.now < deadline {
                if let again = try? await RawSocket(address), (try? await again.connect()) != nil { return }
            }
            Issue.record("no connection although there is room")
        }
    }

    /// One client has sent tens of thousands of requests; another asks once and is answered long before they are through.
    @Test func aFloodDoesNotStarveOthers() async throws {
        try await Self.withServer { address in
            let flooder = try await RawSocket(address)
            let other = try await RawSocket(address)
            _ = try await flooder.connect()
            _ = try await other.connect()
            let count = 50_000
            var flood = ByteBuffer()
            for xid in 1...count {
                flood.writeImmutableBuffer(
                    Self.request(.getData, xid: Int32(xid), PathWatchRequest(path: "/zookeeper", watch: false)))
            }
            let burst = flood
            async let sent: Void = flooder.write(burst)
            _ = try await flooder.frame()
            let began = ContinuousClock.now
            #expect(try await other.call(.exists, PathWatchRequest(path: "/", watch: false)).error == .ok)
            let waited = ContinuousClock.now - began
            var answered = 1
            while answered < count {
                _ = try await flooder.frame()
                answered += 1
            }
            try await sent
            let whole = ContinuousClock.now - began
            print("answered within \(waited) of a flood of \(whole)")
            #expect(waited < whole / 2 || waited < .milliseconds(20))
        }
    }

    /// Writes wait for the disk: with a tiny allowance the server stops reading, loses nothing and answers in order.
    @Test(arguments: [128, 1]) func backPressureLosesNothing(connectionsPerBatch: Int) async throws {
        var limits = ServerCore.Limits()
        limits.connectionsPerBatch = connectionsPerBatch
        limits.gatedBytes = 200
        limits.totalGatedBytes = 300
        limits.framesPerTurn = 3
        try await Self.withServer(limits: limits) { address in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<4 {
                    group.addTask {
                        let socket = try await RawSocket(address)
                        _ = try await socket.connect()
                        var burst = ByteBuffer()
                        for xid in 1...300 {
                            burst.writeImmutableBuffer(
                                Self.request(
                                    .create, xid: Int32(xid),
                                    CreateRequest(path: "/\(client)-\(xid)", data: [1], mode: .persistent)))
                        }
                        try await socket.write(burst)
                        for xid in 1...300 {
                            let reply = try await Self.reply(socket)
                            try #require(reply.xid == Int32(xid) && reply.error == .ok)
                        }
                    }
                }
                try await group.waitForAll()
            }
            let values = try await RawSocket(address).text("mntr")
            let held = values.split(separator: "\n").first { $0.hasPrefix("zk_request_throttle_wait_count\t") }
            #expect(held.flatMap { Int($0.split(separator: "\t")[1]) } ?? 0 > 0)
        }
    }

    /// Valid requests with bytes changed, cut or made longer, before and after the handshake.
    @Test func mutatedFramesHarmOnlyTheirConnection() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        try await Self.withServer(
            limits: .init(),
            {
                $0.maxFrameBytes = 4096; $0.maxClientConnections = 0
            }
        ) { address in
            var random = SeededRandom(seed: seed)
            let good = try await RawSocket(address)
            _ = try await good.connect()
            let valid: [ByteBuffer] = [
                Self.request(.create, xid: 1, CreateRequest(path: "/m", data: [1, 2], mode: .persistentSequential)),
                Self.request(.setData, xid: 2, SetDataRequest(path: "/zookeeper/quota", data: nil, version: -1)),
                Self.request(.getChildren2, xid: 3, PathWatchRequest(path: "/", watch: true)),
                Self.request(.addWatch, xid: 4, AddWatchRequest(path: "/", mode: .persistentRecursive)),
                Self.request(
                    .multi, xid: 5,
                    MultiRequest([.check(path: "/")])),
            ]
            for _ in 0..<150 {
                #expect(try await good.call(.exists, PathWatchRequest(path: "/", watch: false)).error == .ok)
                let socket = try await RawSocket(address)
                if Bool.random(using: &random) { _ = try await socket.connect() }
                var bytes = ByteBuffer()
                for _ in 0..<Int.random(in: 1...6, using: &random) {
                    var frame = Array(valid[Int.random(in: 0..<valid.count, using: &random)].readableBytesView)
                    for _ in 0..<Int.random(in: 0...3, using: &random) {
                        frame[Int.random(in: 0..<frame.count, using: &random)] = UInt8.random(
                            in: 0...255, using: &random)
                    }
                    if Int.random(in: 0..<4, using: &random) == 0 {
                        frame.removeLast(Int.random(in: 0..<8, using: &random))
                    }
                    bytes.writeBytes(frame)
                }
                while let piece = bytes.readSlice(
                    length: min(bytes.readableBytes, Int.random(in: 1...200, using: &random))),
                    piece.readableBytes > 0
                {
                    do { try await socket.write(piece) } catch { break }
                }
                await socket.close()
            }
            #expect(try await good.call(.exists, PathWatchRequest(path: "/", watch: false)).error == .ok)
        }
    }
}
