import Foundation
import Logging
import NIOCore
import Primitives
import TestFixtures
import Testing
import ZooKeeperProtocol

import func TestFixtures.eventually

@testable import EmbeddedZooKeeper

/// The HTTP listener on a real socket.
@Suite struct AdminListenerTests {
    private static func withServer(
        limits: ServerCore.Limits = .init(), log: LogRecorder? = nil,
        _ body: @Sendable (_ client: SocketAddress, _ admin: SocketAddress) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.path + "/admin-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        var configuration = EmbeddedServer.Configuration(
            dataDirectory: directory, listen: [HostAndPort(host: "127.0.0.1", port: 0)], tick: .milliseconds(200),
            maxSessionTimeout: .seconds(60))
        configuration.adminListen = HostAndPort(host: "127.0.0.1", port: 0)
        let server = EmbeddedServer(configuration: configuration, logger: log?.logger ?? logger, limits: limits) {
            try TreeStore(directory: $0)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let address = try #require(try await server.waitUntilListening().first)
            try await body(address, try #require(server.adminAddress))
            group.cancelAll()
            while let next = await group.nextResult() { try next.get() }
        }
    }

    private static func request(_ head: String, _ address: SocketAddress) async throws -> String {
        try await RawSocket(address).text("\(head) HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    }

    @Test func answersCommandsMetricsAndHealth() async throws {
        try await Self.withServer { _, admin in
            let health = try await Self.request("GET /health", admin)
            #expect(health.hasPrefix("HTTP/1.1 200 OK\r\n") && health.hasSuffix("\r\n\r\nok\n"))
            let commands = try await Self.request("GET /commands", admin)
            #expect(commands.contains("<a href=\"/commands/monitor\">monitor</a>"))
            let srvr = try await Self.request("GET /commands/srvr?x=1", admin)
            #expect(srvr.contains("application/json") && srvr.contains("\"command\" : \"server_stats\""))
            let metrics = try await Self.request("GET /metrics", admin)
            #expect(metrics.contains("text/plain; version=0.0.4") && metrics.contains("# TYPE znode_count gauge\n"))
            #expect(try await Self.request("GET /nothing", admin).hasPrefix("HTTP/1.1 404"))
            #expect(try await Self.request("POST /commands/snapshot", admin).hasPrefix("HTTP/1.1 405"))
            let head = try await Self.request("HEAD /metrics", admin)
            #expect(head.hasPrefix("HTTP/1.1 200") && head.hasSuffix("\r\n\r\n"))
        }
    }

    /// Whoever takes all the places and asks nothing is let go of soon, and it is said that others were refused.
    @Test func theSilentLoseTheirPlaces() async throws {
        let log = LogRecorder()
        var limits = ServerCore.Limits()
        limits.adminConnections = 2
        limits.adminRequest = .milliseconds(1500)
        /// Whether the server says nothing and closes it. A write may find it closed already.
        @Sendable func closed(_ socket: RawSocket) async -> Bool { ((try? await socket.text("")) ?? "") == "" }
        try await Self.withServer(limits: limits, log: log) { _, admin in
            let silent = try await RawSocket(admin)
            let slow = try await RawSocket(admin)
            try await slow.write(ByteBuffer(string: "GET /health HTTP/1.1\r\nhost:"))
            let begin = ContinuousClock.now
            #expect(await closed(try await RawSocket(admin)))
            try await eventually("the refusal is logged", seen: { log.text }) {
                log.text.contains("refused an HTTP connection: too many ask how the server is")
            }
            #expect(await closed(silent))
            #expect(await closed(slow))
            // Long before the end that every connection has.
            #expect(ContinuousClock.now - begin < .seconds(20))
            #expect(try await Self.request("GET /health", admin).hasSuffix("ok\n"))
        }
    }

    @Test func garbageAndIdlersDoNotHarmIt() async throws {
        try await Self.withServer { client, admin in
            let good = try await RawSocket(client)
            _ = try await good.connect(timeoutMilliseconds: 60_000)
            let seed = UInt64.random(in: 0 ... .max)
            print("seed \(seed)")
            var random = SeededRandom(seed: seed)
            for _ in 0..<40 {
                let socket = try await RawSocket(admin)
                var bytes = ByteBuffer(string: Bool.random(using: &random) ? "GET /commands/cons HTTP/1.1\r\n" : "")
                for _ in 0..<Int.random(in: 0..<400, using: &random) {
                    bytes.writeInteger(UInt8.random(in: 0...255, using: &random))
                }
                try? await socket.write(bytes)
                await socket.close()
            }
            // More than may ask at a time: the rest is closed at once, and a place is free again when one goes.
            var idlers: [RawSocket] = []
            for _ in 0..<40 { idlers.append(try await RawSocket(admin)) }
            #expect(try await good.call(.exists, PathWatchRequest(path: "/", watch: false)).error == .ok)
            for idler in idlers { await idler.close() }
            let deadline = ContinuousClock.now + .seconds(10)
            var answer = ""
            while !answer.hasSuffix("ok\n"), ContinuousClock.now < deadline {
                answer = (try? await Self.request("GET /health", admin)) ?? ""
            }
            #expect(answer.hasSuffix("ok\n"))
        }
    }
}
