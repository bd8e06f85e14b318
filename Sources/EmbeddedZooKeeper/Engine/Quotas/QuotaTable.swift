import ZooKeeperProtocol

/// How many nodes and bytes lie below each path that has a quota, kept exact with every change of the tree.
///
/// A path has a quota while `/zookeeper/quota<path>/zookeeper_limits` exists. What is used stands in `zookeeper_stats`
/// beside it, which is rewritten in memory at the end of a transaction without a log record, a version or a watch event
/// of its own, as ZooKeeper does it. After a restart everything is counted anew, so the numbers need not be stored.
///
/// A quota counts its whole subtree, itself included. Whether a change is allowed is asked of the nearest one only, as in
/// ZooKeeper 3.9 (`DataTree.getMaxPrefixWithQuota`), whose command line refuses to set one quota inside another. Set all the
/// same, ZooKeeper adds what happens under the inner one to the outer one's numbers only at its next start, when it counts
/// anew; here both are always what is there.
struct QuotaTable {
    /// What one path may hold and holds.
    final class Quota {
        let path: PathKey
        fileprivate(set) var limits: QuotaLimits
        fileprivate(set) var count: Int64 = 0
        fileprivate(set) var bytes: Int64 = 0
        fileprivate(set) var statsNode: Node?
        fileprivate var isStale = false

        fileprivate init(path: PathKey, limits: QuotaLimits) {
            self.path = path
            self.limits = limits
        }
    }

    static let root = "/zookeeper/quota"
    private static let prefix = root + "/"
    private static let limitsSuffix = "/zookeeper_limits"
    private static let statsSuffix = "/zookeeper_stats"

    private(set) var quotas: [PathKey: Quota] = [:]
    private var stale: [Quota] = []

    /// The common case, asked before everything else.
    var isEmpty: Bool { quotas.isEmpty }

    /// The quota that decides about a node at `key` below `parent`: its own or the nearest ancestor's.
    func governing(_ key: PathKey, parent: Node?) -> Quota? {
        guard !quotas.isEmpty else { return nil }
        if let quota = quotas[key] { return quota }
        var ancestor = parent
        while let node = ancestor {
            if let quota = quotas[node.key] { return quota }
            ancestor = node.parent
        }
        return nil
    }

    // MARK: What happens in the tree

    /// A node came into the tree.
    mutating func linked(_ node: Node, in nodes: [PathKey: Node]) {
        if !quotas.isEmpty { count(node, nodes: 1, bytes: Int64(node.state.data?.count ?? 0)) }
        guard Self.isSystemPath(node.path) else { return }
        if let path = Self.path(of: node.path, before: Self.limitsSuffix) {
            let quota = Quota(path: path, limits: QuotaLimits(node.state.data))
            quotas[path] = quota
            quota.statsNode = nodes[PathKey(Self.root + path.string + Self.statsSuffix)]
            recount(quota, in: nodes)
        } else if let path = Self.path(of: node.path, before: Self.statsSuffix), let quota = quotas[path] {
            quota.statsNode = node
            markStale(quota)
        }
    }

    /// A node left the tree.
    mutating func unlinked(_ node: Node) {
        guard !quotas.isEmpty else { return }
        count(node, nodes: -1, bytes: -Int64(node.state.data?.count ?? 0))
        guard Self.isSystemPath(node.path) else { return }
        if let path = Self.path(of: node.path, before: Self.limitsSuffix) {
            quotas[path] = nil
        } else if let path = Self.path(of: node.path, before: Self.statsSuffix) {
            quotas[path]?.statsNode = nil
        }
    }

    /// A node's data is now what it is; it was longer or shorter by `difference`.
    mutating func dataChanged(_ node: Node, difference: Int) {
        guard !quotas.isEmpty else { return }
        if difference != 0 { count(node, nodes: 0, bytes: Int64(difference)) }
        guard Self.isSystemPath(node.path) else { return }
        if let path = Self.path(of: node.path, before: Self.limitsSuffix), let quota = quotas[path] {
            quota.limits = QuotaLimits(node.state.data)
        } else if let path = Self.path(of: node.path, before: Self.statsSuffix), let quota = quotas[path] {
            markStale(quota)
        }
    }

    /// Everything is in the tree: counts anew.
    mutating func recovered(_ nodes: [PathKey: Node]) {
        for quota in quotas.values { recount(quota, in: nodes) }
    }

    /// A transaction ended: the statistics that it made stale, with the data that they should hold.
    mutating func takeStale() -> [(node: Node, data: [UInt8])] {
        guard !stale.isEmpty else { return [] }
        defer { stale.removeAll(keepingCapacity: true) }
        return stale.compactMap { quota in
            quota.isStale = false
            guard quotas[quota.path] === quota, let node = quota.statsNode else { return nil }
            return (node, Array(QuotaLimits(count: quota.count, bytes: quota.bytes).text.utf8))
        }
    }

    private mutating func count(_ node: Node, nodes: Int64, bytes: Int64) {
        var ancestor: Node? = node
        while let current = ancestor {
            if let quota = quotas[current.key] {
                quota.count += nodes
                quota.bytes += bytes
                markStale(quota)
            }
            ancestor = current.parent
        }
    }

    private mutating func recount(_ quota: Quota, in nodes: [PathKey: Node]) {
        quota.count = 0
        quota.bytes = 0
        var pending = nodes[quota.path].map { [$0] } ?? []
        while let node = pending.popLast() {
            quota.count += 1
            quota.bytes += Int64(node.state.data?.count ?? 0)
            pending.append(contentsOf: node.children)
        }
        markStale(quota)
    }

    private mutating func markStale(_ quota: Quota) {
        guard !quota.isStale else { return }
        quota.isStale = true
        stale.append(quota)
    }

    private static func isSystemPath(_ path: String) -> Bool {
        path.utf8.starts(with: prefix.utf8)
    }

    /// `/a/b` of `/zookeeper/quota/a/b/zookeeper_limits`. Neither the root nor what is ZooKeeper's own can have a quota.
    private static func path(of system: String, before suffix: String) -> PathKey? {
        let bytes = system.utf8
        guard bytes.count > root.utf8.count + suffix.utf8.count,
            bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
        else { return nil }
        let path = String(decoding: bytes.dropFirst(root.utf8.count).dropLast(suffix.utf8.count), as: UTF8.self)
        guard path != "/zookeeper", !path.hasPrefix("/zookeeper/") else { return nil }
        return PathKey(path)
    }
}
