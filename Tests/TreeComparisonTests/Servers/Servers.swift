import EmbeddedZooKeeper
import Foundation
import Logging
import Primitives
import TestFixtures

/// Our server and Apache's, started for a comparison: unless that is what is compared, nothing is removed or expires by
/// itself; nothing waits for a disk.
struct Servers {
    let ourPort: Int
    let apache: ApacheZooKeeper
    /// The version that the peer names.
    let version: String

    /// Runs `body` with both servers.
    static func run<Result: Sendable>(
        _ name: String, classPath: String? = nil, removing: Bool = false,
        _ body: @escaping @Sendable (Servers) async throws -> Result
    ) async throws -> Result {
        let scratch = try Scratch(name, inMemory: true)
        defer { scratch.remove() }
        var options = ApacheZooKeeper.Options()
        options.settings = [
            "minSessionTimeout=\(removing ? 1000 : 60_000)", "maxSessionTimeout=3600000", "snapCount=100000000",
            "preAllocSize=1024",
        ]
        options.properties = [
            "zookeeper.forceSync": "no", "zookeeper.digest.enabled": "false",
            "zookeeper.DigestAuthenticationProvider.superDigest": superDigest,
            "znode.container.checkIntervalMs": removing ? "100" : "100000000",
            "znode.container.maxPerMinute": "1000000",
        ]
        options.classPath = classPath
        let tick = removing ? Duration.milliseconds(200) : .seconds(3)
        let apache = try await ApacheZooKeeper(scratch: scratch, tick: tick, options: options)
        let port = try FreePort.tcp()
        var configuration = EmbeddedServer.Configuration(
            dataDirectory: try scratch.folder("ours"), listen: [.init(host: "127.0.0.1", port: port)],
            tick: tick, superDigest: superDigest, maxClientConnections: 0,
            minSessionTimeout: removing ? .seconds(1) : .seconds(60),
            maxSessionTimeout: .seconds(3600))
        configuration.containerSweepInterval = removing ? .milliseconds(100) : .seconds(100_000)
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
