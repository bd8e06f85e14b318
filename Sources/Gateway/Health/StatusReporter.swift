import Logging
import OrderedCollections
import Plant
import ServiceLifecycle
import ZooKeeperClient
import ZooKeeperProtocol

/// Keeps `/status/<gateway>`: what this gateway has counted and how its connections stand.
///
/// Written every ``interval`` whether it has changed or not: that it is written is the sign of life that refutes a false
/// hint of this gateway's death (`DeathHints`). An ephemeral node apart from the registration, which decides ownership and
/// makes every gateway think when it changes.
struct StatusReporter: Service {
    /// Between two writes.
    static let interval = Duration.seconds(2)

    let client: ZooKeeperClient
    let identity: GatewayIdentity
    let counters: GatewayCounters
    /// Counters that live elsewhere (MQTT connections, router), by name.
    let additional: @Sendable () -> [(name: String, value: UInt64)]
    /// How the connection to the broker stands.
    let broker: @Sendable () -> String
    /// Whether this gateway holds its name; the node is not its own before.
    let holdsName: @Sendable () -> Bool
    let clock: GatewayClock
    let logger: Logger

    private var path: String { TreeLayout.status(identity.gateway) }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                if holdsName() {
                    do { try await write() } catch {
                        logger.trace("status", metadata: ["error": "\(error)"])
                    }
                }
                try? await clock.sleep(Self.interval)
            }
        }
    }

    private func write() async throws {
        let record = GatewayStatusRecord(
            gateway: identity.gateway, life: identity.life, at: clock.wall(), broker: broker(),
            counters: OrderedDictionary(
                (additional() + counters.all).map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }))
        let data = record.serialized()
        do {
            let stat = try await client.setData(path, data: data)
            guard stat.ephemeralOwner != client.session?.id else { return }
            // Of an earlier life, whose session has not ended yet: it would take the node with it.
            try await client.transaction([
                .delete(path: path, version: -1), .create(path: path, data: data, mode: .ephemeral),
            ])
        } catch let error as ZooKeeperError where error.code == .noNode {
            try await client.ensurePath(TreeLayout.statuses)
            try await client.create(path, data: data, mode: .ephemeral)
        }
    }
}
