import ZooKeeperClient
import ZooKeeperProtocol

/// One stay in the queue of an election or lock: makes the node, waits until it is first, removes it.
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

    let client: ZooKeeperClient
    let parent: String
    let identity: [UInt8]
    let name: ProtectedName
    private let use: LeaseUse

    init(client: ZooKeeperClient, parent: String, identity: [UInt8], kind: String) {
        self.client = client
        self.parent = parent
        self.identity = identity
        name = ProtectedName(kind: kind)
        use = LeaseUse(client)
    }

    // MARK: Entering

    /// Makes the node (a protected create): when the outcome of the create is unknown, the node is looked for by its
    /// uuid before another is made, and accepted only if the current session owns it (CURATOR-498: it may be that of a
    /// session which is about to end).
    func enter() async throws -> Node {
        var mayExist = false
        var attempt = Attempt()
        while true {
            try Task.checkCancellation()
            do {
                if mayExist, let node = try await findOwnNode() { return node }
                let created = try await client.create2(
                    ZooKeeperPath.child(name.prefix, of: parent), data: identity, mode: .ephemeralSequential)
                return node(created.path, created.stat)
            } catch let error as ZooKeeperError {
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

    /// Waits until the node is first in the queue.
    ///
    /// Watches the predecessor only (by `getData`, which leaves no watch on a node that is gone), and the node itself.
    func waitForTurn(_ node: Node) async throws -> Lease {
        var attempt = Attempt()
        var ownWatch: Watch?
        while true {
            try Task.checkCancellation()
            do {
                let watch: Watch
                if let armed = ownWatch, !armed.hasFired {
                    watch = armed
                } else {
                    watch = try await verify(node)
                    ownWatch = watch
                }
                switch QueueOrder.place(of: node.name, among: try await client.getChildren(parent)) {
                case .missing:
                    throw Displaced(reason: .nodeDeleted)
                case .first:
                    let grant = LeaseGrant(client: client, watch: watch, use: use)
                    return Lease(path: node.path, token: node.token, sessionID: node.sessionID, grant: grant)
                case .behind(let predecessor):
                    let (_, predecessorWatch) = try await client.getDataAndWatch(
                        ZooKeeperPath.child(predecessor, of: parent))
                    try await Self.waitForEither(watch, predecessorWatch)
                }
            } catch let error as ZooKeeperError {
                switch error.code {
                case .noNode: continue  // the predecessor (or the whole queue) is gone: look again
                case .sessionExpired: throw Displaced(reason: .sessionExpired)
                default: try await attempt.failed(error)
                }
            }
        }
    }

    /// Makes sure that the node is there and belongs to the session that made it, and watches it.
    func verify(_ node: Node) async throws -> Watch {
        do {
            let (data, watch) = try await client.getDataAndWatch(node.path)
            guard data.stat.czxid == node.token, data.stat.ephemeralOwner == node.sessionID,
                client.session?.id == node.sessionID
            else { throw Displaced(reason: .sessionExpired) }
            return watch
        } catch let error as ZooKeeperError where error.code == .noNode {
            throw Displaced(reason: client.session?.id == node.sessionID ? .nodeDeleted : .sessionExpired)
        }
    }

    private static func waitForEither(_ first: Watch, _ second: Watch) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await first.next() }
            group.addTask { _ = try await second.next() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    // MARK: Leaving

    /// Removes whatever this candidacy may have left in the tree, cancelled or not, and returns when it is gone:
    /// deleted, or ended together with its session.
    ///
    /// - Parameter node: The node, when the create was answered.
    func leave(_ node: Node?) async {
        await Cleanup.untilDone(client, sessionID: node?.sessionID ?? client.session?.id) {
            if let node {
                try await client.delete(node.path)
            } else {
                try await client.sync(parent)
                guard let child = name.find(in: try await client.getChildren(parent)) else { return }
                try await client.delete(ZooKeeperPath.child(child, of: parent))
            }
        }
    }
}

/// Whether and when something that failed is tried again.
struct Attempt {
    private static let initialDelay = Duration.milliseconds(5)
    private static let ceiling = Duration.seconds(1)
    private var delay = Attempt.initialDelay

    /// Waits before the next try.
    ///
    /// - Throws: The error, when trying again cannot help; `CancellationError`.
    mutating func failed(_ error: ZooKeeperError) async throws {
        switch error.code {
        case .clientClosed, .noAuth, .authFailed, .badArguments, .invalidACL, .unimplemented, .requestTooLarge,
            .tlsFailed:
            throw error
        default: break
        }
        try await Task.sleep(for: delay)
        delay = min(delay * 2, Self.ceiling)
    }
}
