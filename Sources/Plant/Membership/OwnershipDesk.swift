/// Which shards a gateway stands for, which of its own it gives up, whether it stands for the alarm processor, and what it says
/// of itself: one machine without I/O or clock, and the same answer at every gateway that sees the same.
///
/// It is told what stands in `/gateways`, who queues for each shard and for the alarm processor, and whether the link to the
/// broker stands; after each input ``wishes`` says what should be. The locks in the tree decide who owns; this decides who
/// queues. The rules:
///
/// - **Division**: shards are divided among the ``ServingGroup``. A gateway queues for its own.
/// - **Handing over**: an owner that a shard does not fall to any more keeps it until another member that may serve queues for
///   it. So no shard is given up that nobody takes, and none while nobody else is ready.
/// - **Nobody ready**: owners keep what they have; what nobody owns is divided among all.
/// - **Ownerless**: a shard that has had no owner for ``Rule/rescue`` is queued for by every ready member of the group, whomever
///   it falls to; those that do not get it leave the queue. After ``Rule/lastRescue`` by every member.
/// - **Newcomers** settle ``Rule/settling`` after they are ready, or at once where no other settled member is ready; see
///   ``ServingGroup``.
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
    }

    let rule: Rule
    private let me: GatewayLife
    private let routesDigest: String
    private let shardCount: Int
    private var link: LinkReadiness
    private var members: [GatewayMember] = []
    private var group = ServingGroup([])
    private var plan: Set<Int> = []
    private var ghosts: [String] = []
    /// Names in the queue of each shard, the owner first; nil before they have been seen.
    private var queues: [[String]]?
    private var processorQueue: [String] = []
    /// Since when each shard has had no owner.
    private var ownerlessSince: [Milliseconds?]
    private var readySince: Milliseconds?
    /// Since when it may connect and has not been ready yet; nil once it was, or has been said to be unready.
    private var connectingSince: Milliseconds?
    /// Who holds our name, as far as it has been said.
    private var nameTakenBy: GatewayLife?
    private var now: Milliseconds
    private var notes: [Note] = []

    public private(set) var wishes = Wishes()

    /// - Parameter now: of a clock that cannot be set, as all times here.
    public init(
        me: GatewayLife, routesDigest: String, rule: Rule = Rule(), shardCount: Int = ShardMap.shardCount,
        at now: Milliseconds
    ) {
        self.me = me
        self.routesDigest = routesDigest
        self.rule = rule
        self.shardCount = shardCount
        self.now = now
        link = LinkReadiness(rule.link)
        ownerlessSince = Array(repeating: nil, count: shardCount)
    }

    // MARK: Inputs

    /// What stands in `/gateways`: members, and the names of nodes that are none.
    public mutating func membersSeen(_ members: [GatewayMember], ghosts: [String] = [], at now: Milliseconds) {
        guard members != self.members || ghosts != self.ghosts else { return evaluate(at: now) }
        self.members = members
        let new = ghosts.filter { !self.ghosts.contains($0) }
        if !new.isEmpty { notes.append(.ghosts(new)) }
        self.ghosts = ghosts
        let before = group
        group = ServingGroup(members)
        noteRoutes(before)
        plan = Set(ShardMap.assignment(members: Array(group.serving), shards: shardCount)[me.gateway] ?? [])
        evaluate(at: now)
    }

    /// Who queues for each shard, in order, the owner first.
    public mutating func queuesSeen(_ queues: [[String]], at now: Milliseconds) {
        for shard in 0..<shardCount {
            guard shard < queues.count, queues[shard].isEmpty else {
                ownerlessSince[shard] = nil
                continue
            }
            ownerlessSince[shard] = ownerlessSince[shard] ?? now
        }
        self.queues = queues
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
        if !wishes.isSettled { deadlines.append(readySince.map { $0 + rule.settling }) }
        for since in ownerlessSince {
            guard let since else { continue }
            deadlines += [since + rule.rescue, since + rule.lastRescue].map { $0 > now ? $0 : nil }
        }
        return deadlines.compactMap { $0 }.min()
    }

    // MARK: Deciding

    private var myself: GatewayMember? { members.first { $0.name == me.gateway } }

    private mutating func evaluate(at now: Milliseconds) {
        self.now = max(self.now, now)
        link.advance(to: self.now)
        var next = wishes
        if link.isReady != wishes.isReady { notes.append(link.isReady ? .ready : .unready) }
        next.isReady = link.isReady
        if link.isReady { connectingSince = nil }
        if let since = connectingSince, self.now >= since + rule.firstContact {
            connectingSince = nil
            notes.append(.unready)
        }
        if let myself, myself.life != me {
            noteNameTaken(by: myself.life)
            next.mayConnect = false
            next.shards = []
            next.standsForProcessor = false
            readySince = nil
        } else {
            if myself != nil {
                if !next.mayConnect, !link.isReady { connectingSince = self.now }
                next.mayConnect = true
                nameTakenBy = nil
            }
            settle(&next)
            next.shards = Set((0..<shardCount).filter(isWanted))
            next.standsForProcessor = standsForProcessor
        }
        wishes = next
    }

    private mutating func noteNameTaken(by life: GatewayLife) {
        guard nameTakenBy != life else { return }
        nameTakenBy = life
        notes.append(.nameTaken(by: life))
    }

    private mutating func settle(_ next: inout Wishes) {
        guard !next.isSettled else { return }
        guard let myself, myself.isReady, link.isReady else {
            readySince = nil
            return
        }
        let since = readySince ?? now
        readySince = since
        let waitsForOthers = members.contains { $0.name != me.gateway && $0.isReady && $0.isSettled && !$0.isOlder }
        if !waitsForOthers || now >= since + rule.settling { next.isSettled = true }
    }

    private func isWanted(_ shard: Int) -> Bool {
        let queue = queues.flatMap { shard < $0.count ? $0[shard] : nil } ?? []
        if queue.first == me.gateway { return isKept(shard, behind: queue.dropFirst()) }
        // Not (yet) registered: nothing new.
        guard myself != nil else { return wishes.shards.contains(shard) && queue.contains(me.gateway) }
        if plan.contains(shard) { return true }
        guard let since = ownerlessSince[shard] else { return false }
        if group.isAnyReady, group.eligible.contains(me.gateway), now >= since + rule.rescue { return true }
        return now >= since + rule.lastRescue
    }

    private func isKept(_ shard: Int, behind queue: ArraySlice<String>) -> Bool {
        if !group.isAnyReady || plan.contains(shard) { return true }
        return !queue.contains { $0 != me.gateway && group.serving.contains($0) }
    }

    private var standsForProcessor: Bool {
        // Not (yet) registered: nothing new.
        guard myself != nil else { return wishes.standsForProcessor }
        if !group.isAnyReady || group.eligible.contains(me.gateway) { return true }
        // Whoever is not ready, or hears other topics, lets go as soon as one who may serve is there to take it.
        guard processorQueue.first == me.gateway else { return false }
        return !processorQueue.dropFirst().contains { $0 != me.gateway && group.eligible.contains($0) }
    }

    private mutating func noteRoutes(_ before: ServingGroup) {
        func other(_ group: ServingGroup) -> String? {
            guard let digest = group.routesDigest, digest != routesDigest, group.leader != me.gateway else {
                return nil
            }
            return group.leader
        }
        switch (other(before), other(group)) {
        case (nil, let leader?): notes.append(.otherRoutes(than: leader))
        case (_?, nil): notes.append(.sameRoutes)
        case (nil, nil), (_?, _?): break
        }
    }
}
