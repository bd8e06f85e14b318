public import Logging
public import Plant
import PlantClient
public import PlantConfiguration
import ServiceLifecycle
import UnixSignals
import ZooKeeperClient

/// A running gateway: the embedded tree if it has one, the connections to tree and broker, and everything between them.
public struct Gateway: Sendable {
    /// The version that `/gateways/<gateway>` shows.
    public static let version = "0.1.0"

    private let local: LocalConfiguration
    private let definition: PlantDefinition
    private let logger: Logger

    /// - Parameters:
    ///   - local: What this gateway needs for itself.
    ///   - definition: What it shares with every gateway of its plant.
    public init(local: LocalConfiguration, definition: PlantDefinition, logger: Logger) {
        self.local = local
        self.definition = definition
        self.logger = logger
    }

    /// Runs until SIGTERM or SIGINT and returns after a clean stop; throws when the gateway cannot do its work.
    public func run() async throws {
        // In order of start; they are stopped in the opposite order.
        var services: [any Service] = []
        var tree = try ZooKeeperClient.Configuration(connectString: local.tree.connectString)
        tree.sessionTimeout = local.tree.sessionTimeout
        try local.tree.access.apply(to: &tree, rereads: true)
        if case .embedded(let settings) = local.tree.place {
            services.append(EmbeddedTree(settings, sessionTimeout: local.tree.sessionTimeout, logger: logger))
            tree.leaseRule = .standalone
        }
        let client = ZooKeeperClient(configuration: tree, logger: logger)
        services.append(client)
        services.append(try GatewayCore(local: local, definition: definition, client: client, logger: logger))
        try await ServiceGroup(
            configuration: .init(
                services: services.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) },
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        ).run()
    }
}
