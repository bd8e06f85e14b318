import Foundation
import Logging
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

/// A server on a file system that fills up. Needs the right to mount one: fails, saying so, where that is missing.
@Suite struct DiskFullTests {
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

    @Test func writesAreRefusedReadsAndSessionsGoOnAndWritesResume() async throws {
        let place = FileManager.default.temporaryDirectory.path + "/full-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: place) }
        try Self.mount(["-t", "tmpfs", "-o", "size=1m", "tmpfs", place])
        defer { Self.unmount(place) }
        var configuration = EmbeddedServer.Configuration(
            dataDirectory: place + "/tree", listen: [HostPort(host: "127.0.0.1", port: 0)], tick: .milliseconds(200),
            fourLetterWords: ["mntr"], maxClientConnections: 0)
        configuration.logSegmentBytes = 128 << 10
        configuration.checkpointLogBytes = 1 << 30
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let (server, again) = (
            EmbeddedServer(configuration: configuration, logger: logger),
            EmbeddedServer(configuration: configuration, logger: logger)
        )
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
