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

    /// What the weight of a gateway may be: how many times as many shards it takes as one of weight 1. One of weight 0 takes
    /// none as long as there is another.
    public static let weights = 0...100

    /// How much one member wants one shard; the same for everybody who asks.
    ///
    /// A member stands for each shard with as many copies as its weight, and the copy counts that wants the shard most. So
    /// its chance of wanting a shard more than the others do is proportional to its weight, without a number that two
    /// machines could round differently. One copy wants the same whatever the weight is, so that a plan in which all have
    /// the weight 1 is the one of versions that know no weights.
    static func desire(member: String, copies: Int = 1, shard: Int) -> UInt64 {
        desire(seeds: seeds(member: member, copies: copies), shard: shard)
    }

    /// What of ``desire(member:copies:shard:)`` does not depend on the shard, one for each copy.
    private static func seeds(member: String, copies: Int) -> [UInt64] {
        let name = StableHash.fnv1a(member.utf8)
        return (0..<UInt64(max(1, copies))).map { StableHash.mixed(name &+ $0 &* scatter) }
    }

    private static func desire(seeds: [UInt64], shard: Int) -> UInt64 {
        let place = UInt64(truncatingIfNeeded: shard &+ 1) &* scatter
        var greatest: UInt64 = 0
        for seed in seeds { greatest = max(greatest, StableHash.mixed(seed ^ place)) }
        return greatest
    }

    /// 2^64 divided by the golden ratio: neighbouring numbers get far apart.
    private static let scatter: UInt64 = 0x9e37_79b9_7f4a_7c15

    /// The most shards that one of so many members takes: its part by weight, rounded up, and from seven members on one
    /// more. Without that slack a full house leaves the last shards no choice, and one member's going would push a
    /// quarter of all shards around.
    ///
    /// - Parameters:
    ///   - weight: of the member.
    ///   - total: the weights of all members together; nil: all have the same.
    static func capacity(
        members: Int, weight: Int = 1, of total: Int? = nil, shards: Int = shardCount
    ) -> Int {
        let total = total ?? members * weight
        guard members > 0, weight > 0, total > 0 else { return 0 }
        return (shards * weight + total - 1) / total + (members > 6 ? 1 : 0)
    }

    /// Which member should own each shard when all have the same weight; see ``assignment(weights:shards:)``. Members given
    /// twice count once.
    public static func assignment(members: [String], shards: Int = shardCount) -> [String: [Int]] {
        assignment(weights: Dictionary(members.map { ($0, 1) }) { first, _ in first }, shards: shards)
    }

    /// Which member should own each shard: rendezvous hashing with bounded load.
    ///
    /// Every pair of shard and member has a hash, the greater the more the member wants the shard. The greatest are settled
    /// first, and a member that has its `capacity` takes no more. So everybody who sees the same members computes the same
    /// plan. Every member is a key of the result, also when it gets nothing.
    ///
    /// What moves when one of n members of equal weight joins or leaves: its shards and a few others with them, 2/n of all
    /// on average at most, and up to twelve members 2/n and three shards in the worst case that was found. With different
    /// weights, or when one weight changes: twice the member's share, or the change of its share, and less than ten shards
    /// besides, because shares are rounded up (`ShardMapTests` holds all of this). Weights are taken as they are: 2 and 2 is
    /// another plan than 1 and 1, or a third member of weight 1 would move everything.
    ///
    /// - Parameter weights: by member, as ``weights`` allows; others count as the nearest that it does. Where all are 0 all
    ///   count as 1.
    public static func assignment(weights: [String: Int], shards: Int = shardCount) -> [String: [Int]] {
        var plan = weights.mapValues { _ in [Int]() }
        let isNobodyWanted = weights.values.allSatisfy { $0 <= 0 }
        let members = weights.map { name, weight in
            (name: name, weight: isNobodyWanted ? 1 : min(weight, Self.weights.upperBound))
        }.filter { $0.weight > 0 }.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        guard !members.isEmpty, shards > 0 else { return plan }
        let total = members.reduce(0) { $0 + $1.weight }
        let capacities = members.map {
            capacity(members: members.count, weight: $0.weight, of: total, shards: shards)
        }
        var pairs: [(desire: UInt64, member: Int, shard: Int)] = []
        pairs.reserveCapacity(members.count * shards)
        for (index, member) in members.enumerated() {
            let seeds = seeds(member: member.name, copies: member.weight)
            for shard in 0..<shards {
                pairs.append((desire(seeds: seeds, shard: shard), index, shard))
            }
        }
        pairs.sort { ($0.desire, $1.member, $1.shard) > ($1.desire, $0.member, $0.shard) }
        var load = [Int](repeating: 0, count: members.count)
        var isTaken = [Bool](repeating: false, count: shards)
        for pair in pairs where !isTaken[pair.shard] && load[pair.member] < capacities[pair.member] {
            isTaken[pair.shard] = true
            load[pair.member] += 1
            plan[members[pair.member].name, default: []].append(pair.shard)
        }
        return plan.mapValues { $0.sorted() }
    }

    /// The member that should own a shard under a plan.
    public static func owner(of shard: Int, in plan: [String: [Int]]) -> String? {
        plan.first { $0.value.contains(shard) }?.key
    }
}
