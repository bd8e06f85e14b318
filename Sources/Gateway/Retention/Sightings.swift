import ZooKeeperProtocol

/// Since when nodes have been seen as they are, by name: for ages that no wall clock tells.
struct Sightings {
    private struct Sighting {
        /// Of the last change of the node or of its list of children.
        let zxid: Int64
        let since: ContinuousClock.Instant
    }

    private var known: [String: Sighting] = [:]
    private var seen: [String: Sighting] = [:]

    /// How long this node has been like that.
    mutating func age(of name: String, _ stat: Stat, at now: ContinuousClock.Instant) -> Duration {
        let zxid = max(stat.mzxid, stat.pzxid)
        let since = known[name].flatMap { $0.zxid == zxid ? $0.since : nil } ?? now
        seen[name] = Sighting(zxid: zxid, since: since)
        return now - since
    }

    /// All nodes have been looked at; the others are gone.
    mutating func finished() {
        known = seen
        seen = [:]
    }
}
