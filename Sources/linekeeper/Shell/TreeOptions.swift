import ArgumentParser
import Logging
import Plant
import PlantClient
import PlantConfiguration

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

    /// - Parameter wholeTree: Whether paths begin at the server's root. The plant does not matter then, and the configuration
    ///   needs to hold the tree only.
    func place(wholeTree: Bool = false) throws -> PlantPlace {
        if let server {
            for part in server.split(separator: ",", omittingEmptySubsequences: false) {
                guard HostAndPort(String(part), defaultPort: 2181) != nil else {
                    throw ValidationError("--server is \"\(server)\"; expected HOST:PORT, such as 127.0.0.1:2181")
                }
            }
        }
        let named = plant.map { TreeLayout.chroot(plant: $0) }
        if let server, let named { return PlantPlace(servers: server, chroot: named) }
        if let server, configuration.file == nil { return PlantPlace(servers: server, chroot: nil) }
        if wholeTree, let file = configuration.file {
            let tree = try GatewayConfiguration.loadTree(file: file)
            return PlantPlace(servers: server ?? Self.servers(tree.place), chroot: nil, access: tree.access)
        }
        let loaded = try configuration.load()
        return PlantPlace(
            servers: server ?? Self.servers(loaded.tree), chroot: named ?? loaded.chroot, access: loaded.treeAccess)
    }

    private static func servers(_ place: TreePlace) -> String {
        switch place {
        case .embedded(let embedded): embedded.connectAddress
        case .ensemble(let servers): servers
        }
    }

    /// Connects to the plant, does the work and closes the session again.
    func withPlant<Result: Sendable>(
        _ work: @escaping @Sendable (PlantClient) async throws -> Result
    ) async throws -> Result {
        try await PlantClient.connected(to: try place(), logger: .quiet, work)
    }

    /// The configuration of the plant that is asked; nil when the command line names another tree or plant, or there is no
    /// configuration.
    var ownConfiguration: GatewayConfiguration? {
        get throws {
            guard configuration.file != nil, server == nil, plant == nil else { return nil }
            return try configuration.load()
        }
    }
}

extension Definitions {
    /// What this configuration defines; nothing is known of what is not at hand.
    init(_ configuration: GatewayConfiguration?) throws {
        guard let configuration else {
            self = .none
            return
        }
        try self.init(routes: configuration.routes, rules: configuration.tags, alarms: configuration.alarms)
    }
}
