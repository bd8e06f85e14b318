import EmbeddedZooKeeper
import Logging
import PlantConfiguration
import ServiceLifecycle

/// The tree server inside the gateway's process, set up so that the gateway's own session timeout is allowed.
struct EmbeddedTree: Service {
    private let server: EmbeddedServer

    init(_ settings: EmbeddedTreeSettings, sessionTimeout: Duration, logger: Logger) {
        server = EmbeddedServer(
            configuration: .init(
                dataDirectory: settings.data,
                listen: settings.listen,
                tick: settings.tick,
                minSessionTimeout: min(sessionTimeout, settings.tick * 2)),
            logger: logger)
    }

    func run() async throws { try await server.run() }
}
