public import Logging
import PlantClient
public import PlantConfiguration
import ServiceLifecycle
import UnixSignals
import ZooKeeperClient

/// A running gateway: the embedded tree if it has one, the connections to tree and broker, and everything between them.
public struct Gateway: Sendable {
    /// The version that `/gateways/<gateway>` shows.
    public static let version = "0.1.0"

    private let configuration: GatewayConfiguration
    private let logger: Logger

    public init(configuration: GatewayConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Runs until SIGTERM or SIGINT and returns after a clean stop; throws when the gateway cannot do its work.
    public func run() async throws {
        // In order of start; they are stopped in the opposite order.
        var services: [any Service] = []
        var tree = try ZooKeeperClient.Configuration(connectString: configuration.treeConnectString)
        tree.sessionTimeout = configuration.sessionTimeout
        try configuration.treeAccess.apply(to: &tree, rereads: true)
        if case .embedded(let settings) = configuration.tree {
            services.append(
                EmbeddedTree(settings, sessionTimeout: configuration.sessionTimeout, logger: logger))
            tree.leaseRule = .standalone
        }
        let client = ZooKeeperClient(configuration: tree, logger: logger)
        services.append(client)
        services.append(try GatewayCore(configuration: configuration, client: client, logger: logger))
        try await ServiceGroup(
            configuration: .init(
                services: services.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) },
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        ).run()
    }
}
