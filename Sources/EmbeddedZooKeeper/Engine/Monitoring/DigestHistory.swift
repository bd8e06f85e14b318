import DequeModule

/// Digests of the tree at some of its newest transactions: what `hash` tells, so that two copies of a tree can be compared.
struct DigestHistory {
    /// Tells these numbers from ZooKeeper's, whose versions are small.
    static let version: Int64 = 1001
    /// As often, and as many, as ZooKeeper keeps.
    private static let interval: Int64 = 128
    private static let limit = 1024

    private(set) var entries: Deque<(zxid: Int64, digest: UInt64)> = []

    /// Takes in the digest after a transaction, unless there is one of shortly before.
    mutating func note(zxid: Int64, _ digest: UInt64) {
        if let last = entries.last, zxid &- last.zxid < Self.interval { return }
        if entries.count == Self.limit { entries.removeFirst() }
        entries.append((zxid, digest))
    }
}
