import CampaignOracle
import Foundation
import TestFixtures

/// The server that keeps a round's tree outside of the gateways.
enum TreeHost: Sendable {
    case served(TreeServer)
    case apache(ApacheZooKeeper)

    var port: Int {
        switch self {
        case .served(let server): server.port
        case .apache(let server): server.port
        }
    }

    private var process: ChildProcess? {
        switch self {
        case .served(let server): server.process
        case .apache(let server): server.process
        }
    }

    /// Starts it again, with its data.
    func start() async throws {
        switch self {
        case .served(let server): try await server.start()
        case .apache(let server): try await server.start()
        }
    }

    func kill9() async { await process?.kill9() }
    func pause() { process?.signal(SIGSTOP) }
    func resume() { process?.signal(SIGCONT) }
    func close() async { await process?.end() }
}

/// One Apache ZooKeeper for all rounds that do it no harm: each plant has a path of its own.
actor SharedApache {
    private var starting: Task<ApacheZooKeeper, any Error>?

    func server(_ scratch: Scratch) async throws -> ApacheZooKeeper {
        if let starting { return try await starting.value }
        let task = Task { try await ApacheZooKeeper(scratch: scratch, name: "shared-zookeeper") }
        starting = task
        return try await task.value
    }

    func close() async {
        if let server = try? await starting?.value { await server.stop() }
    }
}
