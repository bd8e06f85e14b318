import Plant
import ZooKeeperProtocol

/// What the active processor knows to stand in `/alarms`: the version of each node, and the revision of its record.
///
/// Every record is written with the version that is expected of its node. So the tree refuses a second recording of a
/// transition whose first one went through without an answer, and whatever builds on a record that is not the present
/// one.
package struct AlarmStandings: Sendable {
    package struct Standing: Sendable, Hashable {
        package var version: Int32
        /// nil for a node that holds no record: it is there and will be overwritten.
        package var revision: Int64?

        package init(version: Int32, revision: Int64?) {
            self.version = version
            self.revision = revision
        }
    }

    /// A transition that builds on an older record than the one that stands in the tree.
    struct Outdated: Error, CustomStringConvertible {
        let alarm: AlarmPath
        var description: String { "the tree has a later record of \(alarm)" }
    }

    /// The writes of one transaction, and what they make of the standings once it is committed.
    struct Writes: Sendable {
        fileprivate var standings: [String: Standing] = [:]
        fileprivate var removed: [String] = []
    }

    private var nodes: [String: Standing] = [:]

    package init() {}

    package mutating func found(_ path: String, _ standing: Standing) { nodes[path] = standing }

    /// Whether the alarm has a node.
    func contains(_ alarm: AlarmPath) -> Bool { nodes[AlarmStore.nodePath(of: alarm)] != nil }

    /// nil when there is no record.
    func revision(of alarm: AlarmPath) -> Int64? { nodes[AlarmStore.nodePath(of: alarm)]?.revision }

    /// The operation that writes a record over the one before it, behind what `writes` holds already.
    func write(_ record: AlarmRecord, in writes: inout Writes) throws(Outdated) -> Operation {
        let path = AlarmStore.nodePath(of: record.path)
        let data = record.serialized()
        guard let standing = writes.standings[path] ?? nodes[path] else {
            writes.standings[path] = Standing(version: 0, revision: record.revision)
            return .create(path: path, data: data, mode: .persistent)
        }
        // A record with a gap before it is one that the tree has lost a revision of: the later one stands again.
        if let revision = standing.revision, revision >= record.revision { throw Outdated(alarm: record.path) }
        writes.standings[path] = Standing(version: standing.version &+ 1, revision: record.revision)
        return .setData(path: path, data: data, version: standing.version)
    }

    /// The operation that removes an alarm's node; nil when there is none.
    func remove(_ alarm: AlarmPath, in writes: inout Writes) -> Operation? {
        let path = AlarmStore.nodePath(of: alarm)
        guard let standing = nodes[path] else { return nil }
        writes.removed.append(path)
        return .delete(path: path, version: standing.version)
    }

    /// The transaction of these writes has been committed.
    mutating func committed(_ writes: Writes) {
        nodes.merge(writes.standings) { $1 }
        for path in writes.removed { nodes[path] = nil }
    }
}
