public import Logging
public import ZooKeeperClient
import ZooKeeperProtocol

/// A lock that one holder has at a time, in the order in which they asked.
///
/// Not re-entrant. Whoever acquires it gets a ``Lease``: work done under the lock goes through ``Lease/guarded(_:)`` or
/// carries the token to where it can be checked.
///
/// Keep one value and use it again: a lock that is taken right after it was given up costs one change of the tree, not
/// two.
public struct DistributedLock: Sendable {
    private let queue: LeaseQueue

    /// Describes a lock.
    ///
    /// - Parameters:
    ///   - path: The parent of the waiting nodes; made if missing.
    ///   - identity: The data of the node, for whoever looks.
    public init(client: ZooKeeperClient, path: String, identity: [UInt8], logger: Logger) {
        queue = LeaseQueue(
            client: client, path: path, identity: identity, kind: "lock-", rule: .exclusive, logger: logger,
            releases: PendingRelease())
    }

    /// Waits for the lock.
    ///
    /// - Throws: ``ZooKeeperClient/ZooKeeperError`` with `operationTimeout` when it is not free within `timeout`;
    ///   `CancellationError`. Either way no node is left behind.
    public func acquire(timeout: Duration? = nil) async throws -> Lease {
        try await queue.acquire(timeout: timeout)
    }

    /// Gives the lock up and returns when its node is gone. Works in a cancelled task, too.
    public func release(_ lease: Lease) async {
        await queue.release(lease)
    }

    /// Runs `body` while holding the lock. When the lease is lost, or its deadline passes, `body` is cancelled.
    ///
    /// The release is on its way when this returns, and is repeated until it is known: later requests of this client
    /// are answered behind it, except that a lock which is taken again and again within microseconds may wait 0.2 ms
    /// for the next one who asks.
    ///
    /// - Throws: What ``acquire(timeout:)`` and `body` throw; ``LeaseLost`` when the lease was lost before `body`
    ///   ended.
    public func withLock<Result: Sendable>(
        timeout: Duration? = nil, _ body: @escaping @Sendable (Lease) async throws -> Result
    ) async throws -> Result {
        try await queue.withLease(timeout: timeout, body)
    }
}
