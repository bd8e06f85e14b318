import Plant
import ZooKeeperClient
import ZooKeeperProtocol

/// Removing what an operator no longer wants to see: an alarm; a tag and its alarms; a device, its tags and theirs.
///
/// The nodes go in one transaction with the entries of the journal that say so, under the processor's lease. Every
/// gateway, this one included, forgets by those entries. An owner that writes a value in that moment makes the tag's
/// node again, as it does when the device speaks later.
extension AlarmProcessor {
    /// What one transaction removes.
    struct Removal {
        fileprivate(set) var commits: [AlarmCommit] = []
        fileprivate(set) var operations: [Operation] = []
        fileprivate(set) var count = AlarmRequest.Removed(tags: 0, alarms: 0)
        /// Nodes whose parents may have served them alone.
        fileprivate(set) var paths: [String] = []
    }

    /// The most nodes, and bytes of entries, of one removal: well below the protocol's limit of a frame.
    private static let mostNodes = 4_000
    private static let mostBytes = 384 * 1024

    /// - Throws: ``/Plant/LivePlant/ForgettingRefusal`` for what has to stay.
    func removal(asked request: AlarmRequest, epoch: Int64) async throws -> Removal {
        let now = clock.wall()
        var removal = Removal()
        var tags: [TagPath] = []
        var alarms: [AlarmRecord] = []
        switch request.subject {
        case .alarm(let name, let tag):
            guard let tag = try? TagPath(tag), let record = known.record(of: AlarmPath(tag: tag, alarm: name)) else {
                throw LivePlant.ForgettingRefusal.unknown
            }
            if request.onlyIfOrphaned, plant.defines(alarm: record.path) {
                throw LivePlant.ForgettingRefusal.defined
            }
            _ = try plant.tagsToForget(with: .alarm(record), in: nil)
            alarms = [record]
        case .tag(let path), .device(let path):
            guard let path = try? TagPath(path) else { throw LivePlant.ForgettingRefusal.unknown }
            var forgotten = Forgotten.tag(path)
            if case .device = request.subject {
                forgotten = .device(path)
                let node = TreeLayout.devices + "/" + path.znodePath
                let record = try await TreeWalk(client: client).data(of: [node])[0]?.data.flatMap(DeviceRecord.init)
                if request.onlyIfOrphaned, record.map(plant.defines) ?? false {
                    throw LivePlant.ForgettingRefusal.defined
                }
                tags = try plant.tagsToForget(with: forgotten, in: record)
                try await remove([node, TreeLayout.online(device: path.znodePath)], &removal)
            } else {
                if request.onlyIfOrphaned, plant.defines(tag: path) { throw LivePlant.ForgettingRefusal.defined }
                tags = try plant.tagsToForget(with: forgotten, in: nil)
            }
            try await remove(tags.map { TreeLayout.tags + "/" + $0.znodePath }, &removal)
            alarms = known.records(of: Set(tags))
            guard !removal.operations.isEmpty || !alarms.isEmpty,
                let commit = AlarmCommit(
                    forgetting: forgotten, at: now, by: request.by, comment: request.comment, gateway: gateway,
                    epoch: epoch)
            else { throw LivePlant.ForgettingRefusal.unknown }
            removal.commits = [commit]
        }
        removal.commits += alarms.map {
            AlarmCommit(
                forgetting: $0.forgetting(at: now, epoch: epoch), by: request.by, comment: request.comment,
                gateway: gateway)
        }
        removal.paths += alarms.map { AlarmStore.nodePath(of: $0.path) }
        removal.count = .init(tags: tags.count, alarms: alarms.count)
        let bytes = removal.commits.reduce(removal.paths.reduce(0) { $0 + $1.utf8.count + 40 }) {
            $0 + $1.entry.serialized().count
        }
        guard removal.paths.count <= Self.mostNodes, bytes <= Self.mostBytes else {
            throw LivePlant.ForgettingRefusal.tooMuch
        }
        return removal
    }

    /// The operations that remove those of these nodes that exist. One with others below it stays as their parent, empty.
    private func remove(_ paths: [String], _ removal: inout Removal) async throws {
        let nodes = try await TreeWalk(client: client).data(of: paths)
        let present = zip(paths, nodes).compactMap { path, node in node.map { (path, $0.stat.numChildren) } }
        let going = Set(present.map(\.0))
        // Children first.
        for (path, children) in present.reversed() {
            let below = going.count { $0.hasPrefix(path + "/") && !$0.dropFirst(path.count + 1).contains("/") }
            removal.operations.append(
                below < Int(children)
                    ? .setData(path: path, data: [], version: -1) : .delete(path: path, version: -1))
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
