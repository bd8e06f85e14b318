import Logging
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol

/// What locks and semaphores have in common: queue, hold, give up.
struct LeaseQueue: Sendable {
    let client: ZooKeeperClient
    let path: String
    let identity: [UInt8]
    let kind: String
    let rule: QueueRule
    let logger: Logger
    var guardVersion: Int32 = -1
    /// Shared by the copies of one lock.
    var arming = LateArming()
    /// Shared by them, too.
    private let crowd = Crowd()

    private func candidacy() -> Candidacy {
        Candidacy(
            client: client, parent: path, identity: identity, kind: kind, rule: rule, guardVersion: guardVersion)
    }

    /// Waits for the turn; see ``DistributedLock/acquire(timeout:)``.
    func acquire(timeout: Duration? = nil) async throws -> Lease {
        try await Self.inTime(timeout, path) { try await turn() }
    }

    /// Has `acquire` give a lease within `timeout`, everything that it has to ask for included.
    ///
    /// - Throws: ``/ZooKeeperClient/ZooKeeperError`` with `operationTimeout` when it does not.
    static func inTime(
        _ timeout: Duration?, _ path: String, _ acquire: @escaping @Sendable () async throws -> Lease
    ) async throws -> Lease {
        guard let timeout else { return try await acquire() }
        return try await withThrowingTaskGroup(of: Lease?.self) { group in
            group.addTask { try await acquire() }
            group.addTask {
                try await Task.sleep(for: timeout)
                return nil
            }
            let first: Lease?
            do {
                first = try await group.next() ?? nil
            } catch {
                group.cancelAll()
                // Nobody would give it back.
                if let late = try? await group.next(), let lease = late {
                    await giveBack(lease).wait(within: Cleanup.patience)
                }
                throw error
            }
            group.cancelAll()
            if let first { return first }
            // It may have come at the last moment.
            if let late = try? await group.next(), let lease = late { return lease }
            throw ZooKeeperError(
                code: .operationTimeout, path: path, message: "not to be had for \(timeout) already")
        }
    }

    /// Waits for as long as it takes.
    func turn() async throws -> Lease {
        while true {
            let candidacy = candidacy()
            var node: Candidacy.Node?
            do {
                let lease: Lease
                if crowd.isExpected, let start = try? candidacy.start() {
                    // There will be answers and events to wait for that are no outcome yet.
                    lease = try await client.onEventLoop { try await take(candidacy, start, &node) }
                } else {
                    lease = try await take(candidacy, nil, &node)
                }
                try Task.checkCancellation()
                return lease
            } catch let displaced as Candidacy.Displaced {
                logger.debug("queueing again", metadata: ["path": "\(path)", "reason": "\(displaced.reason)"])
                do {
                    try Task.checkCancellation()
                } catch {
                    await candidacy.leave(node, within: Cleanup.patience)
                    throw error
                }
            } catch {
                await candidacy.leave(node, within: Cleanup.patience)
                throw error
            }
        }
    }

    private func take(
        _ candidacy: Candidacy, _ start: Candidacy.Start?, _ node: inout Candidacy.Node?
    ) async throws -> Lease {
        let entry = try await candidacy.enter(start)
        node = entry.node
        if let others = entry.queue?.names { crowd.isExpected = Crowd.sizes.contains(others.count) }
        return try await candidacy.waitForTurn(entry, arming: arming)
    }

    /// Gives a lease up; its node is on its way out when this returns.
    ///
    /// Sent together with what this client asks for next, if that comes within microseconds: whoever takes a lock again
    /// and again then costs the server's disk one write and not two.
    func release(_ lease: Lease) {
        lease.grant.lose(.resigned)
        Cleanup.deleteSoon(lease.path, client: client, sessionID: lease.sessionID)
    }

    /// Gives a lease up and returns when its node is gone.
    func releaseAndWait(_ lease: Lease) async {
        await Self.giveBack(lease).wait()
    }

    private static func giveBack(_ lease: Lease) -> Cleanup {
        lease.grant.lose(.resigned)
        return Cleanup.delete(lease.path, client: lease.grant.client, sessionID: lease.sessionID)
    }

    /// Runs `body` with a lease; see ``DistributedLock/withLock(timeout:_:)``.
    func withLease<Result: Sendable>(
        timeout: Duration? = nil, _ body: @escaping @Sendable (Lease) async throws -> Result
    ) async throws -> Result {
        let lease = try await acquire(timeout: timeout)
        defer { release(lease) }
        return try await lease.run(body)
    }
}

/// Whether somebody else was there the last time, and is likely to be there again.
private final class Crowd: Sendable {
    /// A longer queue takes a while to be sorted, by each who is in it: the event loop has others to serve.
    static let sizes = 2...64

    private let flag = Atomic<Bool>(false)

    var isExpected: Bool {
        get { flag.load(ordering: .relaxed) }
        set { flag.store(newValue, ordering: .relaxed) }
    }
}

extension Lease {
    /// Runs `body`, which is cancelled when the lease is lost or its deadline passes.
    ///
    /// - Throws: What `body` throws; ``LeaseLost`` when the lease was lost before `body` ended, or began.
    func run<Result: Sendable>(_ body: @escaping @Sendable (Lease) async throws -> Result) async throws -> Result {
        try Task.checkCancellation()
        guard isValid() else { throw LeaseLost(path: path, reason: grant.loss ?? .deadlinePassed) }
        // A task of its own, which can be cancelled without cancelling the caller's, whether its work ever waits or not;
        // it has ended when this returns.
        let work = Task { try await body(self) }
        let sign = LossSign()
        let lookForLoss: @Sendable () -> Void = {
            guard !isValid(), sign.set() else { return }
            // Elsewhere, because cancelling runs code of the holder's.
            Task { work.cancel() }
        }
        let watch = grant.watch
        let observer = grant.client.observeLeaseHealth { _ in lookForLoss() }
        let action = watch.whenFired(lookForLoss)
        defer {
            grant.client.forgetLeaseHealthObserver(observer)
            watch.forgetAction(action)
        }
        lookForLoss()
        let result = await withTaskCancellationHandler {
            await work.result
        } onCancel: {
            work.cancel()
        }
        // Once more, at the end: whoever was stopped for longer than its session has been told of nothing yet. What the
        // body has given up itself is not lost.
        if !isValid(), grant.loss != .resigned { _ = sign.set() }
        // Whatever the body has made of its cancellation, its work was not done under the lease.
        guard !sign.isSet else {
            try Task.checkCancellation()
            throw LeaseLost(path: path, reason: grant.loss ?? .deadlinePassed)
        }
        return try result.get()
    }
}

/// Whether a lease was lost before the work under it had ended.
private final class LossSign: Sendable {
    private let flag = Atomic<Bool>(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }

    /// - Returns: Whether it was not set before.
    func set() -> Bool { !flag.exchange(true, ordering: .acquiringAndReleasing) }
}
