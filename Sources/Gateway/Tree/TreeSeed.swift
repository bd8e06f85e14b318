import Logging
import Plant
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// What a gateway takes from the tree before it acts: so it neither overwrites newer values with older ones, nor opens
/// an occurrence that is already recorded.
struct TreeSeed {
    let client: ZooKeeperClient
    let outsiders: OutsiderLog
    let logger: Logger

    init(client: ZooKeeperClient, outsiders: OutsiderLog, logger: Logger) {
        self.client = client
        self.outsiders = outsiders
        self.logger = logger
    }

    /// Makes the persistent nodes that every service counts on.
    func makeRoots() async throws {
        let paths = TreeLayout.roots + (0..<TreeLayout.shardCount).map(TreeLayout.shard)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for path in TreeLayout.roots { group.addTask { try await client.ensurePath(path) } }
            try await group.waitForAll()
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for path in paths { group.addTask { try await client.ensurePath(path) } }
            try await group.waitForAll()
        }
    }

    /// Latest values, devices and alarm records.
    func read(into plant: PlantState) async throws {
        let walk = TreeWalk(client: client)
        var orphans = Orphans()
        // Nodes that are only parents hold nothing.
        var found = (tags: 0, devices: 0)
        // Devices first: when several topics could have a tag, the one of a known device gets it.
        let devices = try await walk.devicePaths()
        for (path, node) in zip(devices, try await walk.data(of: devices)) {
            guard let data = node?.data, !data.isEmpty else { continue }
            guard let record = DeviceRecord(data: data) else {
                outsiders.warning("unreadable device record", ["path": path])
                continue
            }
            plant.seedDevice(record)
            found.devices += 1
            if let device = try? TagPath(record.device), !plant.defines(device: device) {
                orphans.devices.append(record.device)
            }
        }
        let tags = try await walk.descendants(of: TreeLayout.tags)
        for (path, node) in zip(tags, try await walk.data(of: tags)) {
            guard let data = node?.data, !data.isEmpty else { continue }
            let name = String(path.dropFirst(TreeLayout.tags.count + 1))
            plant.seedTag(znodePath: name, data: data)
            found.tags += 1
            if let tag = try? TagPath(znodePath: name), !plant.defines(tag: tag) { orphans.tags.append(tag.text) }
        }
        let alarms = try await AlarmStore(client: client, outsiders: outsiders).contents().records
        plant.restoreAlarms(alarms)
        orphans.alarms = alarms.map(\.path).filter { !plant.defines(alarm: $0) }.map(\.description)
        orphans.tell(outsiders)
        logger.info("read the tree", metadata: ["tags": "\(found.tags)", "devices": "\(found.devices)"])
    }
}
