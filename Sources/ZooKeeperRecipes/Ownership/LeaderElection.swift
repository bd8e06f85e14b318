public import Logging
public import ServiceLifecycle
import Synchronization
public import ZooKeeperClient
import ZooKeeperProtocol

/// What a ``LeaderElection`` tells.
public enum LeadershipEvent: Sendable, Hashable {
    /// This candidate is the leader.
    case elected(Lease)
    /// It is not any more.
    case lost(LeaseLossReason)
}

/// Stands for a role that one candidate has at a time; also used as a lock that is held as long as possible.
///
/// ``run()`` queues with an ephemeral sequential node, is elected when it is first, queues again when it loses its
/// place, and removes the node before it returns. Light: it costs three watches at most and a few suspended tasks, so a
/// process may run many on one client.
///
/// States: *queueing* (node being made) → *waiting* (watches the predecessor, the one before that, and the own
/// node) → *leading* (watches the own node and the lease's deadline) → *queueing*, when the session has expired or the
/// node was deleted by somebody else. While the deadline has passed, the candidate is *lapsed*: not leader, but it
/// leads again, with the same lease, when the session turns out to have lived on. ``setStanding(_:)`` takes a candidate out
/// of the queue for a while: *withdrawn*.
public final class LeaderElection: Service, Sendable {
    private struct State {
        var lease: Lease?
    }

    private let client: ZooKeeperClient
    private let path: String
    private let identity: [UInt8]
    private let namePrefix: String
    private let logger: Logger
    private let state = Mutex(State())
    private let broadcast = StateBroadcast(LeadershipEvent.lost(.resigned), bound: 16)
    private let isStanding = StateBroadcast(true, bound: 1)

    /// Makes a candidate.
    ///
    /// - Parameters:
    ///   - path: The parent of the candidates' nodes; made if missing.
    ///   - identity: The data of the node.
    ///   - namePrefix: What stands between the uuid and the number in the node's name.
    public init(
        client: ZooKeeperClient, path: String, identity: [UInt8], namePrefix: String = "lock-", logger: Logger
    ) {
        self.client = client
        self.path = path
        self.identity = identity
        self.namePrefix = namePrefix
        self.logger = logger
    }

    /// The lease of this candidate; nil when it is not the leader, or can no longer be sure of it.
    public var lease: Lease? {
        guard let lease = state.withLock({ $0.lease }), lease.isValid() else { return nil }
        return lease
    }

    /// Elections and losses from now on, the current leadership first. Ends with ``run()``.
    public func events() -> AsyncStream<LeadershipEvent> {
        broadcast.updates { if case .elected = $0 { true } else { false } }
    }

    /// Whether to stand. A candidate that is told not to gives the lease up, if it has it, and leaves the queue until it is
    /// told to stand again. True at the beginning.
    public func setStanding(_ stands: Bool) {
        if isStanding.value != stands { isStanding.send(stands) }
    }

    /// Stands until cancelled or shut down gracefully; then gives the lease up, removes the node, and returns.
    ///
    /// - Throws: ``/ZooKeeperClient/ZooKeeperError`` when standing is hopeless: the client has ended, or access is
    ///   denied.
    public func run() async throws {
        defer { broadcast.finish() }
        try await cancelWhenGracefulShutdown {
            var repetition = Repetition()
            while !Task.isCancelled {
                for await stands in self.isStanding.updates() where stands { break }
                if Task.isCancelled { return }
                let began = ContinuousClock.now
                // nil: told to stop, or to stand no more.
                guard let reason = try await self.standWhileWanted() else { continue }
                self.logger.debug("queueing again", metadata: ["path": "\(self.path)", "reason": "\(reason)"])
                let delay = repetition.delay(after: ContinuousClock.now - began)
                do { try await Task.sleep(for: delay) } catch { return }
            }
        }
    }

    /// One candidacy, which ends when it is not wanted any more; returns when nothing of it is left in the tree.
    private func standWhileWanted() async throws -> LeaseLossReason? {
        try await withThrowingTaskGroup(of: LeaseLossReason?.self) { group in
            group.addTask { try await self.stand() }
            group.addTask {
                for await stands in self.isStanding.updates() where !stands { break }
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    /// One candidacy from its beginning to its end.
    ///
    /// - Returns: Why the place was lost; nil when the candidate was told to stop.
    private func stand() async throws -> LeaseLossReason? {
        let candidacy = Candidacy(
            client: client, parent: path, identity: identity, kind: namePrefix, waiting: .service)
        var node: Candidacy.Node?
        do {
            let entered = try await candidacy.enter()
            node = entered.node
            let lease = try await candidacy.waitForTurn(entered)
            let reason = try await lead(lease, candidacy, entered.node)
            resign(lease, reason)
            return reason
        } catch let displaced as Candidacy.Displaced {
            return displaced.reason
        } catch {
            if let lease = state.withLock({ $0.lease }) { resign(lease, .resigned) }
            await candidacy.leave(node)
            if error is CancellationError || Task.isCancelled { return nil }
            throw error
        }
    }

    /// Leads until the place is lost.
    private func lead(_ lease: Lease, _ candidacy: Candidacy, _ node: Candidacy.Node) async throws -> LeaseLossReason {
        state.withLock { $0.lease = lease }
        logger.debug("elected", metadata: ["path": "\(lease.path)", "token": "\(lease.token)"])
        return try await withThrowingTaskGroup(of: LeaseLossReason?.self) { group in
            group.addTask {
                await self.followDeadline(lease)
                return nil
            }
            group.addTask { try await self.followNode(lease, candidacy, node) }
            defer { group.cancelAll() }
            while let reason = try await group.next() {
                if let reason { return reason }
            }
            throw CancellationError()
        }
    }

    /// Tells when the deadline passes, and when it lies ahead again.
    private func followDeadline(_ lease: Lease) async {
        var isAnnounced = false
        for await _ in client.leaseHealthUpdates() {
            let isValid = lease.isValid()
            guard isValid != isAnnounced else { continue }
            isAnnounced = isValid
            if isValid {
                broadcast.send(.elected(lease))
            } else if lease.grant.isHeld {
                broadcast.send(.lost(.deadlinePassed))
            }
        }
    }

    /// Returns when the node or the session is gone.
    private func followNode(
        _ lease: Lease, _ candidacy: Candidacy, _ node: Candidacy.Node
    ) async throws -> LeaseLossReason {
        var attempt = Attempt(.service)
        while true {
            switch try await lease.grant.watch.next() {
            case .sessionExpired: return .sessionExpired
            case .closed: throw ZooKeeperError(code: .clientClosed, path: path)
            case .event(let event) where event.type == .nodeDeleted: return .nodeDeleted
            case .event: break  // somebody wrote into the node: it is still ours, look again
            }
            do {
                lease.grant.rearm(try await candidacy.verify(node))
                if let loss = lease.grant.loss { return loss }
            } catch let displaced as Candidacy.Displaced {
                return displaced.reason
            } catch let error as ZooKeeperError {
                if error.code == .sessionExpired { return .sessionExpired }
                try await attempt.failed(error)
            }
        }
    }

    private func resign(_ lease: Lease, _ reason: LeaseLossReason) {
        lease.grant.lose(reason)
        state.withLock { $0.lease = nil }
        // Whoever was told of the passed deadline knows already.
        if case .elected = broadcast.value { broadcast.send(.lost(reason)) }
        logger.debug("leadership lost", metadata: ["path": "\(lease.path)", "reason": "\(reason)"])
    }
}
