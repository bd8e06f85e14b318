import Logging
import OrderedCollections
import Plant
import ServiceLifecycle
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// Keeps `/devices/<device path>` and its `@online` node, for the devices of the shards that this gateway owns.
///
/// Presence comes from what the device sends, from its own word, last will or heartbeat on the route's presence topic, and from
/// silence; a device that flaps counts as back once its return lasts. ``PlantState`` decides, and this service writes the changes,
/// each fenced by the shard's lock node. What the tree
/// refuses costs itself alone (``RefusedNodes``).
struct DeviceKeeper: Service {
    /// Devices written at once.
    static let devicesPerRound = 256
    /// Before a device that the tree has refused is tried again.
    static let refusalPause = Duration.seconds(2)

    let client: ZooKeeperClient
    let gateway: String
    let plant: PlantState
    let owned: @Sendable () -> (leases: [Lease?], mask: UInt64)
    let turns: Wake
    let failures: FailureLog
    let clock: GatewayClock
    private let refused = RefusedNodes<DeviceID>()

    init(
        client: ZooKeeperClient, gateway: String, plant: PlantState,
        owned: @escaping @Sendable () -> (leases: [Lease?], mask: UInt64), turns: Wake, health: FailureBoard,
        clock: GatewayClock
    ) {
        self.client = client
        self.gateway = gateway
        self.plant = plant
        self.owned = owned
        self.turns = turns
        self.clock = clock
        failures = health.log(
            .devices, began: "states of devices cannot be written into the tree",
            ended: "states of devices are written into the tree again")
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await _ in turns.turns {
                        while !Task.isCancelled, await writeSome() {}
                    }
                }
                group.addTask { await retryRefused() }
                await group.waitForAll()
            }
        }
    }

    private func retryRefused() async {
        while !Task.isCancelled {
            try? await clock.sleep(Self.refusalPause)
            guard !refused.isEmpty else { continue }
            plant.deviceWritesFailed(refused.due(in: owned().mask))
            turns.wake()
        }
    }

    /// One round; true when there may be more.
    private func writeSome() async -> Bool {
        let (leases, mask) = owned()
        let changes = plant.takeChangedDevices(ownedBy: mask, limit: Self.devicesPerRound)
        guard !changes.isEmpty else {
            if refused.isEmpty { failures.withdrawn() }
            return false
        }
        let failed = await withTaskGroup(of: DeviceChange?.self) { group in
            for change in changes {
                group.addTask {
                    guard let lease = leases[change.shard], lease.isValid(at: clock.now()) else { return change }
                    do {
                        try await write(change, lease: lease)
                        refused.written(CollectionOfOne(change.device))
                        return nil
                    } catch let error as ZooKeeperError where error.isRefusalOfNode {
                        failures.failed("\(change.record.device): \(error)")
                        refused.refused(change.device, of: change.shard)
                        return nil
                    } catch {
                        if !(error is LeaseLost) { failures.failed("\(change.record.device): \(error)") }
                        return change
                    }
                }
            }
            return await group.reduce(into: [DeviceChange]()) { if let change = $1 { $0.append(change) } }
        }
        guard !failed.isEmpty else {
            if refused.isEmpty { failures.succeeded() }
            return true
        }
        plant.deviceWritesFailed(failed.map { $0.device })
        try? await clock.sleep(.milliseconds(100))
        if !Task.isCancelled { turns.wake() }
        return false
    }

    private func write(_ change: DeviceChange, lease: Lease) async throws {
        let path = TreeLayout.devices + "/" + change.znodePath
        let online = TreeLayout.online(device: change.znodePath)
        let data = change.record.serialized()
        let exists = try await client.exists(path) != nil
        if !exists, let slash = path.lastIndex(of: "/") { try await client.ensurePath(String(path[..<slash])) }
        let presence = exists ? try await client.exists(online) : nil
        var operations: [Operation] = [
            exists ? .setData(path: path, data: data, version: -1) : .create(path: path, data: data, mode: .persistent)
        ]
        let isOnline = change.record.state == .online
        // A predecessor's node goes with its session; it must not take the device offline with it.
        if let presence, !isOnline || presence.ephemeralOwner != lease.sessionID {
            operations.append(.delete(path: online, version: -1))
        }
        if isOnline, presence?.ephemeralOwner != lease.sessionID {
            operations.append(.create(path: online, data: Array(gateway.utf8), mode: .ephemeral))
        }
        _ = try await lease.guarded(operations)
    }
}
