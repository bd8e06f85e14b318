import Primitives

/// How devices and their work are shared: each device belongs to one of 64 shards, always the same, each shard to one
/// gateway at a time.
public enum ShardMap {
    /// The number of shards. Fixed: it decides node names (`/shards/00` … `/shards/63`) and where every device is.
    public static let shardCount = 64

    /// The shard of a device: the top six bits of the mixed FNV-1a hash of the UTF-8 bytes of its path.
    public static func shard(of device: TagPath) -> Int {
        shard(ofBytes: device.text.utf8)
    }

    /// The shard of a device, given the bytes of its path.
    public static func shard(ofBytes bytes: some Sequence<UInt8>) -> Int {
        Int(StableHash.mixed(StableHash.fnv1a(bytes)) >> 58)
    }

    /// The node name of a shard: two digits.
    public static func nodeName(_ shard: Int) -> String {
        shard < 10 ? "0\(shard)" : "\(shard)"
    }

    /// How much one member wants one shard; the same for everybody who asks.
    static func weight(member: String, shard: Int) -> UInt64 {
        let name = StableHash.fnv1a(member.utf8)
        return StableHash.mixed(
            StableHash.mixed(name) ^ (UInt64(truncatingIfNeeded: shard &+ 1) &* 0x9e37_79b9_7f4a_7c15))
    }

    /// The most shards that one of so many members takes: the even part, rounded up, and from seven members on one
    /// more. Without that slack a full house leaves the last shards no choice, and one member's going would push a
    /// quarter of all shards around.
    public static func capacity(members: Int, shards: Int = shardCount) -> Int {
        guard members > 0 else { return 0 }
        return (shards + members - 1) / members + (members > 6 ? 1 : 0)
    }

    /// Which member should own each shard: rendezvous hashing with bounded load.
    ///
    /// Every pair of shard and member has a weight. The heaviest pairs are settled first, and a member that has its
    /// `capacity` takes no more. So everybody who sees the same members computes the same plan. When one of n members
    /// leaves, its shards move and a few others with them: at most 2/n of all up to twelve members, 2/n on average
    /// beyond (`ShardMapTests` holds this). Members given twice count once. Every member is a key of the result, also
    /// when it gets nothing.
    public static func assignment(members: [String], shards: Int = shardCount) -> [String: [Int]] {
        let names = Array(Set(members)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        var plan = Dictionary(uniqueKeysWithValues: names.map { ($0, [Int]()) })
        guard !names.isEmpty, shards > 0 else { return plan }
        let capacity = capacity(members: names.count, shards: shards)
        var pairs: [(weight: UInt64, member: Int, shard: Int)] = []
        pairs.reserveCapacity(names.count * shards)
        for (member, name) in names.enumerated() {
            for shard in 0..<shards { pairs.append((weight(member: name, shard: shard), member, shard)) }
        }
        pairs.sort { ($0.weight, $1.member, $1.shard) > ($1.weight, $0.member, $0.shard) }
        var load = [Int](repeating: 0, count: names.count)
        var isTaken = [Bool](repeating: false, count: shards)
        for pair in pairs where !isTaken[pair.shard] && load[pair.member] < capacity {
            isTaken[pair.shard] = true
            load[pair.member] += 1
            plan[names[pair.member], default: []].append(pair.shard)
        }
        for name in names { plan[name]?.sort() }
        return plan
    }

    /// The member that should own a shard under a plan.
    public static func owner(of shard: Int, in plan: [String: [Int]]) -> String? {
        plan.first { $0.value.contains(shard) }?.key
    }
}
