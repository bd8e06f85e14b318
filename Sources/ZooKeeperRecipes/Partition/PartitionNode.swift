import ZooKeeperClient
import ZooKeeperProtocol

/// The node that holds the plan.
///
/// Its version alone does not tell whether it is still what was read: a node that was deleted and made again begins with
/// the same versions, and a change made for the plan before would go over another. So it has a child whose name is drawn
/// again for every incarnation, and each change demands that this child is still there. The child's data is what the plan was
/// made for (``PartitionBasis``), and changes together with the plan.
struct PartitionNode: Sendable {
    /// What a change replaces.
    struct Version: Hashable, Sendable {
        var number: Int32
        /// The name of the child.
        var incarnation: String
    }

    /// What the node and its child hold.
    struct Content: Hashable, Sendable {
        var plan: [UInt8]
        var basis: [UInt8] = []
    }

    private static let prefix = "i-"
    let client: ZooKeeperClient
    let path: String

    /// Reads it and watches it, also where it is missing.
    func read() async throws -> ((content: Content, version: Version)?, Watch) {
        while true {
            do {
                let watch = try client.makeUnarmedWatch(path)
                let data = try client.startGetData(path, arming: watch)
                let list = try client.startGetChildren2(path)
                let node = try await data.value()
                let (children, stat) = try await list.value()
                // Of the same node, or the two reads straddled its end.
                guard stat.czxid == node.stat.czxid else { continue }
                guard let incarnation = children.filter({ $0.hasPrefix(Self.prefix) }).min() else {
                    // Somebody else made the node.
                    try await client.create(newMark(), data: nil)
                    continue
                }
                // Newer than the plan, perhaps: then the watch has fired, and nothing is made of it.
                let basis = try await client.getData(ZooKeeperPath.child(incarnation, of: path)).data
                let content = Content(plan: node.data ?? [], basis: basis ?? [])
                return ((content, Version(number: node.stat.version, incarnation: incarnation)), watch)
            } catch let error as ZooKeeperError where error.code == .noNode {
                let (stat, watch) = try await client.existsAndWatch(path)
                if stat == nil { return (nil, watch) }
            }
        }
    }

    /// Writes it, unless somebody else was faster. Whether it was written is known to who reads it next, also when the
    /// answer was lost: nothing is written twice, because the version has gone on.
    ///
    /// - Parameter version: What was read; nil when there was no node.
    func write(_ content: Content, over version: Version?) async throws {
        do {
            if let version {
                try await client.transaction([
                    .setData(
                        path: ZooKeeperPath.child(version.incarnation, of: path), data: content.basis, version: -1),
                    .setData(path: path, data: content.plan, version: version.number),
                ])
            } else {
                try await client.transaction([
                    .create(path: path, data: content.plan), .create(path: newMark(), data: content.basis),
                ])
            }
        } catch let error as ZooKeeperError
            where [.badVersion, .noNode, .nodeExists].contains(error.code) || error.isOutcomeUnknown
        {
            if version == nil, error.code == .noNode { try await client.createParents(of: path) }
        }
    }

    private func newMark() -> String {
        ZooKeeperPath.child(Self.prefix + ProtectedName(kind: "plan").prefix, of: path)
    }
}
