import JSON
import OrderedCollections
import Plant
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// Reads how a plant and its gateways are.
struct StatusReader: Sendable {
    let client: ZooKeeperClient

    private var walk: TreeWalk { TreeWalk(client: client) }

    func status() async throws -> PlantStatus {
        var status = PlantStatus()
        let started = ContinuousClock.now
        let root = try await client.exists("/")
        status.roundTrip = ContinuousClock.now - started
        guard root != nil else { return status }

        if let (node, candidates) = try await alarmProcessorNode() {
            status.processor = Self.name(node)
            status.processorEpoch = node?.stat.czxid
            status.standbys = candidates - 1
        }
        let queues = try await OwnershipReader(client: client).queues()
        try await readGateways(into: &status, queues: queues.shards)
        let ownership = OwnershipReport(
            members: status.gateways.compactMap(\.member), queues: queues.shards, processorQueue: queues.processor)
        status.ownership = ownership
        status.ownedShards = ownership.ownedCount
        async let tags = Self.leaves(of: walk.descendants(of: TreeLayout.tags))
        async let devices = deviceRecords()
        async let alarms = alarmStates()
        let records = try await devices
        for record in records {
            status.devices[record.state, default: 0] += 1
            if record.flapping != nil { status.flappingDevices += 1 }
        }
        status.workload = Workload(
            devices: records.map(\.device), tags: try await tags.compactMap { TreeLayout.tag(ofNode: $0)?.text })
        (status.tags, status.alarms) = try await (tags.count, alarms)
        status.journalEntries = try await Int(client.exists(TreeLayout.journal)?.numChildren ?? 0)
        return status
    }

    private func deviceRecords() async throws -> [DeviceRecord] {
        try await walk.data(of: walk.descendants(of: TreeLayout.devices)).compactMap {
            $0?.data.flatMap(DeviceRecord.init(data:))
        }
    }

    private func alarmStates() async throws -> [AlarmState: Int] {
        var states: [AlarmState: Int] = [:]
        let alarms = try await walk.descendants(of: TreeLayout.alarms).filter(TreeLayout.isAlarm(node:))
        for node in try await walk.data(of: alarms) {
            guard let record = try? AlarmRecord(parsing: node?.data ?? []) else { continue }
            states[record.state, default: 0] += 1
        }
        return states
    }

    /// Registrations, and what each gateway counts: in a node of its own, or, an older gateway's, in the registration.
    private func readGateways(into status: inout PlantStatus, queues: [[String]]) async throws {
        let names = try await walk.children(of: TreeLayout.gateways).sorted()
        async let figures = walk.data(of: names.map(TreeLayout.status))
        let registrations = try await walk.data(of: names.map(TreeLayout.gateway))
        for ((name, node), figures) in zip(zip(names, registrations), try await figures) {
            guard let node else { continue }
            let bytes = node.data ?? []
            let member = OwnershipReader.member(name, node)
            var data = (try? JSONValue(parsing: bytes))?.objectValue ?? [:]
            let counted = figures.flatMap { try? JSONValue(parsing: $0.data ?? []) }?.objectValue ?? [:]
            var report: (record: GatewayStatusRecord, writtenAt: Milliseconds)?
            // Of another life, it says nothing about this one.
            if let figures, counted["life"] == data["life"] {
                for key in [
                    "broker", "brokerSince", "brokerAddresses", "configurationDigest", "problems", "untried",
                    "counters",
                ]
                where counted[key] != nil { data[key] = counted[key] }
                data["reportedAt"] = .integer(figures.stat.mtime)
                report = GatewayStatusRecord(parsing: figures.data ?? []).map { ($0, figures.stat.mtime) }
            }
            status.gateways.append(
                PlantStatus.GatewayStatus(
                    name: name, data: .object(data), shards: queues.count { $0.first == name },
                    isProcessor: name == status.processor, member: member, report: report))
        }
        let group = ServingGroup(status.gateways.compactMap(\.member))
        for index in status.gateways.indices {
            guard let member = status.gateways[index].member else { continue }
            switch group.hindrance(of: member) {
            case .unready: status.gateways[index].standsBy = "does not hear the broker"
            case .otherRoutes(let leader): status.gateways[index].standsBy = "other routes than \(leader)"
            case .draining, .settling, nil: break
            }
        }
    }

    /// Nodes that are nobody's parent.
    private static func leaves(of paths: [String]) -> [String] {
        var parents: Set<Substring> = []
        for path in paths {
            if let slash = path.lastIndex(of: "/") { parents.insert(path[..<slash]) }
        }
        return paths.filter { !parents.contains($0[...]) }
    }

    // MARK: Owners

    /// Whether a gateway is registered by a session that lives.
    func hasGateway() async throws -> Bool {
        for name in try await walk.children(of: TreeLayout.gateways) {
            // Not read: that may not be allowed.
            if let stat = try await client.exists(TreeLayout.gateway(name)), stat.ephemeralOwner != 0 { return true }
        }
        return false
    }

    /// The gateway that processes alarms; nil when none does.
    func alarmProcessor() async throws -> String? {
        try await alarmProcessorNode().flatMap { Self.name($0.node) }
    }

    /// The election node of the active alarm processor, unless it has gone meanwhile, and how many stand in the queue.
    private func alarmProcessorNode() async throws -> (node: NodeData?, candidates: Int)? {
        guard let (path, candidates) = try await firstInQueue(TreeLayout.alarmProcessor) else { return nil }
        return (try await walk.data(of: [path]).first.flatMap { $0 }, candidates)
    }

    /// The gateway that an ownership node names.
    private static func name(_ node: NodeData?) -> String? {
        node?.data.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The owner's node among the candidates for a lock, and how many there are.
    private func firstInQueue(_ path: String) async throws -> (path: String, candidates: Int)? {
        let queue = QueueOrder.candidates(among: try await walk.children(of: path))
        return queue.first.map { (path + "/" + $0, queue.count) }
    }
}
