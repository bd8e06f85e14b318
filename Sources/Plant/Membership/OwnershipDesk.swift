/// Which shards a gateway stands for, which of its own it gives up, whether it stands for the alarm processor, and what it says
/// of itself: one machine without I/O or clock, and the same answer at every gateway that sees the same.
///
/// It learns what stands in `/gateways`, who queues for each shard and for the alarm processor, and whether the link to
/// the broker stands; after each input ``wishes`` says what should be. The locks in the tree decide who owns; this
/// decides who queues. The rules:
///
/// - **Division**: shards are divided among the ``ServingGroup`` by the weights of its members (``OwnershipPlan``). A gateway
///   queues for its own.
/// - **Handing over**: an owner that a shard does not fall to any more keeps it until another member that may serve queues for
///   it. So no shard is given up that nobody takes, and none while nobody else is ready.
/// - **Nobody ready**: owners keep what they have; what nobody owns is divided among all.
/// - **Ownerless**: a shard that has had no owner for ``Rule/rescue`` is queued for by every ready member of the group, whomever
///   it falls to; those that do not get it leave the queue. After ``Rule/lastRescue`` by every member.
/// - **Newcomers** settle ``Rule/settling`` after they are ready, or at once where no other member is ready that has
///   settled or lived for longer; see ``ServingGroup``. A gateway for which the broker has kept nothing is a newcomer again: others may have heard what it
///   has not. So is one that settled because nobody else was there, once one shows itself that had settled before and has lived
///   for longer: after an outage of the tree those that heard through it may register last.
/// - **Draining**: a gateway that was asked to leave says so and falls out of the group as long as others can serve, so that what
///   it has is handed over as above, the alarm processor with it. It queues for nothing that has an owner. A shard of its own that
///   nobody queues for is taken like one without an owner: the member that it falls to may be of a version that does not know
///   about draining.
/// - **A lost name**: while another life is registered under this gateway's name it stands for nothing.
///
/// The life of a shard, seen from one gateway:
///
///     apart ──falls to us, or ownerless too long──▶ queueing ──first in the queue──▶ owning
///       ▲ ▲                                           │                               │
///       │ └──falls to another, or taken by another────┘                               │
///       └────falls to another, and one that may serve queues (after a drain)──────────┘
public struct OwnershipDesk: Sendable {
    public struct Rule: Sendable, Hashable {
        public var link = LinkReadiness.Rule()
        /// How long a newcomer lets those that were there before write what it has not heard.
        public var settling: Milliseconds = 2_000
        /// How long a shard may be without an owner before anybody who is ready takes it.
        public var rescue: Milliseconds = 1_000
        /// How long before anybody at all takes it.
        public var lastRescue: Milliseconds = 5_000
        /// How long a gateway that has just started may take to reach its broker before that is said.
        public var firstContact: Milliseconds = 5_000

        public init() {}
    }

    /// What should be.
    public struct Wishes: Sendable, Hashable {
        /// Shards to queue for, or to keep.
        public var shards: Set<Int> = []
        /// Whether to queue for the alarm processor, or to stay it.
        public var standsForProcessor = false
        /// What the registration should say.
        public var isReady = false
        public var isSettled = false
        public var isDraining = false
        /// Whether a connection to the broker may be made (again): not before the name is held, and not while another life
        /// holds it.
        public var mayConnect = false

        public init() {}
    }

    /// What is worth a line in the log; each is said when it begins to be so.
    public enum Note: Sendable, Hashable {
        /// This gateway counts as unready from now on.
        case unready
        case ready
        /// It stands by because its routes are not those of this member.
        case otherRoutes(than: String)
        case sameRoutes
        /// Another life holds its name.
        case nameTaken(by: GatewayLife)
        /// Nodes that no living gateway keeps.
        case ghosts([String])
        /// It hands over what it owns from now on, or takes its share again.
        case draining
        case staying
    }

    let rule: Rule
    let me: GatewayLife
    /// When this process started, as its registration says.
    let started: Milliseconds
    let routesDigest: String
    let shardCount: Int
    var link: LinkReadiness
    /// By the members as they were last seen.
    public internal(set) var plan: OwnershipPlan
    var ghosts: [String] = []
    /// Names in the queue of each shard, the owner first; nil before they have been seen.
    var queues: [[String]]?
    /// Names in the queue for the alarm processor, the active one first; nil before they have been seen.
    var processorQueue: [String]?
    /// Whether its process is being stopped: then nothing makes it stay.
    public internal(set) var isStopping = false
    /// Since when each shard has had no owner, or one that drains and nobody to follow it.
    var untakenSince: [Milliseconds?]
    var readySince: Milliseconds?
    /// When the listening session began from nothing, as long as that has not counted.
    var anewSince: Milliseconds?
    /// Whether it settled because nobody else was there.
    var hasSettledAlone = false
    /// Others that have been seen.
    var met: Set<GatewayLife> = []
    /// Since when it may connect and has not been ready yet; nil once it was, or has been said to be unready.
    var connectingSince: Milliseconds?
    /// Who holds our name, as far as it has been said.
    var nameTakenBy: GatewayLife?
    var now: Milliseconds
    var notes: [Note] = []

    public internal(set) var wishes = Wishes()

    /// - Parameters:
    ///   - started: when this process started, by the wall clock.
    ///   - now: of a clock that cannot be set, as all other times here.
    public init(
        me: GatewayLife, started: Milliseconds, routesDigest: String, rule: Rule = Rule(),
        shardCount: Int = ShardMap.shardCount,
        at now: Milliseconds
    ) {
        self.me = me
        self.started = started
        self.routesDigest = routesDigest
        self.rule = rule
        self.shardCount = shardCount
        self.now = now
        link = LinkReadiness(rule.link)
        plan = OwnershipPlan([], shardCount: shardCount)
        untakenSince = Array(repeating: nil, count: shardCount)
    }

    // MARK: Inputs

    /// What stands in `/gateways`: members, and the names of nodes that are none.
    public mutating func membersSeen(_ members: [GatewayMember], ghosts: [String] = [], at now: Milliseconds) {
        planSeen(
            members == plan.members ? plan : OwnershipPlan(members, shardCount: shardCount), ghosts: ghosts, at: now)
    }

    /// The same, for a caller that has made the plan of those members before, which takes a while.
    public mutating func planSeen(_ seen: OwnershipPlan, ghosts: [String] = [], at now: Milliseconds) {
        guard seen.members != plan.members || ghosts != self.ghosts else { return evaluate(at: now) }
        meet(seen.members)
        let new = ghosts.filter { !self.ghosts.contains($0) }
        if !new.isEmpty { notes.append(.ghosts(new)) }
        self.ghosts = ghosts
        let before = plan.group
        plan = seen
        noteRoutes(before)
        noteUntaken(at: now)
        evaluate(at: now)
    }

    /// Who queues for each shard, in order, the owner first.
    public mutating func queuesSeen(_ queues: [[String]], at now: Milliseconds) {
        self.queues = queues
        noteUntaken(at: now)
        evaluate(at: now)
    }

    /// Who queues for the alarm processor, in order, the active one first.
    public mutating func processorQueueSeen(_ queue: [String], at now: Milliseconds) {
        processorQueue = queue
        evaluate(at: now)
    }

    /// Whether the link to the broker stands: both connections, and every subscription granted.
    public mutating func linkChanged(isUp: Bool, at now: Milliseconds) {
        link.linkChanged(isUp: isUp, at: now)
        evaluate(at: now)
    }

    /// The broker has kept nothing for this gateway: its listening session began from nothing. It counts after the time
    /// that a link may be down: a broker that was restarted without its memory has forgotten the others as well, who
    /// are not back yet.
    public mutating func sessionBeganAnew(at now: Milliseconds) {
        if wishes.isSettled { anewSince = anewSince ?? now }
        evaluate(at: now)
    }

    /// Somebody wants this gateway to leave: what it owns is to be handed over, and it takes nothing more as long as others can.
    public mutating func leave(at now: Milliseconds) { setDraining(true, at: now) }

    /// It is to stay after all, with its share; not once it is being stopped.
    public mutating func stay(at now: Milliseconds) { setDraining(isStopping, at: now) }

    /// Its process is being stopped: it leaves, and nothing makes it stay.
    public mutating func stop(at now: Milliseconds) {
        isStopping = true
        setDraining(true, at: now)
    }

    /// Time has passed.
    public mutating func advance(to now: Milliseconds) { evaluate(at: now) }

    /// What is to be said, once.
    public mutating func takeNotes() -> [Note] {
        defer { notes = [] }
        return notes
    }

    /// When ``advance(to:)`` may change the wishes.
    public var nextDeadline: Milliseconds? {
        var deadlines = [link.nextDeadline]
        deadlines.append(connectingSince.map { $0 + rule.firstContact })
        deadlines.append(anewSince.map { $0 + rule.link.patience })
        if !wishes.isSettled { deadlines.append(readySince.map { $0 + rule.settling }) }
        for since in untakenSince {
            guard let since else { continue }
            deadlines += [since + rule.rescue, since + rule.lastRescue].map { $0 > now ? $0 : nil }
        }
        return deadlines.compactMap { $0 }.min()
    }

    // MARK: Leaving

    /// What this gateway owns, as far as has been seen.
    public var holdings: OwnershipHoldings {
        OwnershipHoldings(
            shards: (queues ?? []).count { $0.first == me.gateway }, isProcessor: processorQueue?.first == me.gateway)
    }

    /// Whether it owns nothing (any more) and is about to get nothing, because it stands in no queue: not before all of them
    /// have been seen.
    public var isDrained: Bool {
        guard let queues, let processorQueue, wishes.shards.isEmpty, !wishes.standsForProcessor else { return false }
        return !processorQueue.contains(me.gateway) && !queues.contains { $0.contains(me.gateway) }
    }

    /// Why nobody can take over from it at present; nil when somebody can.
    public var obstacle: LeavingObstacle? { plan.obstacle(toLeaving: me.gateway) }
}
