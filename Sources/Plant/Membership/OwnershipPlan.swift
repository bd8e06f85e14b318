/// What each member should own, and until when an owner keeps what should be another's: the rules that every gateway goes
/// by (``OwnershipDesk``), and that show to people why things are as they are (``OwnershipReport``).
///
/// A pure function of the members, so that everybody who sees the same comes to the same plan.
public struct OwnershipPlan: Sendable, Hashable {
    public let members: [GatewayMember]
    public let group: ServingGroup
    /// By shard; nil where there are no members.
    private let owners: [String?]

    public init(_ members: [GatewayMember], shardCount: Int = ShardMap.shardCount) {
        self.members = members
        group = ServingGroup(members)
        owners = Self.owners(members.filter { [group] in group.serving.contains($0.name) }, shardCount: shardCount)
    }

    /// The owner of each shard when it is divided among these, by their weights.
    static func owners(_ members: [GatewayMember], shardCount: Int) -> [String?] {
        var owners = [String?](repeating: nil, count: shardCount)
        let weights = Dictionary(members.map { ($0.name, $0.weight) }) { first, _ in first }
        for (name, shards) in ShardMap.assignment(weights: weights, shards: shardCount) {
            for shard in shards { owners[shard] = name }
        }
        return owners
    }

    /// The member that a shard falls to.
    public func owner(of shard: Int) -> String? { owners.indices.contains(shard) ? owners[shard] : nil }

    public func member(_ name: String) -> GatewayMember? { members.first { $0.name == name } }

    // MARK: Handing over

    /// Whether the owner of a shard keeps it: it falls to it, nobody is ready, or nobody that may serve is there to take it.
    ///
    /// - Parameter others: those that queue behind the owner.
    public func keeps(_ shard: Int, owner: String, behind others: some Sequence<String>) -> Bool {
        if !group.isAnyReady || self.owner(of: shard) == owner { return true }
        return successor(of: owner, among: others) == nil
    }

    /// The first of the others in a queue that may serve.
    public func successor(of owner: String, among others: some Sequence<String>) -> String? {
        others.first { $0 != owner && group.serving.contains($0) }
    }

    /// Whether nobody that should have a shard is about to get it: it has no owner, or one that drains and behind which
    /// nobody that may serve queues.
    ///
    /// - Parameter queue: of the shard, the owner first.
    func isUntaken(_ queue: [String]) -> Bool {
        guard let owner = queue.first else { return true }
        return group.leaving.contains(owner) && successor(of: owner, among: queue.dropFirst()) == nil
    }

    /// Whether the active alarm processor stays it.
    ///
    /// A member that is not ready, or hears other topics, lets go as soon as one that may serve is there to take it; a
    /// newcomer for one that has heard what it may not have, and one that drains for one that does not.
    ///
    /// - Parameter others: those that queue behind it.
    public func keepsProcessor(_ owner: String, behind others: some Sequence<String>) -> Bool {
        if !group.isAnyReady || group.serving.contains(owner) { return true }
        return processorSuccessor(of: owner, among: others) == nil
    }

    /// The first of the others in the alarm processor's queue for which this one would let go.
    func processorSuccessor(of owner: String, among others: some Sequence<String>) -> String? {
        let better = group.eligible.contains(owner) ? group.serving : group.eligible
        return others.first { $0 != owner && better.contains($0) }
    }

    // MARK: Leaving

    /// Why nobody can take over from a member that drains, now or once a newcomer has settled; nil when somebody can.
    public func obstacle(toLeaving name: String) -> LeavingObstacle? {
        let others = members.filter { $0.name != name }
        var hindrances: [LeavingObstacle.Other] = []
        for other in others {
            guard let hindrance = group.hindrance(of: other), hindrance != .settling else { return nil }
            hindrances.append(.init(gateway: other.name, hindrance: hindrance))
        }
        return LeavingObstacle(others: hindrances)
    }
}

/// Why nobody can take over from a gateway.
public struct LeavingObstacle: Sendable, Hashable, CustomStringConvertible {
    public struct Other: Sendable, Hashable {
        public let gateway: String
        public let hindrance: ServingGroup.Hindrance
    }

    /// The other gateways; empty when there are none.
    public let others: [Other]

    public var description: String {
        if others.isEmpty { return "no other gateway is registered" }
        return others.map { "\($0.gateway) \($0.hindrance)" }.joined(separator: ", ")
    }
}
