import ArgumentParser
import Logging
import Plant
import PlantClient
import PlantConfiguration
import ZooKeeperClient
import ZooKeeperProtocol

/// How a subcommand finds the tree: from the configuration, or from the command line.
struct TreeOptions: ParsableArguments {
    @OptionGroup var configuration: ConfigurationOptions

    @Option(
        name: .long,
        help: ArgumentHelp("A server of the tree, instead of the one in the configuration.", valueName: "host:port[,…]")
    )
    var server: String?

    @Option(name: .long, help: ArgumentHelp("The plant, instead of the one in the configuration.", valueName: "name"))
    var plant: String?

    /// Where the tree is, for messages.
    struct Place {
        var servers: String
        /// nil: to be found among the plants that the tree holds.
        var chroot: String?
        var access = TreeAccess()
    }

    /// - Parameter wholeTree: Whether paths begin at the server's root. The plant does not matter then, and the configuration
    ///   needs to hold the tree only.
    func place(wholeTree: Bool = false) throws -> Place {
        if let server {
            for part in server.split(separator: ",", omittingEmptySubsequences: false) {
                guard HostAndPort(String(part), defaultPort: 2181) != nil else {
                    throw ValidationError("--server is \"\(server)\"; expected HOST:PORT, such as 127.0.0.1:2181")
                }
            }
        }
        let named = plant.map { TreeLayout.chroot(plant: $0) }
        if let server, let named { return Place(servers: server, chroot: named) }
        if let server, configuration.file == nil { return Place(servers: server, chroot: nil) }
        if wholeTree, let file = configuration.file {
            let tree = try GatewayConfiguration.loadTree(file: file)
            return Place(servers: server ?? Self.servers(tree.place), chroot: nil, access: tree.access)
        }
        let loaded = try configuration.load()
        return Place(
            servers: server ?? Self.servers(loaded.tree), chroot: named ?? loaded.chroot, access: loaded.treeAccess)
    }

    private static func servers(_ place: TreePlace) -> String {
        switch place {
        case .embedded(let embedded): embedded.connectAddress
        case .ensemble(let servers): servers
        }
    }

    /// Connects, does the work and closes the session again.
    ///
    /// - Parameter wholeTree: paths in `work` begin at the server's root, not at the plant's.
    func withTree<Result: Sendable>(
        wholeTree: Bool = false, _ work: @escaping @Sendable (ZooKeeperClient) async throws -> Result
    ) async throws -> Result {
        let place = try place(wholeTree: wholeTree)
        if wholeTree { return try await Self.connect(place.servers, place: place, work) }
        if let chroot = place.chroot { return try await Self.connect(place.servers + chroot, place: place, work) }
        return try await Self.connect(place.servers, place: place) { client in
            try await work(client.rooted(at: try await Self.onlyPlant(client, servers: place.servers)))
        }
    }

    /// The chroot of the one plant that the tree holds.
    private static func onlyPlant(_ client: ZooKeeperClient, servers: String) async throws -> String {
        var plants: [String] = []
        do { plants = try await client.getChildren("/linekeeper") } catch let error as ZooKeeperError
            where error.code == .noNode
        {}
        if let only = plants.first, plants.count == 1 { return TreeLayout.chroot(plant: only) }
        guard plants.isEmpty else {
            throw CommandFailure(
                .usage,
                "the tree at \(servers) holds several plants; say --plant with one of: \(plants.sorted().joined(separator: ", "))"
            )
        }
        throw CommandFailure(
            .no, "the tree at \(servers) holds no plant; a gateway makes it when it first runs (linekeeper run)")
    }

    private static func connect<Result: Sendable>(
        _ connectString: String, place: Place, _ work: @escaping @Sendable (ZooKeeperClient) async throws -> Result
    ) async throws -> Result {
        var settings = try ZooKeeperClient.Configuration(connectString: connectString)
        settings.sessionTimeout = .seconds(10)
        settings.requestTimeout = .seconds(10)
        do { try place.access.apply(to: &settings) } catch { throw CommandFailure(.no, "\(error)") }
        let client = ZooKeeperClient(configuration: settings, logger: .quiet)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            do {
                _ = try await client.waitUntilConnected(timeout: .seconds(5))
            } catch {
                if Task.isCancelled { throw CancellationError() }
                throw CommandFailure(
                    .unreachable,
                    Self.explain(client.lastFailure, servers: place.servers, hasTLS: place.access.tls != nil))
            }
            let result = try await work(client)
            group.cancelAll()
            while (try? await group.next()) != nil {}
            return result
        }
    }

    /// Why there is no session; what to do depends on it.
    private static func explain(_ failure: ConnectionFailure?, servers: String, hasTLS: Bool) -> String {
        if let failure, failure.kind != .unreachable {
            return "the tree at \(servers) cannot be used: \(TreeAdvice.text(failure, hasTLS: hasTLS))"
        }
        return
            "the tree at \(servers) does not answer; is a gateway or a tree server running there? (linekeeper run, or linekeeper tree serve)"
    }
}
