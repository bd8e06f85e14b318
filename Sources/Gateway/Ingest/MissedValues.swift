import MQTT
import Plant
import ServiceLifecycle
import ZooKeeperClient
import ZooKeeperRecipes

/// Learns from the tree what others have heard and this gateway has not, after its listening session began again from
/// nothing.
///
/// The broker kept nothing for it then: what was published before its subscriptions stood was heard by others only. They
/// write it; interlocks and alarms here must not continue with older values until those tags speak again. Shards that
/// this gateway comes to own are read by ``ShardCatchUp``, before it writes there.
struct MissedValues<Source: MessageSource>: Service {
    /// How long others may take to write what they have heard.
    static var patience: Duration { .milliseconds(OwnershipDesk.Rule().settling) }
    static var retryPause: Duration { .milliseconds(500) }

    let source: Source
    let client: ZooKeeperClient
    let plant: PlantState
    /// The shards that this gateway owns; nobody else writes there.
    let owned: @Sendable () -> UInt64
    /// Called at once when a session has begun from nothing.
    let beganAnew: @Sendable () -> Void
    let failures: FailureLog
    let clock: GatewayClock

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await state in source.connectionUpdates() {
                guard case .connected(sessionPresent: false) = state else { continue }
                beganAnew()
                try? await clock.sleep(Self.patience)
                while !Task.isCancelled {
                    do {
                        try await read()
                        failures.succeeded()
                        break
                    } catch {
                        failures.failed("\(error)")
                        try? await clock.sleep(Self.retryPause)
                    }
                }
            }
            // Ends with the service group, not with the connection.
            try? await gracefulShutdown()
        }
    }

    private func read() async throws {
        let walk = TreeWalk(client: client)
        // Devices first: when several topics could have a tag, the one of a known device gets it.
        let devices = try await walk.devicePaths()
        plant.learnDevices(try await walk.data(of: devices).compactMap { $0?.data.flatMap(DeviceRecord.init(data:)) })
        let paths = try await walk.descendants(of: TreeLayout.tags)
        let nodes = zip(paths, try await walk.data(of: paths)).compactMap { path, node in
            node?.data.map { (znodePath: String(path.dropFirst(TreeLayout.tags.count + 1)), data: $0) }
        }
        plant.takeUp(nodes, exceptOf: owned())
    }
}
