public import Logging
public import ServiceLifecycle
import Synchronization
public import ZooKeeperClient
import ZooKeeperProtocol

/// All nodes from one downwards with their data, kept up to date.
///
/// One recursive watch tells what changed; only that is read again. Whenever events may have been missed (after every
/// reconnect, in a new session, when too many waited) everything is looked at again: by its stat, and read only when that
/// differs. The node itself may be missing, come and go. The cache may be started while the server is down.
///
/// Bounded: when the tree grows beyond ``Limits``, ``run()`` throws ``LimitExceeded``. It does not leave nodes out, because
/// a cache that lacks some nodes cannot say which.
public final class TreeCache: Service, Sendable {
    /// How much it may hold.
    public struct Limits: Sendable, Hashable {
        public var nodes = 1_000_000
        /// Of paths and data.
        public var bytes = 256 << 20
        /// Data longer than this is not kept: followers see the node without data. Nil: all data is kept.
        public var nodeBytes: Int?
        /// How many changes may wait for a follower before they are replaced by a snapshot.
        public var waitingChanges = 16_384

        public init() {}
    }

    /// The tree does not fit.
    public struct LimitExceeded: Error, Hashable, CustomStringConvertible {
        public let path: String
        public let nodes: Int
        public let bytes: Int

        public var description: String { "the tree below \(path) has more than \(nodes) nodes or \(bytes) bytes" }
    }

    private struct State {
        var tree: TreeCacheState
        var isLoaded = false
        var followers: [Follower] = []
        var isFinished = false
    }

    private struct Follower {
        weak var changes: TreeChanges?
    }

    private let client: ZooKeeperClient
    private let path: String
    private let limits: Limits
    private let skipsRefusedNodes: Bool
    private let logger: Logger
    private let state: Mutex<State>
    private let loaded = StateBroadcast(false, bound: 1)

    /// Makes a cache of `path` and everything below it.
    ///
    /// - Parameter skipsRefusedNodes: a node that may not be read does not end the cache. Followers see it without data and
    ///   without children, or not at all, where the server does not even say that it exists.
    public init(
        client: ZooKeeperClient, path: String, limits: Limits = Limits(), skipsRefusedNodes: Bool = false,
        logger: Logger
    ) {
        self.client = client
        self.path = path
        self.limits = limits
        self.skipsRefusedNodes = skipsRefusedNodes
        self.logger = logger
        state = Mutex(State(tree: TreeCacheState(root: path)))
    }

    // MARK: Reading

    /// What is known now. Cheap to take; the next change to the cache copies its tables when somebody keeps it.
    public var snapshot: TreeSnapshot { state.withLock { $0.tree.snapshot } }

    /// A node as last seen.
    public func value(_ path: String) -> CachedNode? { state.withLock { $0.tree.snapshot.value(path) } }

    /// The names of a node's children as last seen; nil when there is no such node.
    public func children(_ path: String) -> Set<String>? { state.withLock { $0.tree.snapshot.children(path) } }

    /// Whether everything has been looked at once.
    public var isLoaded: Bool { state.withLock { $0.isLoaded } }

    /// Waits until everything has been looked at once.
    ///
    /// - Throws: `CancellationError`; ``/ZooKeeperClient/ZooKeeperError`` with `clientClosed` when ``run()`` has ended
    ///   before.
    public func waitUntilLoaded() async throws {
        for await isLoaded in loaded.updates() where isLoaded { return }
        try Task.checkCancellation()
        if !isLoaded { throw ZooKeeperError(code: .clientClosed, path: path) }
    }

    /// A snapshot as soon as everything has been looked at once, and then each change. Ends with ``run()``.
    public func changes() -> TreeChanges {
        let changes = TreeChanges(limit: limits.waitingChanges)
        let isFinished = state.withLock { state in
            if state.isLoaded { changes.append([.snapshot(state.tree.snapshot)], state.tree.snapshot) }
            state.followers.removeAll { $0.changes == nil }
            state.followers.append(Follower(changes: changes))
            return state.isFinished
        }
        changes.notify()
        if isFinished { changes.finish() }
        return changes
    }

    // MARK: Running

    /// Keeps the cache until cancelled or shut down gracefully.
    ///
    /// - Throws: ``LimitExceeded``; ``/ZooKeeperClient/ZooKeeperError`` when it is hopeless: the client has ended, or access
    ///   is denied.
    public func run() async throws {
        defer { finish() }
        try await cancelWhenGracefulShutdown {
            try await SubtreeFollower(client: self.client, path: self.path).serve(logger: self.logger) { element in
                switch element {
                case .gap: try await self.load()
                case .event(let event): try await self.look(at: event.path)
                }
            }
        }
    }

    private func finish() {
        let followers = state.withLock { state in
            state.isFinished = true
            defer { state.followers = [] }
            return state.followers
        }
        for follower in followers { follower.changes?.finish() }
        loaded.finish()
    }

    /// Reads one node anew. Whatever the event said, the answer is newer.
    private func look(at path: String) async throws {
        do {
            let node = try await client.getData(path)
            try apply { $0.read(path, data: kept(node.data, node.stat), stat: node.stat) }
        } catch let error as ZooKeeperError where error.code == .noNode {
            try apply { $0.gone(path) }
        } catch let error as ZooKeeperError where error.code == .noAuth && skipsRefusedNodes {
            try await lookFromOutside(at: path)
        }
    }

    /// A node that may not be read. Some servers tell that it is there all the same; where not even that may be known, it
    /// is not there for the cache.
    private func lookFromOutside(at path: String) async throws {
        do {
            guard let stat = try await client.exists(path) else { return try apply { $0.gone(path) } }
            try apply { $0.read(path, data: nil, stat: stat) }
        } catch let error as ZooKeeperError where error.code == .noAuth {
            try apply { $0.gone(path) }
        }
    }

    private func kept(_ data: [UInt8]?, _ stat: Stat) -> [UInt8]? { isTooLong(stat) ? nil : data }

    private func isTooLong(_ stat: Stat) -> Bool { limits.nodeBytes.map { Int(stat.dataLength) > $0 } ?? false }

    /// Looks at everything, the parents first, many at a time.
    private func load() async throws {
        var window = ReadWindow()
        try apply { $0.resyncBegan() }
        var frontier = [path]
        while !frontier.isEmpty {
            var next: [String] = []
            try await window.inParts(frontier) { next += try await lookAtAll($0) }
            frontier = next
        }
        try apply { $0.resyncEnded() }
    }

    /// - Returns: The paths of the children.
    private func lookAtAll(_ batch: ArraySlice<String>) async throws -> [String] {
        var children: [String] = []
        var stale: [(path: String, answer: PendingAnswer<NodeData>)] = []
        let listings = try batch.map { (path: $0, answer: try client.startGetChildren2($0)) }
        for (path, answer) in listings {
            do {
                let (names, stat) = try await answer.value()
                children += names.map { ZooKeeperPath.child($0, of: path) }
                if state.withLock({ $0.tree.isCurrent(path, stat) }) { continue }
                if isTooLong(stat) {
                    try apply { $0.read(path, data: nil, stat: stat) }
                    continue
                }
                stale.append((path, try client.startGetData(path)))
            } catch let error as ZooKeeperError where error.code == .noNode {
                try apply { $0.gone(path) }
            } catch let error as ZooKeeperError where error.code == .noAuth && skipsRefusedNodes {
                try await lookFromOutside(at: path)
            }
        }
        for (path, answer) in stale {
            do {
                let node = try await answer.value()
                try apply { $0.read(path, data: kept(node.data, node.stat), stat: node.stat) }
            } catch let error as ZooKeeperError where error.code == .noNode {
                try apply { $0.gone(path) }
            } catch let error as ZooKeeperError where error.code == .noAuth && skipsRefusedNodes {
                try await lookFromOutside(at: path)
            }
        }
        return children
    }

    private func apply(_ change: (inout TreeCacheState) -> [TreeChange]) throws {
        let (isOver, isFirstLoad, followers) = state.withLock { state -> (Bool, Bool, [Follower]) in
            let changes = change(&state.tree)
            let snapshot = state.tree.snapshot
            if snapshot.count > limits.nodes || snapshot.byteCount > limits.bytes { return (true, false, []) }
            guard !changes.isEmpty else { return (false, false, []) }
            var told = changes
            var isFirstLoad = false
            if !state.isLoaded {
                // Before the first load is complete nobody is told anything.
                guard case .resynced? = changes.last else { return (false, false, []) }
                state.isLoaded = true
                isFirstLoad = true
                told = [.snapshot(snapshot)]
            }
            for follower in state.followers { follower.changes?.append(told, snapshot) }
            return (false, isFirstLoad, state.followers)
        }
        for follower in followers { follower.changes?.notify() }
        if isOver { throw LimitExceeded(path: path, nodes: limits.nodes, bytes: limits.bytes) }
        if isFirstLoad { loaded.send(true) }
    }
}
