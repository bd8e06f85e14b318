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
    let gateway: String
    /// What stands in the node; asked for each time.
    let record: @Sendable (_ now: Milliseconds) -> GatewayStatusRecord
    /// Whether this gateway holds its name; the node is not its own before.
    let holdsName: @Sendable () -> Bool
    private let failures: FailureLog
    let clock: GatewayClock

    init(
        client: ZooKeeperClient, gateway: String,
        record: @escaping @Sendable (_ now: Milliseconds) -> GatewayStatusRecord,
        holdsName: @escaping @Sendable () -> Bool, health: FailureBoard, clock: GatewayClock
    ) {
        self.client = client
        self.gateway = gateway
        self.record = record
        self.holdsName = holdsName
        self.clock = clock
        failures = health.log(
            .status, began: "this gateway's status cannot be written into the tree",
            ended: "this gateway's status is written again")
    }

    private var path: String { TreeLayout.status(gateway) }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                if holdsName() {
                    do {
                        try await write()
                        failures.succeeded()
                    } catch {
                        failures.failed("\(error)")
                    }
                }
                try? await clock.sleep(Self.interval)
            }
        }
    }

    private func write() async throws {
        let data = record(clock.wall()).serialized()
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
