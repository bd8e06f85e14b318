import Plant
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// Removing what an operator no longer wants to see: an alarm; a tag and its alarms; a device, its tags and theirs.
///
/// The nodes go in one transaction with the entries of the journal that say so, under the processor's lease. Every
/// gateway, this one included, forgets by those entries. A node that has been written since it was read makes the
/// transaction fail, and the request is decided again.
extension AlarmProcessor {
    /// What one transaction removes.
    struct Removal {
        fileprivate(set) var commits: [AlarmCommit] = []
        fileprivate(set) var operations: [Operation] = []
        fileprivate(set) var count = RequestAnswer.Removed(tags: 0, alarms: 0)
        /// Nodes whose parents may have served them alone.
        fileprivate(set) var paths: [String] = []
        fileprivate(set) var alarmNodes: Set<String> = []
    }

    /// The most nodes, and bytes of paths and entries, of one removal: well below the protocol's limit of a frame.
    private static let maximumNodes = 4_000
    private static let maximumBytes = 384 * 1024
    /// How often a removal is tried whose nodes are written meanwhile, before everything is read again.
    static let removalAttempts = 3

    /// What is to be removed has transitions that are not in the journal yet: those come first.
    struct Unrecorded: Error {}

    private func waitForTransitions(of tags: Set<TagPath>) throws {
        if plant.hasUnrecorded(at: tags, except: refusedNow()) { throw Unrecorded() }
    }

    /// - Throws: ``/Plant/LivePlant/ForgettingRefusal`` for what has to stay, ``Unrecorded`` for what has to wait.
    func removal(
        asked request: AlarmOperation, by principal: Principal, epoch: Int64, waits: Bool
    ) async throws -> Removal {
        let now = clock.wall()
        var removal = Removal()
        var alarms: [AlarmRecord] = []
        switch request.subject {
        case .alarm(let name, let tag):
            guard let tag = try? TagPath(tag), let record = known.record(of: AlarmPath(tag: tag, alarm: name)) else {
                throw LivePlant.ForgettingRefusal.unknown
            }
            if request.onlyIfOrphaned, plant.defines(alarm: record.path) {
                throw LivePlant.ForgettingRefusal.defined
            }
            try plant.mayForget(alarm: record.path)
            if waits { try waitForTransitions(of: [record.path.tag]) }
            alarms = [record]
        case .tag(let path), .device(let path):
            guard let path = try? TagPath(path) else { throw LivePlant.ForgettingRefusal.unknown }
            let forgotten: Forgotten
            let tags: Set<TagPath>
            if case .device = request.subject {
                forgotten = .device(path)
                tags = try await removeDevice(path, onlyIfOrphaned: request.onlyIfOrphaned, waits: waits, &removal)
            } else {
                forgotten = .tag(path)
                if request.onlyIfOrphaned, plant.defines(tag: path) { throw LivePlant.ForgettingRefusal.defined }
                try plant.mayForget(tag: path)
                tags = [path]
            }
            guard tags.count <= Self.maximumNodes else { throw LivePlant.ForgettingRefusal.tooMuch }
            if waits { try waitForTransitions(of: tags) }
            try await remove(tags.sorted().map { TreeLayout.tags + "/" + $0.znodePath }, &removal)
            alarms = known.records(of: tags)
            guard !removal.operations.isEmpty || !alarms.isEmpty,
                let commit = AlarmCommit(
                    forgetting: forgotten, at: now, by: principal, comment: request.comment, gateway: gateway,
                    epoch: epoch, tags: tags.count)
            else { throw LivePlant.ForgettingRefusal.unknown }
            removal.count.tags = tags.count
            removal.commits = [commit]
        }
        removal.commits += alarms.map {
            AlarmCommit(
                forgetting: $0, at: now, by: principal, comment: request.comment, gateway: gateway, epoch: epoch,
                owedBy: channels)
        }
        removal.count.alarms = alarms.count
        removal.alarmNodes = Set(alarms.map { AlarmStore.nodePath(of: $0.path) })
        removal.paths += removal.alarmNodes
        let bytes = removal.commits.reduce(removal.paths.reduce(0) { $0 + $1.utf8.count + 40 }) {
            $0 + $1.entry.serialized().count
        }
        guard removal.paths.count <= Self.maximumNodes, bytes <= Self.maximumBytes else {
            throw LivePlant.ForgettingRefusal.tooMuch
        }
        return removal
    }

    /// The device's own nodes into `removal`. Gives its tags: those that this gateway knows, and, where no route makes the
    /// device any more and so nobody knows them, those that lie below it in the tree and belong to no other device.
    private func removeDevice(
        _ device: TagPath, onlyIfOrphaned: Bool, waits: Bool, _ removal: inout Removal
    ) async throws -> Set<TagPath> {
        let node = TreeLayout.devices + "/" + device.znodePath
        let isDefined = plant.defines(device: device)
        if onlyIfOrphaned, isDefined { throw LivePlant.ForgettingRefusal.defined }
        var tags = Set(try plant.tagsToForget(withDevice: device))
        // Before the tree is walked, which takes its time.
        if waits { try waitForTransitions(of: tags) }
        if !isDefined { tags.formUnion(try await orphanedTags(below: device)) }
        try await remove([node, TreeLayout.online(device: device.znodePath)], &removal)
        return tags
    }

    private func orphanedTags(below device: TagPath) async throws -> [TagPath] {
        let walk = TreeWalk(client: client)
        let nodes = try await walk.descendants(
            of: TreeLayout.devices + "/" + device.znodePath, atMost: Self.maximumNodes,
            except: { $0.split(separator: "/").last?.first == "@" })
        guard nodes.count <= Self.maximumNodes else { throw LivePlant.ForgettingRefusal.tooMuch }
        var others: Set<String> = []
        for (path, node) in zip(nodes, try await walk.data(of: nodes))
        where node?.data.flatMap(DeviceRecord.init) != nil {
            others.insert(TreeLayout.tags + path.dropFirst(TreeLayout.devices.count))
        }
        let below = try await walk.descendants(
            of: TreeLayout.tags + "/" + device.znodePath, atMost: Self.maximumNodes, except: { others.contains($0) })
        guard below.count <= Self.maximumNodes else { throw LivePlant.ForgettingRefusal.tooMuch }
        // Those without data only lead to others.
        return zip(below, try await walk.data(of: below)).compactMap { path, node in
            guard node?.data?.isEmpty == false else { return nil }
            return try? TagPath(znodePath: String(path.dropFirst(TreeLayout.tags.count + 1)))
        }.filter { !plant.defines(tag: $0) }
    }

    /// The operations that remove those of these nodes that exist. One with others below it stays as their parent, empty.
    private func remove(_ paths: [String], _ removal: inout Removal) async throws {
        let nodes = try await TreeWalk(client: client).data(of: paths)
        let present = zip(paths, nodes).compactMap { path, node in node.map { (path: path, stat: $0.stat) } }
        let going = present.reduce(into: [String: Int32]()) { counts, node in
            if let parent = Self.parent(of: node.path) { counts[parent, default: 0] += 1 }
        }
        // Children first.
        for (path, stat) in present.sorted(by: { $0.path > $1.path }) {
            removal.operations.append(
                going[path, default: 0] < stat.numChildren
                    ? .setData(path: path, data: [], version: stat.version)
                    : .delete(path: path, version: stat.version))
            removal.paths.append(path)
        }
    }

    /// Nodes that only led to what was removed. It is no failure when one stays.
    func removeEmptyNodes(above removal: Removal) async {
        var parents = Set(removal.paths.compactMap(Self.parent))
        while let path = parents.popFirst() {
            do {
                let node = try await client.getData(path)
                guard node.data?.isEmpty ?? true, node.stat.numChildren == 0 else { continue }
                try await client.delete(path, version: node.stat.version)
                if let parent = Self.parent(of: path) { parents.insert(parent) }
            } catch {
                continue
            }
        }
    }

    /// Below one of the roots.
    private static func parent(of path: String) -> String? {
        guard let slash = path.lastIndex(of: "/") else { return nil }
        let parent = path[..<slash]
        return parent.dropFirst().contains("/") ? String(parent) : nil
    }
}
