/// Who owns which shard and processes the alarms, and why: for people. By the rules by which gateways decide
/// (``OwnershipPlan``), applied to what stands in the tree.
///
/// It says why things stay or are about to change, not how they came to be so: of that the tree keeps nothing.
public struct OwnershipReport: Sendable, Hashable {
    /// Why a shard is where it is.
    public enum Reason: Sendable, Hashable {
        /// It falls to its owner.
        case part
        /// It falls to its owner for as long as that member, to which it would fall otherwise, does not serve.
        case inPlace(of: String, ServingGroup.Hindrance)
        /// The owner writes what it has, and that member, which may serve and queues for it, gets it.
        case passing(to: String)
        /// The owner keeps it until that member, to which it falls, queues for it.
        case waiting(for: String)
        /// The owner keeps it because no gateway hears the broker.
        case nobodyReady
        /// The owner is not registered: the tree keeps its place until its session ends.
        case unregistered
        /// It has no owner. It falls to that member; nil: nobody is registered.
        case ownerless(fallsTo: String?)
    }

    public struct Shard: Sendable, Hashable {
        public let number: Int
        public let owner: String?
        /// The member that it falls to.
        public let planned: String?
        public let reason: Reason
    }

    /// Why the alarms are processed by a gateway, or by none.
    public enum ProcessorReason: Sendable, Hashable {
        /// Of those that may, it has queued for longest.
        case first
        /// It lets go for that member.
        case passing(to: String)
        /// It would let go, but no gateway that may serve stands behind it.
        case nobodyElse(ServingGroup.Hindrance)
        case nobodyReady
        case unregistered
        case vacant
    }

    public let plan: OwnershipPlan
    /// Names in the queue of each shard, the owner first.
    public let queues: [[String]]
    /// Names in the queue for the alarm processor, the active one first.
    public let processorQueue: [String]
    /// The owner of each shard if all members that are willing served.
    private let fullOwners: [String?]

    public init(members: [GatewayMember], queues: [[String]], processorQueue: [String]) {
        plan = OwnershipPlan(members, shardCount: queues.count)
        self.queues = queues
        self.processorQueue = processorQueue
        let digest = plan.group.routesDigest
        let willing = members.filter { member in
            !member.isDraining && (member.routesDigest == nil || digest == nil || member.routesDigest == digest)
        }
        fullOwners = OwnershipPlan.owners(willing, shardCount: queues.count)
    }

    /// All shards in their order.
    public var shards: [Shard] { queues.indices.map(shard) }

    public func shard(_ number: Int) -> Shard {
        let queue = queues.indices.contains(number) ? queues[number] : []
        return Shard(
            number: number, owner: queue.first, planned: plan.owner(of: number), reason: reason(number, queue))
    }

    private func reason(_ number: Int, _ queue: [String]) -> Reason {
        let planned = plan.owner(of: number)
        guard let owner = queue.first else { return .ownerless(fallsTo: planned) }
        guard plan.member(owner) != nil else { return .unregistered }
        let others = queue.dropFirst()
        guard plan.keeps(number, owner: owner, behind: others) else {
            return plan.successor(of: owner, among: others).map { .passing(to: $0) } ?? .part
        }
        if !plan.group.isAnyReady { return .nobodyReady }
        guard let planned, planned != owner else {
            guard let full = fullOwners[number], full != owner, let member = plan.member(full),
                let hindrance = plan.group.hindrance(of: member)
            else { return .part }
            return .inPlace(of: full, hindrance)
        }
        return .waiting(for: planned)
    }

    /// The gateway that processes the alarms; nil when none does.
    public var processor: String? { processorQueue.first }

    public var processorReason: ProcessorReason {
        guard let processor else { return .vacant }
        guard let member = plan.member(processor) else { return .unregistered }
        let others = processorQueue.dropFirst()
        guard plan.keepsProcessor(processor, behind: others) else {
            return plan.processorSuccessor(of: processor, among: others).map { .passing(to: $0) } ?? .first
        }
        if !plan.group.isAnyReady { return .nobodyReady }
        return plan.group.hindrance(of: member).map { .nobodyElse($0) } ?? .first
    }

    /// How many shards have an owner.
    public var ownedCount: Int { queues.count { !$0.isEmpty } }

    /// What a gateway owns.
    public func holdings(of gateway: String) -> OwnershipHoldings {
        OwnershipHoldings(
            shards: queues.count { $0.first == gateway }, isProcessor: processorQueue.first == gateway)
    }

    /// How many shards are about to come to which member from another owner, by the names of those members.
    public var onTheirWay: [(to: String, shards: Int)] {
        var counts: [String: Int] = [:]
        for shard in shards {
            switch shard.reason {
            case .passing(let member): counts[member, default: 0] += 1
            case .part, .inPlace, .waiting, .nobodyReady, .unregistered, .ownerless: break
            }
        }
        return counts.sorted { $0.key < $1.key }.map { (to: $0.key, shards: $0.value) }
    }

    /// How many shards their owners keep until which member queues for them, by the names of those members.
    public var waiting: [(for: String, shards: Int)] {
        var counts: [String: Int] = [:]
        for shard in shards {
            if case .waiting(let member) = shard.reason { counts[member, default: 0] += 1 }
        }
        return counts.sorted { $0.key < $1.key }.map { (for: $0.key, shards: $0.value) }
    }

    /// What the others own now of what a gateway owned in an earlier report, by their names.
    public func taken(from gateway: String, since earlier: OwnershipReport) -> [(by: String, OwnershipHoldings)] {
        var taken: [String: OwnershipHoldings] = [:]
        for (before, now) in zip(earlier.queues, queues) where before.first == gateway {
            guard let owner = now.first, owner != gateway else { continue }
            taken[owner, default: OwnershipHoldings(shards: 0, isProcessor: false)].shards += 1
        }
        if earlier.processor == gateway, let processor, processor != gateway {
            taken[processor, default: OwnershipHoldings(shards: 0, isProcessor: false)].isProcessor = true
        }
        return taken.sorted { $0.key < $1.key }.map { (by: $0.key, $0.value) }
    }
}
