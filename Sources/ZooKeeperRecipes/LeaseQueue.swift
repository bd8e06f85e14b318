import Logging
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
    /// Shared by the copies of one lock, which then give up and queue again in one change of the tree.
    var releases: PendingRelease?

    private func candidacy() -> Candidacy {
        Candidacy(
            client: client, parent: path, identity: identity, kind: kind, rule: rule, guardVersion: guardVersion)
    }

    /// Waits for the turn; see ``DistributedLock/acquire(timeout:)``.
    func acquire(timeout: Duration? = nil) async throws -> Lease {
        guard let timeout else { return try await queue() }
        return try await withThrowingTaskGroup(of: Lease?.self) { group in
            group.addTask { try await queue() }
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
                if let late = try? await group.next(), let lease = late { await release(lease) }
                throw error
            }
            group.cancelAll()
            if let first { return first }
            // It may have come at the last moment.
            if let late = try? await group.next(), let lease = late { return lease }
            throw ZooKeeperError(
                code: .operationTimeout, path: path, message: "held by somebody else for \(timeout) already")
        }
    }

    private func queue() async throws -> Lease {
        while true {
            let candidacy = candidacy()
            var node: Candidacy.Node?
            do {
                let entry = try await candidacy.enter(replacing: releases?.take(session: client.session?.id))
                node = entry.node
                let lease = try await candidacy.waitForTurn(entry, isEager: true)
                try Task.checkCancellation()
                return lease
            } catch let displaced as Candidacy.Displaced {
                logger.debug("queueing again", metadata: ["path": "\(path)", "reason": "\(displaced.reason)"])
                do {
                    try Task.checkCancellation()
                } catch {
                    await candidacy.leave(node)
                    throw error
                }
            } catch {
                await candidacy.leave(node)
                throw error
            }
        }
    }

    /// Gives a lease up and returns when its node is gone.
    func release(_ lease: Lease) async {
        lease.grant.lose(.resigned)
        await Cleanup.delete(lease.path, client: client, sessionID: lease.sessionID).wait()
    }

    /// Gives a lease up; the node is on its way out when this returns.
    private func releaseSoon(_ lease: Lease) {
        lease.grant.lose(.resigned)
        if releases?.keep(lease, client: client) == true { return }
        Cleanup.delete(lease.path, client: client, sessionID: lease.sessionID)
    }

    /// Runs `body` with a lease; see ``DistributedLock/withLock(timeout:_:)``.
    func withLease<Result: Sendable>(
        timeout: Duration? = nil, _ body: @escaping @Sendable (Lease) async throws -> Result
    ) async throws -> Result {
        let lease = try await acquire(timeout: timeout)
        defer { releaseSoon(lease) }
        return try await lease.run(body)
    }
}

extension Lease {
    /// Runs `body`, which is cancelled when the lease is lost or its deadline passes.
    ///
    /// - Throws: What `body` throws; ``LeaseLost`` when the lease was lost before `body` ended.
    func run<Result: Sendable>(_ body: @escaping @Sendable (Lease) async throws -> Result) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body(self) }
            group.addTask {
                await self.waitUntilLost()
                return nil
            }
            defer { group.cancelAll() }
            if let result = try await group.next() ?? nil { return result }
            try Task.checkCancellation()
            let reason = grant.loss ?? .deadlinePassed
            group.cancelAll()
            // Whatever the body makes of its cancellation, its work was not done under the lease.
            _ = try? await group.next()
            throw LeaseLost(path: path, reason: reason)
        }
    }

    /// Returns when the lease is lost or its deadline has passed, or the task is cancelled.
    func waitUntilLost() async {
        await withTaskGroup(of: Void.self) { signs in
            signs.addTask { _ = try? await grant.watch.next() }
            signs.addTask {
                for await _ in grant.client.leaseHealthUpdates() where !isValid() { return }
            }
            await signs.next()
            signs.cancelAll()
        }
    }
}
