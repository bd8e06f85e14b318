/// Which member should have which item: rendezvous hashing with bounded load, as a pure value.
///
/// Whoever knows the same members and items computes the same plan, wherever; nothing is remembered. Each pair of member
/// and item has a weight, drawn from their names. The plan is the stable one: an item is with the member that it weighs
/// heaviest with, among those that are not full of heavier ones. No member has more than `ceil(slack · items / members)`.
///
/// When one of n members leaves, its items move, and with them a few that lose or find room elsewhere: about 1/n of all.
/// With at least 16 items a member and a slack of at least 1.5 it was never more than 2/n in any case that was tried
/// (`PartitionPlanTests`); with fewer items a member the share is the same on average, and a handful of items more or
/// less is a larger part of it. When a member comes, the same items move back.
public struct PartitionPlan: Hashable, Sendable {
    /// Somebody who takes items.
    public struct Member: Hashable, Sendable {
        /// Its name, unique among the members.
        public var name: String
        /// How many times as many items as a member of weight 1 it should have; at least 1.
        public var weight: Int

        /// Describes a member.
        public init(_ name: String, weight: Int = 1) {
            self.name = name
            self.weight = min(max(1, weight), 1000)
        }
    }

    /// The items of each member, in the order of the list they were given in. Every member is a key.
    public let items: [String: [String]]
    private let owners: [String: String]

    /// Makes the plan. Members and items given twice count once; the order of either does not matter for who gets what.
    ///
    /// - Parameter slack: How much more than its even part a member may have; at least 1.
    public init(members: [Member], items: [String], slack: Double = 1.5) {
        let members = Dictionary(members.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
            .values.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        var seen: Set<String> = []
        let items = items.filter { seen.insert($0).inserted }
        guard !members.isEmpty else {
            self.items = [:]
            owners = [:]
            return
        }
        var matching = Matching(members: members, items: items, slack: max(1, slack))
        matching.run()
        var result = Dictionary(uniqueKeysWithValues: members.map { ($0.name, [String]()) })
        var owners: [String: String] = [:]
        owners.reserveCapacity(items.count)
        for (item, member) in matching.owner.enumerated() {
            result[members[member].name, default: []].append(items[item])
            owners[items[item]] = members[member].name
        }
        self.items = result
        self.owners = owners
    }

    /// Makes the plan for members of equal weight.
    public init(members: [String], items: [String], slack: Double = 1.5) {
        self.init(members: members.map { Member($0) }, items: items, slack: slack)
    }

    /// The member that should have an item.
    public func owner(of item: String) -> String? { owners[item] }

    /// Of those in both plans, how many items have another owner.
    public func moved(from earlier: PartitionPlan) -> Int {
        owners.count { item, owner in earlier.owners[item].map { $0 != owner } ?? false }
    }
}

/// Items propose to members, the heaviest weight first; a full member keeps the heaviest. The outcome does not depend on
/// the order of the proposals.
private struct Matching {
    private struct Proposal: Comparable {
        let weight: UInt64
        let item: Int

        static func < (a: Proposal, b: Proposal) -> Bool { (a.weight, b.item) < (b.weight, a.item) }
    }

    private let memberHashes: [[UInt64]]
    private let itemHashes: [UInt64]
    private let capacities: [Int]
    /// What each member has, the lightest first: heaps.
    private var held: [[Proposal]]
    private(set) var owner: [Int]

    init(members: [PartitionPlan.Member], items: [String], slack: Double) {
        // A member of weight w has w places on the table, as if it were w members.
        memberHashes = members.map { member in
            let hash = StableHash.fnv1a(member.name.utf8)
            return (0..<member.weight).map { StableHash.mixed(hash &+ UInt64($0) &* 0x9e37_79b9_7f4a_7c15) }
        }
        itemHashes = items.map { StableHash.mixed(StableHash.fnv1a($0.utf8)) }
        let places = members.reduce(0) { $0 + $1.weight }
        capacities = members.map { member in
            let share = slack * Double(items.count) * Double(member.weight) / Double(places)
            // Rounded up or down by the member's name, in the proportion of the fraction: were all rounded up, all would
            // gain a place at the same moment, and items would move everywhere. But never below the even part: everything
            // must find room.
            let even = (items.count * member.weight + places - 1) / places
            let chance = Double(StableHash.mixed(StableHash.fnv1a(member.name.utf8) ^ 0x5bd1_e995) >> 11) / 0x1p53
            return max(even, Int(share + chance))
        }
        held = Array(repeating: [], count: members.count)
        owner = Array(repeating: -1, count: items.count)
    }

    private func weight(_ item: Int, _ member: Int) -> UInt64 {
        var best: UInt64 = 0
        for place in memberHashes[member] { best = max(best, StableHash.mixed(place ^ itemHashes[item])) }
        return best
    }

    mutating func run() {
        for item in itemHashes.indices { place(item) }
    }

    /// Finds a member for an item, and then for the one that it pushes out, and so on.
    private mutating func place(_ first: Int) {
        var item = first
        // The weight of the member that pushed the item out: it asks those below.
        var bound: (weight: UInt64, member: Int)?
        while true {
            guard let next = heaviest(item, below: bound) else { return }
            let proposal = Proposal(weight: next.weight, item: item)
            if held[next.member].count < capacities[next.member] {
                push(proposal, to: next.member)
                owner[item] = next.member
                return
            }
            if let lightest = held[next.member].first, lightest < proposal {
                replaceLightest(of: next.member, by: proposal)
                owner[item] = next.member
                item = lightest.item
                bound = (lightest.weight, next.member)
            } else {
                bound = next
            }
        }
    }

    private func heaviest(_ item: Int, below bound: (weight: UInt64, member: Int)?) -> (weight: UInt64, member: Int)? {
        var best: (weight: UInt64, member: Int)?
        for member in memberHashes.indices {
            let candidate = (weight: weight(item, member), member: member)
            if let bound, candidate >= bound { continue }
            if let best, candidate < best { continue }
            best = candidate
        }
        return best
    }

    private mutating func push(_ proposal: Proposal, to member: Int) {
        held[member].append(proposal)
        var index = held[member].count - 1
        while index > 0, held[member][index] < held[member][(index - 1) / 2] {
            held[member].swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func replaceLightest(of member: Int, by proposal: Proposal) {
        held[member][0] = proposal
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < held[member].count {
                if held[member][child] < held[member][least] { least = child }
            }
            if least == index { return }
            held[member].swapAt(index, least)
            index = least
        }
    }
}

/// Hashes that are the same in every process and on every machine.
enum StableHash {
    static func fnv1a(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return hash
    }

    /// The finaliser of SplitMix64.
    static func mixed(_ value: UInt64) -> UInt64 {
        var mixed = value &+ 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
