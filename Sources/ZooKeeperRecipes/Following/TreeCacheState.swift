import ZooKeeperProtocol

/// What a follower of a ``TreeCache`` is told.
public enum TreeChange: Sendable {
    /// Everything that is known, in place of what was told before: at the start, and when a follower was too slow to be
    /// told one by one.
    case snapshot(TreeSnapshot)
    /// There is a node where there was none. Told after that of its parent.
    case created(CachedNode)
    /// The data of a node is another.
    case updated(CachedNode)
    /// There is no node any more; this is the last that was known of it. Told after those of its children.
    case deleted(CachedNode)
    /// Events may have been missed: the cache looks at everything, and until ``resynced`` changes come in no order.
    case resyncing
    /// Everything has been looked at again.
    case resynced
}

/// The cache's bookkeeping, without I/O: answers of the server in, changes out.
///
/// Each answer is the whole truth about one node at its time, and answers come in the order in which the server gave
/// them, so the last one wins. What happened between two answers is told as the shortest history that explains it: per
/// path always created, any number of updates, deleted, and created again.
struct TreeCacheState {
    private(set) var snapshot: TreeSnapshot
    /// The paths seen since the last resynchronisation began; nil when none is under way.
    private var seen: Set<String>?

    init(root: String) {
        snapshot = TreeSnapshot(root: root)
    }

    /// The node was read.
    mutating func read(_ path: String, data: [UInt8]?, stat: Stat) -> [TreeChange] {
        let node = CachedNode(path: path, data: data, stat: stat)
        var changes: [TreeChange] = []
        if let old = snapshot.value(path) {
            if old.stat.czxid == stat.czxid {
                // An older answer cannot come behind a newer one, except by way of another server of an ensemble.
                seen?.insert(path)
                if stat.mzxid < old.stat.mzxid { return [] }
                guard snapshot.insert(node) else { return [] }
                return stat.mzxid == old.stat.mzxid ? [] : [.updated(node)]
            }
            if stat.czxid < old.stat.czxid { return [] }
            // Deleted and made again between two looks; its children went with it.
            changes = gone(path)
        }
        guard snapshot.insert(node) else { return changes }
        seen?.insert(path)
        return changes + [.created(node)]
    }

    /// There is no such node.
    mutating func gone(_ path: String) -> [TreeChange] {
        snapshot.remove(path).map { node in
            seen?.remove(node.path)
            return .deleted(node)
        }
    }

    /// Everything is going to be looked at.
    mutating func resyncBegan() -> [TreeChange] {
        seen = []
        return [.resyncing]
    }

    /// Everything was looked at: what was not seen is gone.
    mutating func resyncEnded() -> [TreeChange] {
        guard let seen else { return [] }
        self.seen = nil
        var changes: [TreeChange] = []
        for path in snapshot.paths.filter({ !seen.contains($0) }) { changes += gone(path) }
        return changes + [.resynced]
    }

    /// Whether what is known of a node is what its stat says, and needs no reading; counts as a look.
    mutating func isCurrent(_ path: String, _ stat: Stat) -> Bool {
        guard let node = snapshot.value(path), node.stat.czxid == stat.czxid, node.stat.mzxid == stat.mzxid else {
            return false
        }
        seen?.insert(path)
        return true
    }
}
