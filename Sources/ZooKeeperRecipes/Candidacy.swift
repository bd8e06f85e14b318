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
        var queue: [String]?
    }

    let client: ZooKeeperClient
    let parent: String
    let identity: [UInt8]
    let name: ProtectedName
    let rule: QueueRule
    /// What a transaction of the holder demands of the node's version; −1 for any.
    let guardVersion: Int32
    private let use: LeaseUse

    init(
        client: ZooKeeperClient, parent: String, identity: [UInt8], kind: String, rule: QueueRule = .exclusive,
        guardVersion: Int32 = -1
    ) {
        self.client = client
        self.parent = parent
        self.identity = identity
        self.rule = rule
        self.guardVersion = guardVersion
        name = ProtectedName(kind: kind)
        use = LeaseUse(client)
    }

    // MARK: Entering

    /// Makes the node (a protected create): when the outcome of the create is unknown, the node is looked for by its
    /// uuid before another is made, and accepted only if the current session owns it (CURATOR-498: it may be that of a
    /// session which is about to end).
    ///
    /// - Parameter predecessor: A node that this one replaces: both changes are one.
    func enter(replacing predecessor: String? = nil) async throws -> Entry {
        var mayExist = false
        var attempt = Attempt()
        var predecessor = predecessor
        while true {
            try Task.checkCancellation()
            do {
                if mayExist, let node = try await findOwnNode() { return Entry(node: node) }
                // The listing is answered behind the create, by the same server: it shows the node.
                let path = ZooKeeperPath.child(name.prefix, of: parent)
                let created: CreatedNode
                let queue: PendingAnswer<[String]>
                if let old = predecessor {
                    let answer = try client.startTransaction([
                        .delete(path: old), .create(path: path, data: identity, mode: .ephemeralSequential),
                    ])
                    queue = try client.startGetChildren(parent)
                    guard case .created(let path, let stat)? = try await answer.value().last else {
                        throw ZooKeeperError(code: .marshallingError, path: parent)
                    }
                    predecessor = nil
                    // Apache ZooKeeper leaves the Stat out of a transaction's answer.
                    var known = stat
                    if known == nil { known = try await statOfOwnNode(path) }
                    guard let known else { throw Displaced(reason: .nodeDeleted) }
                    created = CreatedNode(path: path, stat: known)
                } else {
                    let answer = try client.startCreate(path, data: identity, mode: .ephemeralSequential)
                    queue = try client.startGetChildren(parent)
                    created = try await answer.value()
                }
                return Entry(node: node(created.path, created.stat), queue: try? await queue.value())
            } catch let error as ZooKeeperError {
                if predecessor != nil {
                    let old = predecessor
                    predecessor = nil
                    // Gone already, or it has to go by itself.
                    if error.transactionIndex == 0, error.code == .noNode { continue }
                    if let old { Cleanup.delete(old, client: client, sessionID: client.session?.id) }
                }
                switch error.code {
                case .noNode: try await client.ensurePath(parent)
                case .sessionExpired: throw Displaced(reason: .sessionExpired)
                default:
                    if error.isOutcomeUnknown { mayExist = true }
                    try await attempt.failed(error)
                }
            }
        }
    }

    /// The Stat of a node that this candidacy has made; nil when it is gone again.
    private func statOfOwnNode(_ path: String) async throws -> Stat? {
        var attempt = Attempt()
        while true {
            do {
                guard let stat = try await client.exists(path) else { return nil }
                guard client.session?.id == stat.ephemeralOwner else { throw Displaced(reason: .sessionExpired) }
                return stat
            } catch let error as ZooKeeperError {
                if error.code == .sessionExpired { throw Displaced(reason: .sessionExpired) }
                try await attempt.failed(error)
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
    /// Watches those in its way only (by `getData`, which leaves no watch on a node that is gone), and the node itself.
    ///
    /// - Parameter isEager: Grants a free place before the watch on the own node is armed; until it is, the lease is not
    ///   prolonged.
    func waitForTurn(_ entry: Entry, isEager: Bool = false) async throws -> Lease {
        let node = entry.node
        var known = entry.queue
        var attempt = Attempt()
        var ownWatch: Watch?
        while true {
            try Task.checkCancellation()
            do {
                if ownWatch?.hasFired == true { ownWatch = nil }
                let queue: [String]
                if let listed = known { queue = listed } else { queue = try await client.getChildren(parent) }
                known = nil
                switch rule.place(of: node.name, among: queue) {
                case .missing:
                    throw Displaced(reason: .nodeDeleted)
                case .first:
                    if let ownWatch { return grant(node, ownWatch) }
                    if isEager { return try eagerGrant(node) }
                    return grant(node, try await verify(node))
                case .behind(let blockers, let isLast):
                    // One flight for all of it.
                    let own = try ownWatch == nil ? startVerifying(node) : nil
                    let watched = try blockers.map { try startWatching($0) }
                    if let own { ownWatch = try await verified(own, node) }
                    guard let armed = ownWatch else { continue }
                    var isFree = false
                    for blocker in watched where try await !isInTheWay(blocker) { isFree = true }
                    if !isFree {
                        let watches = [armed] + watched.map(\.watch)
                        isFree = try await Self.waitForAny(watches) && !armed.hasFired
                    }
                    // Nobody else was in the way, so nobody is.
                    if isFree, isLast, !armed.hasFired { return grant(node, armed) }
                }
            } catch let error as ZooKeeperError {
                switch error.code {
                case .noNode: continue  // the whole queue is gone: look again
                case .sessionExpired: throw Displaced(reason: .sessionExpired)
                default: try await attempt.failed(error)
                }
            }
        }
    }

    func grant(_ node: Node, _ watch: Watch) -> Lease {
        Lease(
            path: node.path, token: node.token, sessionID: node.sessionID,
            grant: LeaseGrant(client: client, watch: watch, checks: checks(node), use: use))
    }

    private func checks(_ node: Node) -> [Operation] { [.check(path: node.path, version: guardVersion)] }

    /// A lease whose watch is being armed. It reaches as far as what is proved now: the answers to the create and to the
    /// listing, which showed the node.
    private func eagerGrant(_ node: Node) throws -> Lease {
        guard let deadline = client.leaseDeadline(ofSession: node.sessionID) else {
            throw Displaced(reason: .sessionExpired)
        }
        let watch = try client.makeUnarmedWatch(node.path)
        let grant = LeaseGrant(
            client: client, watch: watch, unwatchedDeadline: deadline, checks: checks(node), use: use)
        let first = try client.startGetData(node.path, arming: watch, isUrgent: false)
        // A task of its own, so that the holder need not wait; it ends with the answer, or with the lease.
        Task { [client] in
            var answer = first
            var attempt = Attempt()
            var overdue: Task<Void, Never>?
            defer { overdue?.cancel() }
            while grant.isHeld {
                do {
                    let data = try await answer.value()
                    guard data.stat.czxid == node.token, data.stat.ephemeralOwner == node.sessionID else {
                        return grant.end(.nodeDeleted)
                    }
                    return grant.watchIsArmed()
                } catch let error as ZooKeeperError {
                    if error.code == .noNode { return grant.end(.nodeDeleted) }
                    if error.code == .sessionExpired { return grant.end(.sessionExpired) }
                    // The connection went. A new one may prolong the session's lease, but not this one's: whoever works
                    // under it is told when it lapses.
                    if overdue == nil {
                        overdue = Task {
                            do { try await Task.sleep(until: deadline, clock: .continuous) } catch { return }
                            if grant.unwatchedDeadline != nil { grant.end(.deadlinePassed) }
                        }
                    }
                    do {
                        try await attempt.failed(error)
                        answer = try client.startGetData(node.path, arming: watch)
                    } catch {
                        return grant.end(.sessionExpired)
                    }
                } catch {
                    return grant.end(.sessionExpired)
                }
            }
        }
        return Lease(path: node.path, token: node.token, sessionID: node.sessionID, grant: grant)
    }

    // MARK: The own node

    /// A read that arms a watch.
    private struct Watching {
        let answer: PendingAnswer<NodeData>
        let watch: Watch
    }

    /// Makes sure that the node is there and belongs to the session that made it, and watches it.
    func verify(_ node: Node) async throws -> Watch {
        try await verified(try startVerifying(node), node)
    }

    private func startVerifying(_ node: Node) throws -> Watching {
        let watch = try client.makeUnarmedWatch(node.path)
        return Watching(answer: try client.startGetData(node.path, arming: watch), watch: watch)
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

    private func startWatching(_ blocker: String) throws -> Watching {
        let path = ZooKeeperPath.child(blocker, of: parent)
        let watch = try client.makeUnarmedWatch(path)
        return Watching(answer: try client.startGetData(path, arming: watch), watch: watch)
    }

    private func isInTheWay(_ blocker: Watching) async throws -> Bool {
        do {
            let node = try await blocker.answer.value()
            // A writer that has become a reader lets other readers in.
            if case .behind = rule, ReadWriteLock.isDowngraded(node) { return false }
            return true
        } catch let error as ZooKeeperError where error.code == .noNode {
            return false
        }
    }

    /// - Returns: Whether it was a deletion that ended the wait.
    private static func waitForAny(_ watches: [Watch]) async throws -> Bool {
        try await withThrowingTaskGroup(of: WatchTrigger.self) { group in
            for watch in watches { group.addTask { try await watch.next() } }
            defer { group.cancelAll() }
            if case .event(let event)? = try await group.next(), event.type == .nodeDeleted { return true }
            return false
        }
    }

    // MARK: Leaving

    /// Removes whatever this candidacy may have left in the tree, cancelled or not, and returns when it is gone:
    /// deleted, or ended together with its session.
    ///
    /// - Parameter node: The node, when the create was answered.
    func leave(_ node: Node?) async {
        if let node {
            await Cleanup.delete(node.path, client: client, sessionID: node.sessionID).wait()
        } else {
            await Cleanup.untilDone(client, sessionID: client.session?.id) {
                try await client.sync(parent)
                guard let child = name.find(in: try await client.getChildren(parent)) else { return }
                try await client.delete(ZooKeeperPath.child(child, of: parent))
            }
        }
    }
}
