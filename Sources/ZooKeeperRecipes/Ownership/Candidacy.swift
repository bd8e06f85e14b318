import ZooKeeperClient
import ZooKeeperProtocol

/// One stay in the queue of an election or lock: makes the node, waits for its turn, removes it.
///
/// A candidacy is good for one node. Whoever loses its place starts a new one, with a new name.
struct Candidacy: Sendable {
    /// The place was lost; queue again.
    struct Displaced: Error {
        let reason: LeaseLossReason
    }

    /// The node of a candidacy.
    struct Node: Sendable {
        let path: String
        let name: String
        let token: Int64
        let sessionID: Int64
    }

    /// A node that was made, and the queue as it stood just after, when that is known.
    struct Entry: Sendable {
        let node: Node
        var queue: Queue?
    }

    /// The names in the queue, as a listing showed them.
    struct Queue: Sendable {
        let names: [String]
        /// The client's lease when the listing was asked for. It may have been renewed since, while nobody watched the
        /// nodes; what was proved before is all that the listing can be relied on for.
        var deadline: ContinuousClock.Instant?
    }

    let client: ZooKeeperClient
    let parent: String
    let identity: [UInt8]
    let name: ProtectedName
    let rule: QueueRule
    /// What a transaction of the holder demands of the node's version; −1 for any.
    let guardVersion: Int32
    private let waiting: Attempt.Waiting
    private let use: LeaseUse

    init(
        client: ZooKeeperClient, parent: String, identity: [UInt8], kind: String, rule: QueueRule = .exclusive,
        guardVersion: Int32 = -1, waiting: Attempt.Waiting = .caller
    ) {
        self.client = client
        self.parent = parent
        self.identity = identity
        self.rule = rule
        self.guardVersion = guardVersion
        self.waiting = waiting
        name = ProtectedName(kind: kind)
        use = LeaseUse(client)
    }

    // MARK: Entering

    /// A create on its way, and behind it a listing, which shows the node: the same server answers both, in this order.
    struct Start: Sendable {
        fileprivate let created: PendingAnswer<CreatedNode>
        fileprivate let children: PendingAnswer<[String]>
        fileprivate let deadline: ContinuousClock.Instant?
    }

    /// Sends the first create.
    func start() throws -> Start {
        let path = ZooKeeperPath.child(name.prefix, of: parent)
        let deadline = client.leaseDeadline
        let (created, children) = try client.startCreate(
            path, data: identity, mode: .ephemeralSequential, listing: parent)
        return Start(created: created, children: children, deadline: deadline)
    }

    /// Makes the node (a protected create): when the outcome of the create is unknown, the node is looked for by its
    /// uuid before another is made, and accepted only if the current session owns it (CURATOR-498: it may be that of a
    /// session which is about to end).
    ///
    /// - Parameter first: The first create, when it was sent already.
    func enter(_ first: Start? = nil) async throws -> Entry {
        var first = first
        var mayExist = false
        var attempt = Attempt(waiting)
        while true {
            try Task.checkCancellation()
            do {
                if mayExist, let node = try await findOwnNode() { return Entry(node: node) }
                let start = try first ?? start()
                first = nil
                let queue = (try? await start.children.value()).map { Queue(names: $0, deadline: start.deadline) }
                let created = try await start.created.value()
                return Entry(node: node(created.path, created.stat), queue: queue)
            } catch let error as ZooKeeperError {
                switch error.code {
                case .noNode: try await attempt.prepare { try await client.ensurePath(parent) }
                case .sessionExpired: throw Displaced(reason: .sessionExpired)
                default:
                    if error.isOutcomeUnknown { mayExist = true }
                    try await attempt.failed(error)
                }
            }
        }
    }

    private func node(_ path: String, _ stat: Stat) -> Node {
        Node(path: path, name: String(ZooKeeperPath.name(of: path)), token: stat.czxid, sessionID: stat.ephemeralOwner)
    }

    /// The node of an unanswered create, when this session owns it.
    private func findOwnNode() async throws -> Node? {
        // Behind everything that this session has under way anywhere in the ensemble.
        try await client.sync(parent)
        guard let child = name.find(in: try await client.getChildren(parent)) else { return nil }
        let path = ZooKeeperPath.child(child, of: parent)
        guard let stat = try await client.exists(path) else { return nil }
        guard let session = client.session, stat.ephemeralOwner == session.id else {
            throw Displaced(reason: .sessionExpired)
        }
        return node(path, stat)
    }

    // MARK: Waiting

    /// Waits for the node's turn.
    ///
    /// Watches those in its way (by `getData`, which leaves no watch on a node that is gone), the next beyond them, and the
    /// node itself. When the next goes it looks whether there is another one; if not, it knows that its turn comes with
    /// the end of those in the way, and need not ask again when it does.
    ///
    /// - Parameter arming: Grants a free place before the watch on the own node is armed, and arms it after a moment; until
    ///   it is, the lease is not prolonged. Nil: the watch comes first.
    func waitForTurn(_ entry: Entry, arming: LateArming? = nil) async throws -> Lease {
        let node = entry.node
        var known = entry.queue
        var attempt = Attempt(waiting)
        var ownWatch: Watch?
        /// On those in the way and on the next, by name.
        var watches: [String: Watch] = [:]
        while true {
            try Task.checkCancellation()
            do {
                if ownWatch?.hasFired == true { ownWatch = nil }
                let queue: Queue
                if let listed = known { queue = listed } else { queue = try await list() }
                known = nil
                switch rule.place(of: node.name, among: queue.names) {
                case .missing:
                    throw Displaced(reason: .nodeDeleted)
                case .first:
                    if isProved(node) {
                        if let ownWatch { return grant(node, ownWatch) }
                        if let arming, let deadline = queue.deadline, isEnough(deadline, node) {
                            return try grant(node, arming, until: deadline)
                        }
                    }
                    let armed = try await verify(node)
                    if isProved(node) { return grant(node, armed) }
                    // The answer may have been given long ago: whoever was stopped reads it first of all. One that needs
                    // the leader prolongs the lease, or tells of the session's end.
                    ownWatch = armed
                    try await client.sync(parent)
                case .behind(let blockers, let next):
                    let wanted = blockers + (next.map { [$0] } ?? [])
                    watches = watches.filter { wanted.contains($0.key) && !$0.value.hasFired }
                    // One flight for all of it, and one wake-up: the last answer is waited for first.
                    let unwatched = (ownWatch == nil ? [node.name] : []) + wanted.filter { watches[$0] == nil }
                    var started = try startWatching(unwatched)[...]
                    let own = ownWatch == nil ? started.popFirst() : nil
                    var isFree = false
                    var isNextGone = false
                    for watching in started.reversed() {
                        let name = watching.name
                        let standing = try await standing(of: watching)
                        if standing == .inTheWay { watches[name] = watching.watch }
                        if name != next, standing != .inTheWay { isFree = true }
                        if name == next, standing == .gone { isNextGone = true }
                    }
                    if let own { ownWatch = try await verified(own, node) }
                    guard let armed = ownWatch else { continue }
                    if !isFree, !isNextGone {
                        _ = try await Watch.next(of: [armed] + watches.values)
                        isFree = blockers.contains { watches[$0]?.isOfDeletion == true }
                    }
                    // Whoever was stopped meanwhile hears of old events first, and of the end of the session last.
                    if isFree, next == nil, !armed.hasFired, isProved(node) { return grant(node, armed) }
                }
            } catch let error as ZooKeeperError {
                switch error.code {
                // A node with children cannot be deleted: with the whole queue the own node is gone.
                case .noNode: throw Displaced(reason: .nodeDeleted)
                case .sessionExpired: throw Displaced(reason: .sessionExpired)
                default: try await attempt.failed(error)
                }
            }
        }
    }

    private func list() async throws -> Queue {
        let deadline = client.leaseDeadline
        return Queue(names: try await client.getChildren(parent), deadline: deadline)
    }

    /// Whether the session is known to last at this moment. If not, only a new answer of the server tells whose turn it is.
    private func isProved(_ node: Node) -> Bool {
        client.leaseDeadline(ofSession: node.sessionID).map { $0 > .now } ?? false
    }

    /// Whether what was proved earlier leaves time to arm a watch afterwards, also at a server that is slow just now: a
    /// fair part of what the lease would have with a watch.
    private func isEnough(_ earlier: ContinuousClock.Instant, _ node: Node) -> Bool {
        guard let deadline = client.leaseDeadline(ofSession: node.sessionID) else { return false }
        let now = ContinuousClock.now
        return earlier > now && earlier - now > (deadline - now) / 4
    }

    func grant(_ node: Node, _ watch: Watch) -> Lease {
        Lease(
            path: node.path, token: node.token, sessionID: node.sessionID,
            grant: LeaseGrant(client: client, watch: watch, checks: checks(node), use: use))
    }

    private func checks(_ node: Node) -> [Operation] { [.check(path: node.path, version: guardVersion)] }

    /// A lease whose watch is yet to be armed. It reaches no further than what was proved before the listing, which
    /// showed the node: whatever has proved the session since says nothing of the node.
    private func grant(_ node: Node, _ arming: LateArming, until deadline: ContinuousClock.Instant) throws -> Lease {
        let watch = try client.makeUnarmedWatch(node.path)
        let grant = LeaseGrant(
            client: client, watch: watch, unwatchedDeadline: deadline, checks: checks(node), use: use)
        arming.add(LateArming.Entry(node: node, grant: grant, watch: watch, deadline: deadline))
        return Lease(path: node.path, token: node.token, sessionID: node.sessionID, grant: grant)
    }

    // MARK: The own node

    /// A read that arms a watch.
    private struct Watching {
        let name: String
        let answer: PendingAnswer<NodeData>
        let watch: Watch
    }

    /// Reads nodes of the queue, and watches them.
    private func startWatching(_ names: [String]) throws -> [Watching] {
        let nodes = try names.map { name in
            let path = ZooKeeperPath.child(name, of: parent)
            return (path: path, watch: try client.makeUnarmedWatch(path))
        }
        let answers = try client.startGetData(nodes)
        return names.indices.map { Watching(name: names[$0], answer: answers[$0], watch: nodes[$0].watch) }
    }

    /// Makes sure that the node is there and belongs to the session that made it, and watches it.
    func verify(_ node: Node) async throws -> Watch {
        let watch = try client.makeUnarmedWatch(node.path)
        let answer = try client.startGetData(node.path, arming: watch)
        return try await verified(Watching(name: node.name, answer: answer, watch: watch), node)
    }

    private func verified(_ pending: Watching, _ node: Node) async throws -> Watch {
        do {
            let data = try await pending.answer.value()
            guard data.stat.czxid == node.token, data.stat.ephemeralOwner == node.sessionID,
                client.session?.id == node.sessionID
            else { throw Displaced(reason: .sessionExpired) }
            return pending.watch
        } catch let error as ZooKeeperError where error.code == .noNode {
            throw Displaced(reason: client.session?.id == node.sessionID ? .nodeDeleted : .sessionExpired)
        }
    }

    // MARK: Those in the way

    private enum Standing {
        case inTheWay
        /// There, but it lets others in.
        case letsPass
        case gone
    }

    private func standing(of other: Watching) async throws -> Standing {
        do {
            let node = try await other.answer.value()
            // A writer that has become a reader lets other readers in.
            if case .behind = rule, ReadWriteLock.isDowngraded(node) { return .letsPass }
            return .inTheWay
        } catch let error as ZooKeeperError where error.code == .noNode {
            return .gone
        }
    }

    // MARK: Leaving

    /// Removes whatever this candidacy may have left in the tree, cancelled or not, and returns when it is gone:
    /// deleted, or ended together with its session.
    ///
    /// - Parameters:
    ///   - node: The node, when the create was answered.
    ///   - limit: Returns after so long, while the work goes on; nil: when the servers have been out of reach for long.
    func leave(_ node: Node?, within limit: Duration? = nil) async {
        if let node {
            await Cleanup.delete(node.path, client: client, sessionID: node.sessionID).wait(within: limit)
        } else {
            await Cleanup.untilDone(client, sessionID: client.session?.id, within: limit) {
                try await client.sync(parent)
                guard let child = name.find(in: try await client.getChildren(parent)) else { return }
                try await client.delete(ZooKeeperPath.child(child, of: parent))
            }
        }
    }
}

extension Watch {
    fileprivate var isOfDeletion: Bool {
        if case .event(let event)? = trigger { event.type == .nodeDeleted } else { false }
    }
}
