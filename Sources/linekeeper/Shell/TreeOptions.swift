import ArgumentParser
import Logging
import Plant
import PlantClient
import PlantConfiguration
import Primitives

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
            return PlantPlace(servers: server ?? tree.place.servers, chroot: nil, access: tree.access)
        }
        let tree = try configuration.load().local.tree
        return PlantPlace(
            servers: server ?? tree.place.servers, chroot: named ?? tree.chroot, access: tree.access)
    }

    /// Connects to the plant, does the work and closes the session again.
    func withPlant<Result: Sendable>(
        _ work: @escaping @Sendable (PlantClient) async throws -> Result
    ) async throws -> Result {
        try await PlantClient.connected(to: try place(), logger: .quiet, work)
    }

    /// What the configuration defines of the plant that is asked; nil when the command line names another tree or plant, or
    /// there is no configuration.
    var ownDefinition: PlantDefinition? {
        get throws {
            guard configuration.file != nil, server == nil, plant == nil else { return nil }
            return try configuration.load().plant
        }
    }
}

extension Definitions {
    /// Nothing is known of a definition that is not at hand.
    init(_ definition: PlantDefinition?) throws {
        guard let definition else {
            self = .none
            return
        }
        try self.init(definition)
    }

    /// For `--orphaned`, which says nothing where nothing is known of what is defined.
    init(toFindOrphans definition: PlantDefinition?) throws {
        guard let definition else {
            throw CommandFailure(
                .usage,
                "--orphaned needs the configuration that says what is defined: name it with --config FILE, without --server and --plant"
            )
        }
        try self.init(definition)
    }
}
