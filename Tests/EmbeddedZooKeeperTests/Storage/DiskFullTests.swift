import Foundation
import Logging
import Primitives
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

/// A server on a file system that fills up.
@Suite(.enabled(if: RootRights.areGiven, "mounts a file system: needs root")) struct DiskFullTests {
    private struct Failed: Error {}

    private static func mount(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/mount")
        process.arguments = arguments
        let output = Pipe()
        process.standardError = output
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            Issue.record("this test mounts a small tmpfs, for which it must run as root: \(text)")
            throw Failed()
        }
    }

    private static func unmount(_ directory: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/umount")
        process.arguments = ["-l", directory]
        try? process.run()
        process.waitUntilExit()
    }

    /// A file system with room for so much; ``remove(_:)`` ends it.
    static func mountSmallDisk(_ size: String) throws -> String {
        let place = FileManager.default.temporaryDirectory.path + "/full-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        do {
            try mount(["-t", "tmpfs", "-o", "size=\(size)", "tmpfs", place])
        } catch {
            try? FileManager.default.removeItem(atPath: place)
            throw error
        }
        return place
    }

    static func remove(_ place: String) {
        unmount(place)
        try? FileManager.default.removeItem(atPath: place)
    }

    /// A server with small segments, and no checkpoint, on that file system.
    private static func makeServer(_ place: String) -> EmbeddedServer {
        var configuration = EmbeddedServer.Configuration(
            dataDirectory: place + "/tree", listen: [HostAndPort(host: "127.0.0.1", port: 0)], tick: .milliseconds(200),
            fourLetterWords: ["mntr"], maxClientConnections: 0)
        configuration.adminListen = HostAndPort(host: "127.0.0.1", port: 0)
        configuration.logSegmentBytes = 128 << 10
        configuration.checkpointLogBytes = 1 << 30
        return EmbeddedServer(configuration: configuration, logger: logger)
    }

    private static var logger: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    /// A server that is started on a full disk is as one that runs when it fills up.
    @Test func aServerStartsOnAFullDisk() async throws {
        let place = try Self.mountSmallDisk("1m")
        defer { Self.remove(place) }
        @Sendable func create(_ path: String, _ socket: RawSocket) async throws -> ErrorCode {
            try await socket.call(.create, CreateRequest(path: path, data: [1], mode: .persistent)).error
        }
        let kept = try await EmbeddedServerTests.withServer(Self.makeServer(place)) { address in
            let socket = try await RawSocket(address)
            let session = try await socket.connect()
            #expect(try await create("/kept", socket) == .ok)
            return session
        }
        // Not a byte is left, nor a file that the log could go on in.
        for name in try FileManager.default.contentsOfDirectory(atPath: place + "/tree") where name.hasPrefix("spare-")
        {
            try FileManager.default.removeItem(atPath: place + "/tree/" + name)
        }
        try Data().write(to: URL(fileURLWithPath: place + "/filler"))
        let filler = try FileHandle(forWritingTo: URL(fileURLWithPath: place + "/filler"))
        while (try? filler.write(contentsOf: Data(repeating: 1, count: 4096))) != nil {}
        try filler.close()
        var count = 0
        for round in 0..<4 {
            let before = count
            let server = Self.makeServer(place)
            count = try await EmbeddedServerTests.withServer(server) { address in
                let socket = try await RawSocket(address)
                let session = try await socket.connect(session: kept.sessionID, password: kept.password)
                #expect(session.sessionID == kept.sessionID)
                #expect(try await socket.call(.exists, PathWatchRequest(path: "/kept", watch: false)).error == .ok)
                var count = before
                while try await create("/n\(count)", socket) == .ok {
                    count += 1
                    try #require(count < 1000, "a segment of 128 KB took \(count) batches")
                }
                #expect(round == 0 ? count > 100 : count == before)
                #expect(try await create("/n\(count)", socket) == .systemError)
                let other = try await RawSocket(address)
                #expect(try await other.connect().timeoutMilliseconds > 0)
                #expect(try await other.call(.closeSession, PathRequest(path: "/")).error == .ok)
                await other.close()
                #expect(try await RawSocket(address).text("mntr").contains("zk_disk_full\t1"))
                let admin = try await RawSocket(try #require(server.adminAddress))
                let health = try await admin.text("GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                #expect(health.hasPrefix("HTTP/1.1 200 ") && health.hasSuffix("read-only: the disk is full\n"))
                return count
            }
        }
        let acknowledged = count
        let last = try await EmbeddedServerTests.withServer(Self.makeServer(place)) { address in
            let socket = try await RawSocket(address)
            _ = try await socket.connect()
            try FileManager.default.removeItem(atPath: place + "/filler")
            let deadline = ContinuousClock.now + .seconds(20)
            while try await create("/resumed", socket) != .ok {
                guard ContinuousClock.now < deadline else { throw Failed() }
                try await Task.sleep(for: .milliseconds(50))
            }
            for index in 0..<400 { #expect(try await create("/later\(index)", socket) == .ok) }
            return 400
        }
        try await EmbeddedServerTests.withServer(Self.makeServer(place)) { address in
            let socket = try await RawSocket(address)
            _ = try await socket.connect()
            let names = (0..<acknowledged).map { "/n\($0)" } + (0..<last).map { "/later\($0)" } + ["/kept", "/resumed"]
            for name in names {
                let reply = try await socket.call(.exists, PathWatchRequest(path: name, watch: false))
                #expect(reply.error == .ok)
            }
        }
    }

    /// Without any log there is nothing that the server could go on in; it says what it needs.
    @Test func aFirstStartOnAFullDiskSaysWhatToDo() async throws {
        let place = try Self.mountSmallDisk("64k")
        defer { Self.remove(place) }
        let configuration = EmbeddedServer.Configuration(
            dataDirectory: place + "/tree", listen: [HostAndPort(host: "127.0.0.1", port: 0)])
        let server = EmbeddedServer(configuration: configuration, logger: Self.logger)
        let error = await #expect(throws: EmbeddedServerError.self) { try await server.run() }
        let text = error?.description ?? ""
        #expect(text.contains(place) && text.contains("make room for at least"), "\(text)")
    }

    @Test func writesAreRefusedReadsAndSessionsGoOnAndWritesResume() async throws {
        let place = try Self.mountSmallDisk("1m")
        defer { Self.remove(place) }
        let (server, again) = (Self.makeServer(place), Self.makeServer(place))
        let acknowledged = try await EmbeddedServerTests.withServer(server) { address in
            let socket = try await RawSocket(address)
            _ = try await socket.connect()
            func create(_ index: Int) async throws -> ErrorCode {
                let data = [UInt8](repeating: 7, count: 2000)
                return try await socket.call(.create, CreateRequest(path: "/n\(index)", data: data, mode: .persistent))
                    .error
            }
            var count = 0
            while try await create(count) == .ok {
                count += 1
                try #require(count < 600, "a disk of 1 MB took \(count) nodes of 2 KB")
            }
            #expect(count > 100)
            #expect(try await create(count) == .systemError)
            #expect(try await socket.call(.exists, PathWatchRequest(path: "/n0", watch: false)).error == .ok)
            for _ in 0..<5 {
                let other = try await RawSocket(address)
                #expect(try await other.connect().timeoutMilliseconds > 0)
                #expect(try await other.call(.exists, PathWatchRequest(path: "/n1", watch: false)).error == .ok)
                await other.close()
            }
            let full = try await RawSocket(address).text("mntr")
            #expect(full.contains("zk_disk_full\t1"))
            try Self.mount(["-o", "remount,size=16m", place])
            let deadline = ContinuousClock.now + .seconds(20)
            while try await create(count) != .ok {
                guard ContinuousClock.now < deadline else { throw Failed() }
                _ = try await socket.call(.exists, PathWatchRequest(path: "/", watch: false))
                try await Task.sleep(for: .milliseconds(50))
            }
            for index in count + 1..<count + 200 { #expect(try await create(index) == .ok) }
            let roomy = try await RawSocket(address).text("mntr")
            #expect(roomy.contains("zk_disk_full\t0"))
            return count + 200
        }
        try await EmbeddedServerTests.withServer(again) { address in
            let socket = try await RawSocket(address)
            _ = try await socket.connect()
            for index in 0..<acknowledged {
                let reply = try await socket.call(.exists, PathWatchRequest(path: "/n\(index)", watch: false))
                #expect(reply.error == .ok)
            }
        }
    }
}
