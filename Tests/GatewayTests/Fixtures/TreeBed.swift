import EmbeddedZooKeeper
import Logging
import Primitives
import TestFixtures
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@testable import Gateway

/// A tree of its own in this process, with the roots of a plant, and an operator's client at it.
final class TreeBed: Sendable {
    let port: Int
    let operatorClient: ZooKeeperClient
    let logger: Logger

    var connectString: String { Self.connectString(port) }

    private init(port: Int, operatorClient: ZooKeeperClient, logger: Logger) {
        self.port = port
        self.operatorClient = operatorClient
        self.logger = logger
    }

    private static func connectString(_ port: Int) -> String { "127.0.0.1:\(port)/linekeeper/test" }

    /// Runs `body` beside a tree server; everything is gone afterwards.
    static func with(enforcesQuota: Bool = false, _ body: @Sendable (TreeBed) async throws -> Void) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .error
        let folder = try makeTemporaryFolder("tree")
        defer { removeAll(folder) }
        let port = try FreePort.tcp()
        var configuration = EmbeddedServer.Configuration(
            dataDirectory: folder, listen: [HostAndPort(host: "127.0.0.1", port: port)], tick: .milliseconds(500))
        configuration.enforcesQuota = enforcesQuota
        let server = EmbeddedServer(configuration: configuration, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            _ = try await server.waitUntilListening()
            let client = try makeClient(connectString(port), logger)
            group.addTask { try await client.run() }
            _ = try await client.waitUntilConnected(timeout: .seconds(10))
            try await client.ensureChroot()
            try await TreeSeed(
                client: client, outsiders: OutsiderLog(logger, clock: .system), logger: logger
            ).makeRoots()
            do {
                try await body(TreeBed(port: port, operatorClient: client, logger: logger))
            } catch {
                group.cancelAll()
                throw error
            }
            group.cancelAll()
        }
    }

    /// The same with a group for what the test starts, which ends with `body`.
    static func with(
        enforcesQuota: Bool = false,
        _ body: @Sendable (TreeBed, inout ThrowingTaskGroup<Void, any Error>) async throws -> Void
    ) async throws {
        try await with(enforcesQuota: enforcesQuota) { tree in
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await body(tree, &group)
                group.cancelAll()
            }
        }
    }

    private static func makeClient(
        _ connectString: String, _ logger: Logger, auth: [AuthInfo] = []
    ) throws -> ZooKeeperClient {
        var configuration = try ZooKeeperClient.Configuration(connectString: connectString)
        configuration.sessionTimeout = .seconds(10)
        configuration.auth = auth
        configuration.leaseRule = .standalone
        return ZooKeeperClient(configuration: configuration, logger: logger)
    }

    /// A further session, which ends with `group`. `port`: of a proxy before the tree.
    func client(
        in group: inout ThrowingTaskGroup<Void, any Error>, port: Int? = nil, auth: [AuthInfo] = []
    ) async throws -> ZooKeeperClient {
        let client = try Self.makeClient(port.map(Self.connectString) ?? connectString, logger, auth: auth)
        group.addTask { try await client.run() }
        _ = try await client.waitUntilConnected(timeout: .seconds(10))
        return client
    }

    /// Deletes a node and everything below it, as an operator may; also what gateways add meanwhile.
    func deleteAll(_ path: String) async throws {
        while true {
            do {
                for below in try await TreeWalk(client: operatorClient).descendants(of: path).reversed() {
                    try await operatorClient.delete(below)
                }
                return try await operatorClient.delete(path)
            } catch let error as ZooKeeperError where error.code == .notEmpty || error.code == .noNode {
                guard try await operatorClient.exists(path) != nil else { return }
            }
        }
    }
}
