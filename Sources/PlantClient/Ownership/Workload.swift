import Plant

/// How many devices and tags of the tree each shard has.
package struct Workload: Sendable, Hashable {
    /// By shard.
    package private(set) var devices = [Int](repeating: 0, count: TreeLayout.shardCount)
    /// By shard.
    package private(set) var tags = [Int](repeating: 0, count: TreeLayout.shardCount)
    /// Tags below no device that is in the tree: their route calls them otherwise, or they are a gateway's own.
    package private(set) var otherTags = 0

    package init() {}

    /// - Parameters:
    ///   - devices: paths of all devices.
    ///   - tags: paths of all tags. A tag counts for the nearest device above it, or at it.
    package init(devices: [String], tags: [String]) {
        let known = Set(devices)
        for device in known { self.devices[ShardMap.shard(ofBytes: device.utf8)] += 1 }
        for tag in tags {
            guard let device = Self.device(of: tag, known) else {
                otherTags += 1
                continue
            }
            self.tags[ShardMap.shard(ofBytes: device.utf8)] += 1
        }
    }

    private static func device(of tag: String, _ known: Set<String>) -> Substring? {
        var path = tag[...]
        while !known.contains(String(path)) {
            guard let slash = path.lastIndex(of: "/") else { return nil }
            path = path[..<slash]
        }
        return path
    }
}
