import Logging
import Plant
import ServiceLifecycle
import ZooKeeperClient
import ZooKeeperRecipes

/// Follows what all gateways say about themselves in `/status`, and lets the plant make values and alarms of it.
///
/// Every gateway does, so that whichever becomes the active alarm processor knows the faults of all. What one gateway says
/// reaches all of them through the tree and at the same time, its own words included: they compute the same transitions.
struct StatusFollower: Service {
    /// Between two looks when nothing has changed.
    static let interval = Duration.seconds(1)
    static let retryPause = Duration.seconds(5)

    let client: ZooKeeperClient
    let plant: PlantState
    let wakes: ServiceWakes
    let clock: GatewayClock
    private let failures: FailureLog
    private let logger: Logger

    init(
        client: ZooKeeperClient, plant: PlantState, wakes: ServiceWakes, health: FailureBoard, clock: GatewayClock,
        logger: Logger
    ) {
        self.client = client
        self.plant = plant
        self.wakes = wakes
        self.clock = clock
        self.logger = logger
        failures = health.log(
            .gateways, began: "what the gateways say about themselves cannot be read; no alarm tells of their faults",
            ended: "what the gateways say about themselves is read again")
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await follow()
                } catch {
                    failures.failed("\(error)")
                }
                try? await clock.sleep(Self.retryPause)
            }
        }
    }

    /// Until the cache gives up: access is refused, or somebody has filled the folder.
    private func follow() async throws {
        var limits = TreeCache.Limits()
        limits.nodes = 2_000
        limits.bytes = 32 << 20
        let cache = TreeCache(client: client, path: TreeLayout.statuses, limits: limits, logger: logger)
        let turns = Wake()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await cache.run() }
            group.addTask { for await _ in cache.changes() { turns.wake() } }
            group.addTask {
                while true {
                    try await clock.sleep(Self.interval)
                    turns.wake()
                }
            }
            group.addTask { for await _ in turns.turns where cache.isLoaded { take(cache.snapshot) } }
            defer { group.cancelAll() }
            // With the first error: the others would not end.
            for try await () in group {}
        }
    }

    private func take(_ snapshot: TreeSnapshot) {
        failures.succeeded()
        // A cache that has lost its server knows of nobody's death.
        guard client.isConnected else { return }
        let effects = plant.statusesRead(Self.statuses(in: snapshot))
        guard effects.alarmsPending else { return wakes.mirror.wake() }
        wakes.alarms.wake()
        wakes.mirror.wake()
    }

    /// The records of all gateways; what is none is nobody's.
    static func statuses(in snapshot: TreeSnapshot) -> [GatewayStatusRecord] {
        snapshot.paths.sorted().compactMap { path in
            guard path != TreeLayout.statuses, let data = snapshot.value(path)?.data,
                let status = GatewayStatusRecord(parsing: data), path == TreeLayout.status(status.gateway)
            else { return nil }
            return status
        }
    }
}
