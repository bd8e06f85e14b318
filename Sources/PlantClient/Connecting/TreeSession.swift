package import Logging
import Plant
import PlantConfiguration
package import ZooKeeperClient
import ZooKeeperRecipes

/// A session at a plant's tree for the length of some work.
package struct TreeSession: Sendable {
    private static let sessionTimeout = Duration.seconds(10)
    private static let requestTimeout = Duration.seconds(10)
    /// How long the first connection may take.
    private static let patience = Duration.seconds(5)

    private let place: PlantPlace
    private let logger: Logger

    /// - Parameter logger: For what the client has to say beside the errors that it throws.
    package init(at place: PlantPlace, logger: Logger) {
        self.place = place
        self.logger = logger
    }

    /// Connects, does the work and closes the session again.
    ///
    /// - Parameter wholeTree: Paths in `work` begin at the server's root, not at the plant's part of the tree.
    /// - Throws: ``PlantFailure``, and whatever else the work throws.
    package func run<Result: Sendable>(
        wholeTree: Bool = false, _ work: @escaping @Sendable (ZooKeeperClient) async throws -> Result
    ) async throws -> Result {
        try await PlantFailure.translating {
            if wholeTree { return try await connect(place.servers, work) }
            if let chroot = place.chroot { return try await connect(place.servers + chroot, work) }
            return try await connect(place.servers) { client in
                try await work(client.rooted(at: try await onlyPlant(client)))
            }
        }
    }

    /// The chroot of the one plant that the tree holds.
    private func onlyPlant(_ client: ZooKeeperClient) async throws -> String {
        let plants = try await TreeWalk(client: client).children(of: TreeLayout.plants)
        guard let only = plants.first else { throw PlantFailure.noPlant(servers: place.servers) }
        guard plants.count == 1 else { throw PlantFailure.severalPlants(plants.sorted(), servers: place.servers) }
        return TreeLayout.chroot(plant: only)
    }

    private func connect<Result: Sendable>(
        _ connectString: String, _ work: @escaping @Sendable (ZooKeeperClient) async throws -> Result
    ) async throws -> Result {
        var settings = try ZooKeeperClient.Configuration(connectString: connectString)
        settings.sessionTimeout = Self.sessionTimeout
        settings.requestTimeout = Self.requestTimeout
        do { try place.access.apply(to: &settings) } catch { throw PlantFailure.unreadableAccess("\(error)") }
        let client = ZooKeeperClient(configuration: settings, logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            do {
                _ = try await client.waitUntilConnected(timeout: Self.patience)
            } catch {
                if Task.isCancelled { throw CancellationError() }
                throw failure(client.lastFailure)
            }
            let result = try await work(client)
            group.cancelAll()
            while (try? await group.next()) != nil {}
            return result
        }
    }

    /// Why there is no session; what to do depends on it.
    private func failure(_ failure: ConnectionFailure?) -> PlantFailure {
        guard let failure, failure.kind != .unreachable else { return .unreachable(servers: place.servers) }
        let why = TreeAdvice.text(failure, hasTLS: place.access.tls != nil)
        return .unusable(servers: place.servers, why: why)
    }
}

extension PlantClient {
    /// Connects to the plant, does the work and closes the session again.
    ///
    /// - Parameter logger: For what the tree's client has to say beside the errors that it throws.
    /// - Throws: ``PlantFailure``, and whatever else the work throws.
    package static func connected<Result: Sendable>(
        to place: PlantPlace, logger: Logger, _ work: @escaping @Sendable (PlantClient) async throws -> Result
    ) async throws -> Result {
        try await TreeSession(at: place, logger: logger).run { try await work(PlantClient(tree: $0)) }
    }
}
