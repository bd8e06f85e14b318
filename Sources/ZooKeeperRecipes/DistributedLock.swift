public import Logging
public import ZooKeeperClient
import ZooKeeperProtocol

/// A lock that one holder has at a time, in the order in which they asked.
///
/// Not re-entrant. Whoever acquires it gets a ``Lease``: work done under the lock goes through ``Lease/guarded(_:)`` or
/// carries the token to where it can be checked.
public struct DistributedLock: Sendable {
    private let client: ZooKeeperClient
    private let path: String
    private let identity: [UInt8]
    private let logger: Logger

    /// Describes a lock.
    ///
    /// - Parameters:
    ///   - path: The parent of the waiting nodes; made if missing.
    ///   - identity: The data of the node, for whoever looks.
    public init(client: ZooKeeperClient, path: String, identity: [UInt8], logger: Logger) {
        self.client = client
        self.path = path
        self.identity = identity
        self.logger = logger
    }

    /// Waits for the lock.
    ///
    /// - Throws: ``ZooKeeperClient/ZooKeeperError`` with `operationTimeout` when it is not free within `timeout`;
    ///   `CancellationError`. Either way no node is left behind.
    public func acquire(timeout: Duration? = nil) async throws -> Lease {
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
                throw error
            }
            group.cancelAll()
            if let first { return first }
            // The lock may have come at the last moment.
            if let late = try? await group.next(), let lease = late { return lease }
            throw ZooKeeperError(
                code: .operationTimeout, path: path, message: "the lock is held by somebody else for \(timeout) already"
            )
        }
    }

    private func queue() async throws -> Lease {
        while true {
            let candidacy = Candidacy(client: client, parent: path, identity: identity, kind: "lock-")
            var node: Candidacy.Node?
            do {
                let entered = try await candidacy.enter()
                node = entered
                let lease = try await candidacy.waitForTurn(entered)
                try Task.checkCancellation()
                return lease
            } catch let displaced as Candidacy.Displaced {
                logger.debug("queueing again", metadata: ["path": "\(path)", "reason": "\(displaced.reason)"])
                try Task.checkCancellation()
            } catch {
                await candidacy.leave(node)
                throw error
            }
        }
    }

    /// Gives the lock up and returns when its node is gone. Works in a cancelled task, too.
    public func release(_ lease: Lease) async {
        lease.grant.lose(.resigned)
        let node = Candidacy.Node(
            path: lease.path, name: String(ZooKeeperPath.name(of: lease.path)), token: lease.token,
            sessionID: lease.sessionID)
        await Candidacy(client: client, parent: path, identity: identity, kind: "lock-").leave(node)
    }

    /// Runs `body` while holding the lock. When the lease is lost, or its deadline passes, `body` is cancelled.
    ///
    /// - Throws: What ``acquire(timeout:)`` and `body` throw; ``LeaseLost`` when the lease was lost before `body`
    ///   ended.
    public func withLock<Result: Sendable>(
        timeout: Duration? = nil, _ body: @escaping @Sendable (Lease) async throws -> Result
    ) async throws -> Result {
        let lease = try await acquire(timeout: timeout)
        do {
            let result = try await Self.run(body, while: lease)
            await release(lease)
            return result
        } catch {
            await release(lease)
            throw error
        }
    }

    private static func run<Result: Sendable>(
        _ body: @escaping @Sendable (Lease) async throws -> Result, while lease: Lease
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body(lease) }
            group.addTask {
                await withTaskGroup(of: Void.self) { signs in
                    signs.addTask { _ = try? await lease.grant.watch.next() }
                    signs.addTask {
                        for await _ in lease.grant.client.leaseHealthUpdates() where !lease.isValid() { return }
                    }
                    await signs.next()
                    signs.cancelAll()
                }
                return nil
            }
            defer { group.cancelAll() }
            if let result = try await group.next() ?? nil { return result }
            try Task.checkCancellation()
            let reason = lease.grant.loss ?? .deadlinePassed
            group.cancelAll()
            // Whatever the body makes of its cancellation, its work was not done under the lock.
            _ = try? await group.next()
            throw LeaseLost(path: lease.path, reason: reason)
        }
    }
}
