import Synchronization
import ZooKeeperClient
public import ZooKeeperProtocol

/// Proof of ownership, to be shown at each use: the node, its token, and until when it can be relied on.
///
/// Three things make it safe. ``isValid(at:)`` is decided by a deadline that was computed from send times, so it turns
/// false before the server can have given the node to somebody else. It turns false at once when the node or the
/// session is known to be gone. And what is written through ``guarded(_:)`` fails when the node is gone, whatever the
/// clock says.
public struct Lease: Sendable, Hashable, CustomStringConvertible {
    /// The ownership node. Its name is never used again.
    public let path: String
    /// The fencing token: greater than that of every earlier owner (the node's `czxid`).
    public let token: Int64
    /// The session that the node belongs to.
    public let sessionID: Int64
    let grant: LeaseGrant

    /// Whether the holder may act as owner at `instant`.
    public func isValid(at instant: ContinuousClock.Instant = .now) -> Bool {
        guard let deadline else { return false }
        return instant < deadline
    }

    /// Until when the holder may act as owner, as far as is known now; nil when the lease is lost.
    public var deadline: ContinuousClock.Instant? {
        // In this order: a deadline that was renewed after the node had gone is then not believed.
        guard let deadline = grant.client.leaseDeadline(ofSession: sessionID), grant.isHeld else { return nil }
        return grant.unwatchedDeadline.map { min($0, deadline) } ?? deadline
    }

    /// Carries out the operations in one transaction, if and only if this lease's node still exists.
    ///
    /// - Returns: The results of the operations, without that of the check.
    /// - Throws: ``LeaseLost`` when the deadline has passed or the node is gone; otherwise what
    ///   ``/ZooKeeperClient/ZooKeeperClient/transaction(_:)`` throws, `transactionIndex` counted without the check.
    ///   Nobody can tell whether the operations were carried out after a `CancellationError`, or an error that says so
    ///   (``/ZooKeeperClient/ZooKeeperError/isOutcomeUnknown``).
    @discardableResult
    public func guarded(_ operations: [Operation]) async throws -> [OperationResult] {
        guard isValid() else {
            throw LeaseLost(path: path, reason: grant.loss ?? .deadlinePassed)
        }
        let checks = grant.checks
        do {
            return Array(try await grant.client.transaction(checks + operations).dropFirst(checks.count))
        } catch var error as ZooKeeperError {
            if error.code == .sessionExpired {
                grant.lose(.sessionExpired)
                throw LeaseLost(path: path, reason: .sessionExpired)
            }
            guard let index = error.transactionIndex else { throw error }
            if index < checks.count {
                grant.lose(.nodeDeleted)
                throw LeaseLost(path: path, reason: grant.loss ?? .nodeDeleted)
            }
            error.transactionIndex = index - checks.count
            throw error
        }
    }

    public var description: String { "lease \(path) token \(token)" }

    public static func == (a: Lease, b: Lease) -> Bool {
        a.path == b.path && a.token == b.token && a.sessionID == b.sessionID
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(path)
        hasher.combine(token)
        hasher.combine(sessionID)
    }
}

/// What all copies of a lease share: whether its node is known to be gone.
final class LeaseGrant: Sendable {
    private struct State {
        var watch: Watch
        var loss: LeaseLossReason?
        /// Set as long as nothing says that the watch is armed: the node could go, and a lost connection could hide it.
        /// So the lease reaches no further than what was proved before.
        var unwatchedDeadline: ContinuousClock.Instant?
    }

    let client: ZooKeeperClient
    /// What a transaction of the holder begins with: a check of the node, at least.
    let checks: [Operation]
    /// Keeps the session's lease fresh while anybody holds this one.
    private let use: LeaseUse
    private let state: Mutex<State>

    /// - Parameters:
    ///   - watch: A watch on the node.
    ///   - unwatchedDeadline: What the lease reaches to until ``watchIsArmed()``; nil when the watch is armed.
    init(
        client: ZooKeeperClient, watch: Watch, unwatchedDeadline: ContinuousClock.Instant? = nil,
        checks: [Operation], use: LeaseUse
    ) {
        self.client = client
        self.use = use
        self.checks = checks
        state = Mutex(State(watch: watch, unwatchedDeadline: unwatchedDeadline))
    }

    var unwatchedDeadline: ContinuousClock.Instant? { state.withLock { $0.unwatchedDeadline } }

    /// The node was read by the request that armed the watch, and is the right one.
    func watchIsArmed() { state.withLock { $0.unwatchedDeadline = nil } }

    /// False from the moment at which the node's watch fires; before any later answer of the server can renew the
    /// deadline.
    var isHeld: Bool {
        let (watch, loss) = state.withLock { ($0.watch, $0.loss) }
        return loss == nil && !watch.hasFired
    }

    /// Why it is not held any more.
    var loss: LeaseLossReason? {
        let (watch, loss) = state.withLock { ($0.watch, $0.loss) }
        if let loss { return loss }
        switch watch.trigger {
        case nil: return nil
        case .event: return .nodeDeleted
        case .sessionExpired, .closed: return .sessionExpired
        }
    }

    var watch: Watch { state.withLock { $0.watch } }

    /// The node was seen again after its watch had fired, and is watched by `watch` now.
    func rearm(_ watch: Watch) {
        state.withLock { $0.watch = watch }
    }

    /// Ends it for good, and wakes who waits for that.
    func end(_ reason: LeaseLossReason) {
        lose(reason)
        watch.nodeIsGone()
    }

    /// Ends it for good.
    func lose(_ reason: LeaseLossReason) {
        state.withLock { state in
            if state.loss == nil { state.loss = reason }
        }
    }
}

/// Tells the client that somebody relies on its lease, as long as this lives.
final class LeaseUse: Sendable {
    private let client: ZooKeeperClient

    init(_ client: ZooKeeperClient) {
        self.client = client
        client.leaseUserAdded()
    }

    deinit {
        client.leaseUserRemoved()
    }
}
