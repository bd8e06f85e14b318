import EmbeddedZooKeeper
import Primitives
import Synchronization

/// A server of either kind that a test may stop and start again, on the same port with the same data.
public final class OwnTree: Sendable {
    public let port: Int
    private let scratch: Scratch
    private let tick: Duration
    private let apache: ApacheZooKeeper?
    private let running = Mutex<Task<Void, Never>?>(nil)

    /// Starts it.
    public init(_ kind: TreeKind, tick: Duration) async throws {
        scratch = try Scratch("own-\(kind)")
        self.tick = tick
        switch kind {
        case .apache:
            let server = try await ApacheZooKeeper(scratch: scratch, tick: tick)
            apache = server
            port = server.port
        case .embedded:
            apache = nil
            port = try FreePort.tcp()
            try await start()
        }
    }

    public func start() async throws {
        if let apache { return try await apache.start() }
        var configuration = EmbeddedServer.Configuration(
            dataDirectory: scratch.file("tree"), listen: [HostAndPort(host: "127.0.0.1", port: port)], tick: tick)
        configuration.maxClientConnections = 0
        let server = EmbeddedServer(configuration: configuration, logger: TestTree.logger)
        // Ended by ``stop()``.
        let task = Task { _ = try? await server.run() }
        running.withLock { $0 = task }
        _ = try await server.waitUntilListening()
    }

    /// Apache's is killed; the embedded one lets go of everything but tells nobody.
    public func stop() async {
        if let apache { return await apache.kill9() }
        let task = running.withLock { $0 }
        task?.cancel()
        await task?.value
    }

    public func remove() { scratch.remove() }
}
