/// Which member should have which item: rendezvous hashing with bounded load, as a pure value.
///
/// Whoever knows the same members and items computes the same plan, wherever; nothing is remembered. Each pair of member
/// and item has a weight, drawn from their names. The plan is the stable one: an item is with the member that it weighs
/// heaviest with, among those that are not full of heavier ones. No member has more
/// than its part by weight of `slack · items`, rounded up; draining members have no part.
///
/// When one of n members leaves, its items move, and with them a few that lose or find room elsewhere: about 1/n of all.
/// With at least 16 items a member it was never more than 2/n in any case that was tried (`PartitionPlanTests`). No plan
/// that remembers nothing can promise it for every set of names, however it is computed: among enough names there are
/// some for which only their order counts, and then the first one's leaving and the last one's cannot both move little.
///
/// `init(members:items:after:slack:)` remembers: it begins with the plan before. One of n members of equal weight
/// leaving then moves its own items and no other, and never more than 2/n of all; one that comes takes its even part.
/// With fewer items than members nobody has more than one, so that at most one moves. This is what
/// ``PartitionAssignment`` goes by. New items go to the member that wants them most and has room. Where the list of items
/// changes, another item moves only when its member has no room for it any more.
///
/// A member whose weight rises takes up to its even part, one whose weight falls gives up what exceeds it. A draining
/// member counts as gone: its items move to the others. While all drain, each keeps what it has.
///
/// Items are distinguished by the bytes of their names, as nodes of the tree are. Members whose names Swift's `==` holds
/// equal count as one.
///
/// ``runnersUp(slack:)`` names for each item the member that has it next if its owner dies; the plan that follows
/// confirms it.
public struct PartitionPlan: Hashable, Sendable {
    /// Somebody who takes items.
    public struct Member: Hashable, Sendable {
        /// Its name, unique among the members.
        public var name: String
        /// How many times as many items as a member of weight 1 it should have; one of ``weights``.
        /// Any other counts as the nearest in them.
        public var weight: Int {
            didSet { weight = Self.nearest(weight) }
        }
        /// Whether it is about to leave: it is given nothing while another member is not.
        public var isDraining: Bool

        /// The weights that a member can have. What a plan costs to compute grows with them: prefer small ones.
        public static let weights = 1...100

        /// Describes a member. A weight outside ``weights`` counts as the nearest in them.
        public init(_ name: String, weight: Int = 1, isDraining: Bool = false) {
            self.name = name
            self.weight = Self.nearest(weight)
            self.isDraining = isDraining
        }

        private static func nearest(_ weight: Int) -> Int {
            min(max(weights.lowerBound, weight), weights.upperBound)
        }
    }

    /// The items of each member, in the order of the list they were given in. Every member is a key.
    public let items: [String: [String]]
    /// The members by name, with the weights that the plan was made for.
    public let members: [String: Member]
    private let owners: [PartitionItemName: String]

    /// The most members of a plan that is kept in the tree.
    static let maximumMembers = 1000
    /// The greatest sum of their weights.
    static let maximumPlaces = 10_000
    /// The greatest product of that sum and the number of items: what it costs to compute the plan that follows.
    static let maximumDraws = 400_000_000

    /// Whether it may be kept in the tree. Anybody could write a plan there that takes a member minutes and gigabytes to
    /// follow.
    var isWithinLimits: Bool {
        let places = members.values.reduce(0) { $0 + $1.weight }
        return members.count <= Self.maximumMembers && places <= Self.maximumPlaces
            && places * itemCount <= Self.maximumDraws
    }

    /// Makes the plan. Members and items given twice count once; the order of either does not matter for who gets what.
    ///
    /// - Parameter slack: How much more than its even part a member may have: 1 to 2; any other counts as the nearest.
    public init(members: [Member], items: [String], slack: Double = 1.5) {
        let members = Self.sorted(members)
        let items = items.uniqueItems()
        guard !members.isEmpty else {
            self.init(members: [], items: [], owner: [])
            return
        }
        let takers = members.contains { !$0.isDraining } ? members.indices.filter { !members[$0].isDraining } : nil
        var matching = Matching(
            members: takers.map { $0.map { members[$0] } } ?? members, items: items, slack: slack)
        matching.run()
        self.init(members: members, items: items, owner: matching.owner.map { takers?[$0] ?? $0 })
    }

    /// Makes the plan that follows another with as little movement as can be; see ``PartitionPlan``. Whoever knows the
    /// same members, items and earlier plan computes the same.
    public init(members: [Member], items: [String], after earlier: PartitionPlan, slack: Double = 1.5) {
        let members = Self.sorted(members)
        let items = items.uniqueItems()
        guard !members.isEmpty, !earlier.items.isEmpty else {
            self.init(members: members, items: items, slack: slack)
            return
        }
        var succession = Succession(members: members, items: items, earlier: earlier, slack: slack)
        succession.run()
        self.init(members: members, items: items, owner: succession.owner)
    }

    /// - Parameter owner: Of each item, the index of its member.
    private init(members: [Member], items: [String], owner: [Int]) {
        var result = Dictionary(uniqueKeysWithValues: members.map { ($0.name, [String]()) })
        var owners: [PartitionItemName: String] = [:]
        owners.reserveCapacity(items.count)
        for (item, member) in owner.enumerated() {
            result[members[member].name, default: []].append(items[item])
            owners[PartitionItemName(items[item])] = members[member].name
        }
        self.items = result
        self.owners = owners
        self.members = Dictionary(uniqueKeysWithValues: members.map { ($0.name, $0) })
    }

    /// The plan that another member made.
    ///
    /// - Parameters:
    ///   - items: No item twice.
    ///   - members: Those that are not of weight 1, or that drain; others in it do not count.
    init(items: [String: [String]], members: [String: Member] = [:]) {
        self.items = items
        self.members = Dictionary(uniqueKeysWithValues: items.keys.map { ($0, members[$0] ?? Member($0)) })
        var owners: [PartitionItemName: String] = [:]
        owners.reserveCapacity(items.values.reduce(0) { $0 + $1.count })
        for (member, list) in items { for item in list { owners[PartitionItemName(item)] = member } }
        self.owners = owners
    }

    /// Makes the plan for members of equal weight.
    public init(members: [String], items: [String], slack: Double = 1.5) {
        self.init(members: members.map { Member($0) }, items: items, slack: slack)
    }

    /// Makes the plan that follows another, for members of equal weight.
    public init(members: [String], items: [String], after earlier: PartitionPlan, slack: Double = 1.5) {
        self.init(members: members.map { Member($0) }, items: items, after: earlier, slack: slack)
    }

    /// By name, each once: of two spellings of one name, the first by its bytes.
    static func sorted(_ members: some Sequence<Member>) -> [Member] {
        var seen: Set<String> = []
        return members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
            .filter { seen.insert($0.name).inserted }
    }

    var itemCount: Int { owners.count }

    /// The member that should have an item.
    public func owner(of item: String) -> String? { owners[PartitionItemName(item)] }

    /// Of those in both plans, how many items have another owner.
    public func moved(from earlier: PartitionPlan) -> Int {
        owners.count { item, owner in earlier.owners[item].map { $0 != owner } ?? false }
    }
}
