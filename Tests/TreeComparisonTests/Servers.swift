import EmbeddedZooKeeper
import Foundation
import Logging
import TestFixtures

/// Our server and Apache's, started for a comparison: nothing is removed or expires by itself, nothing waits for a disk.
struct Servers {
    let ourPort: Int
    let apache: ApacheZooKeeper
    /// The version that the peer names.
    let version: String

    /// Runs `body` with both servers.
    static func run<Result: Sendable>(
        _ name: String, classPath: String? = nil, _ body: @escaping @Sendable (Servers) async throws -> Result
    ) async throws -> Result {
        let scratch = try Scratch(name, inMemory: true)
        defer { scratch.remove() }
        var options = ApacheZooKeeper.Options()
        options.settings = [
            "minSessionTimeout=60000", "maxSessionTimeout=3600000", "snapCount=100000000", "preAllocSize=1024",
        ]
        options.properties = [
            "zookeeper.forceSync": "no", "zookeeper.digest.enabled": "false",
            "zookeeper.DigestAuthenticationProvider.superDigest": superDigest,
            "znode.container.checkIntervalMs": "100000000",
        ]
        options.classPath = classPath
        let apache = try await ApacheZooKeeper(scratch: scratch, tick: .seconds(3), options: options)
        let port = try FreePort.tcp()
        var configuration = EmbeddedServer.Configuration(
            dataDirectory: try scratch.folder("ours"), listen: [.init(host: "127.0.0.1", port: port)],
            tick: .seconds(3), superDigest: superDigest, maxClientConnections: 0, minSessionTimeout: .seconds(60),
            maxSessionTimeout: .seconds(3600))
        configuration.containerSweepInterval = .seconds(100_000)
        var logger = Logger(label: "comparison")
        logger.logLevel = .error
        let server = EmbeddedServer(configuration: configuration, logger: logger)
        let running = Task { try await server.run() }
        defer { running.cancel() }
        _ = try await server.waitUntilListening()
        let servers = Servers(ourPort: port, apache: apache, version: await apache.version() ?? "unknown")
        do {
            let result = try await body(servers)
            await apache.kill9()
            return result
        } catch {
            await apache.kill9()
            throw error
        }
    }

    /// `super:test`.
    private static let superDigest = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="

    /// Runs what blocks on a thread of its own.
    static func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            let thread = Thread { continuation.resume(with: Swift.Result { try body() }) }
            thread.stackSize = 8 << 20
            thread.start()
        }
    }
}
