import Foundation
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Primitives
import Synchronization
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

/// The server on a real socket and a real disk.
@Suite struct EmbeddedServerTests {
    struct Failed: Error {}

    /// A disk that fails when told to.
    final class FailingStorage: TreeStorage {
        let store: TreeStore
        let failures: Mutex<Int>

        init(_ store: TreeStore, failures: Int) {
            self.store = store
            self.failures = Mutex(failures)
        }

        func recover() throws -> RecoveredState { try store.recover() }
        func recoverAsync(_ completion: @escaping @Sendable (Result<RecoveredState, any Error>) -> Void) {
            store.recoverAsync(completion)
        }
        func store(_ batch: StorageBatch, completion: @escaping @Sendable ((any Error)?) -> Void) {
            let fails = failures.withLock { left in
                defer { left = max(0, left - 1) }
                return left == 1
            }
            if fails { completion(Failed()) } else { store.store(batch, completion: completion) }
        }
        func checkpoint(_ step: CheckpointStep, completion: @escaping @Sendable ((any Error)?) -> Void) {
            store.checkpoint(step, completion: completion)
        }
        func report() -> StorageReport { store.report() }
        func tend() { store.tend() }
        func close() { store.close() }
    }

    private static func quiet() -> Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    private static func directory() -> String {
        FileManager.default.temporaryDirectory.path + "/server-\(UUID().uuidString)"
    }

    private static func configuration(_ directory: String) -> EmbeddedServer.Configuration {
        EmbeddedServer.Configuration(
            dataDirectory: directory, listen: [HostAndPort(host: "127.0.0.1", port: 0)], tick: .milliseconds(200),
            fourLetterWords: ["ruok", "mntr"], maxClientConnections: 5)
    }

    static func withServer<Result: Sendable>(
        _ server: EmbeddedServer, _ body: @Sendable (SocketAddress) async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let address = try #require(try await server.waitUntilListening().first)
            let result = try await body(address)
            group.cancelAll()
            while let next = await group.nextResult() { try next.get() }
            return result
        }
    }

    @Test func answersAndRecovers() async throws {
        let directory = Self.directory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let first = EmbeddedServer(configuration: Self.configuration(directory), logger: Self.quiet())
        let credentials = try await Self.withServer(first) { address in
            let socket = try await RawSocket(address)
            let response = try await socket.connect()
            let reply = try await socket.call(.create, CreateRequest(path: "/e", data: [1], mode: .ephemeral))
            #expect(reply.error == .ok)
            return response
        }
        let second = EmbeddedServer(configuration: Self.configuration(directory), logger: Self.quiet())
        try await Self.withServer(second) { address in
            let socket = try await RawSocket(address)
            let response = try await socket.connect(session: credentials.sessionID, password: credentials.password)
            #expect(response.sessionID == credentials.sessionID)
            let reply = try await socket.call(.exists, PathWatchRequest(path: "/e", watch: false))
            #expect(reply.error == .ok)
        }
    }

    @Test func fourLetterWords() async throws {
        let directory = Self.directory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let server = EmbeddedServer(configuration: Self.configuration(directory), logger: Self.quiet())
        try await Self.withServer(server) { address in
            let health = try await RawSocket(address).text("ruok")
            #expect(health == "imok")
            let values = try await RawSocket(address).text("mntr")
            #expect(values.contains("zk_server_state\tstandalone"))
            let refusal = try await RawSocket(address).text("stat")
            #expect(refusal.contains("not in the whitelist"))
        }
    }

    @Test func garbageEndsItsConnectionAndNothingElse() async throws {
        let directory = Self.directory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let server = EmbeddedServer(configuration: Self.configuration(directory), logger: Self.quiet())
        try await Self.withServer(server) { address in
            let good = try await RawSocket(address)
            _ = try await good.connect()
            var random = SeededRandom(seed: 99)
            for round in 0..<60 {
                let socket = try await RawSocket(address)
                if round % 2 == 0 { _ = try? await socket.connect() }
                for _ in 0..<5 {
                    var bytes = ByteBuffer()
                    let count = Int.random(in: 0..<200, using: &random)
                    if round % 3 != 0 { bytes.writeInteger(Int32(count)) }
                    if round % 4 == 0 {
                        RequestHeader(xid: 1, type: Int32.random(in: 0..<110, using: &random)).write(into: &bytes)
                    }
                    for _ in 0..<count { bytes.writeInteger(UInt8.random(in: 0...255, using: &random)) }
                    try? await socket.write(bytes)
                }
                await socket.close()
                let reply = try await good.call(.exists, PathWatchRequest(path: "/", watch: false))
                #expect(reply.error == .ok)
            }
        }
    }

    @Test func connectionsPerAddressAreLimited() async throws {
        let directory = Self.directory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let server = EmbeddedServer(configuration: Self.configuration(directory), logger: Self.quiet())
        try await Self.withServer(server) { address in
            var sockets: [RawSocket] = []
            for _ in 0..<5 {
                let socket = try await RawSocket(address)
                _ = try await socket.connect()
                sockets.append(socket)
            }
            let refused = try await RawSocket(address)
            await #expect(throws: (any Error).self) { try await refused.connect() }
            for socket in sockets { await socket.close() }
        }
    }

    @Test func aFailedWriteIsNeverAnsweredAndTheTreeComesBackFromDisk() async throws {
        let directory = Self.directory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let server = EmbeddedServer(
            configuration: Self.configuration(directory), logger: Self.quiet(), limits: .init()
        ) { FailingStorage(try TreeStore(directory: $0), failures: 3) }
        try await Self.withServer(server) { address in
            let socket = try await RawSocket(address)
            _ = try await socket.connect()
            #expect(try await socket.call(.create, CreateRequest(path: "/a", data: [], mode: .persistent)).error == .ok)
            await #expect(throws: (any Error).self) {
                try await socket.call(.create, CreateRequest(path: "/b", data: [], mode: .persistent))
            }
            let deadline = ContinuousClock.now + .seconds(20)
            while true {
                if let again = try? await RawSocket(address), (try? await again.connect()) != nil {
                    #expect(try await again.call(.exists, PathWatchRequest(path: "/a", watch: false)).error == .ok)
                    #expect(
                        try await again.call(.exists, PathWatchRequest(path: "/b", watch: false)).error == .noNode)
                    return
                }
                guard ContinuousClock.now < deadline else { throw Failed() }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    /// A server that listened for a moment, to see whether the address is free, would take a connection that nobody serves.
    @Test(.timeLimit(.minutes(2))) func whoConnectsWhileItStartsIsAnswered() async throws {
        for _ in 0..<20 {
            let directory = Self.directory()
            defer { try? FileManager.default.removeItem(atPath: directory) }
            var configuration = Self.configuration(directory)
            let port = try FreePort.tcp()
            configuration.listen = [HostAndPort(host: "127.0.0.1", port: port)]
            let server = EmbeddedServer(configuration: configuration, logger: Self.quiet())
            let address = try SocketAddress(ipAddress: "127.0.0.1", port: port)
            let answered = Mutex(false)
            let client = Task {
                while !Task.isCancelled {
                    guard let socket = try? await RawSocket(address) else { continue }
                    let session = try await socket.connect().sessionID
                    return answered.withLock { $0 = session != 0 }
                }
            }
            defer { client.cancel() }
            try await Self.withServer(server) { _ in
                try await eventually("the client that came early is answered") { answered.withLock { $0 } }
            }
        }
    }

    @Test func startingTwiceOnADirectorySaysWhy() async throws {
        let directory = Self.directory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let server = EmbeddedServer(configuration: Self.configuration(directory), logger: Self.quiet())
        try await Self.withServer(server) { _ in
            let second = EmbeddedServer(configuration: Self.configuration(directory), logger: Self.quiet())
            let error = await #expect(throws: EmbeddedServerError.self) { try await second.run() }
            #expect(error?.description.contains("in use") == true)
            await #expect(throws: EmbeddedServerError.self) { _ = try await second.waitUntilListening() }
        }
    }
}

/// A socket that speaks frames, with nothing of our client in it.
struct RawSocket: Sendable {
    private let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>
    private let incoming: AsyncStream<ByteBuffer>
    private let buffer = Mutex2()

    /// Bytes received and not yet used.
    private final class Mutex2: Sendable {
        let bytes = Mutex(ByteBuffer())
    }

    init(_ address: SocketAddress, tls: NIOSSLContext? = nil) async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: ByteBuffer.self)
        incoming = stream
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(to: address) {
            channel in
            channel.eventLoop.makeCompletedFuture {
                if let tls {
                    let handler = try NIOSSLClientHandler(context: tls, serverHostname: nil)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
                return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
        self.channel = channel
        Task {
            // Ends with the connection.
            try? await channel.executeThenClose { inbound, _ in
                for try await bytes in inbound { continuation.yield(bytes) }
            }
            continuation.finish()
        }
    }

    func write(_ bytes: ByteBuffer) async throws {
        try await channel.channel.writeAndFlush(bytes).get()
    }

    func close() async {
        try? await channel.channel.close().get()
    }

    private func more() async -> Bool {
        var iterator = incoming.makeAsyncIterator()
        guard let bytes = await iterator.next() else { return false }
        _ = buffer.bytes.withLock { $0.writeImmutableBuffer(bytes) }
        return true
    }

    func frame() async throws -> ByteBuffer {
        while true {
            if let frame = try buffer.bytes.withLock({ try Frame.decode(from: &$0) }) { return frame }
            guard await more() else { throw ErrorCode.connectionLoss }
        }
    }

    func text(_ word: String) async throws -> String {
        try await write(ByteBuffer(string: word))
        while await more() {}
        return buffer.bytes.withLock { String(buffer: $0) }
    }

    func connect(
        session: Int64 = 0, password: [UInt8] = [UInt8](repeating: 0, count: 16), timeoutMilliseconds: Int32 = 4000
    ) async throws -> ConnectResponse {
        var bytes = ByteBuffer()
        let request = ConnectRequest(
            lastZxidSeen: 0, timeoutMilliseconds: timeoutMilliseconds, sessionID: session, password: password)
        Frame.write(into: &bytes) { request.write(into: &$0) }
        try await write(bytes)
        var frame = try await frame()
        return try ConnectResponse(from: &frame)
    }

    func call(_ operation: OperationCode, _ body: any Record) async throws -> ReplyHeader {
        var bytes = ByteBuffer()
        Frame.write(into: &bytes) {
            RequestHeader(xid: 1, operation: operation).write(into: &$0)
            body.write(into: &$0)
        }
        try await write(bytes)
        var frame = try await frame()
        return try ReplyHeader(from: &frame)
    }
}
