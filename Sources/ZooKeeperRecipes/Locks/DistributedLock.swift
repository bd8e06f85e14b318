public import Logging
public import ZooKeeperClient
import ZooKeeperProtocol

/// A lock that one holder has at a time, in the order in which they asked.
///
/// Not re-entrant. Whoever acquires it gets a ``Lease``: work done under the lock goes through ``Lease/guarded(_:)`` or
/// carries the token to where it can be checked.
///
/// A lock that is taken right after it was given up costs the server one write to its disk, not two: both requests travel
/// together.
public struct DistributedLock: Sendable {
    private let queue: LeaseQueue

    /// Describes a lock.
    ///
    /// - Parameters:
    ///   - path: The parent of the waiting nodes; made if missing.
    ///   - identity: The data of the node, for whoever looks.
    public init(client: ZooKeeperClient, path: String, identity: [UInt8], logger: Logger) {
        queue = LeaseQueue(
            client: client, path: path, identity: identity, kind: "lock-", rule: .exclusive, logger: logger)
    }

    /// Waits for the lock.
    ///
    /// - Throws: ``/ZooKeeperClient/ZooKeeperError`` with `operationTimeout` when it is not free within `timeout`, or with
    ///   what servers refuse for good (access, a quota); `CancellationError`. Either way no node is left behind: it is gone
    ///   when this throws, or, while no server answers within two seconds, as soon as one does.
    public func acquire(timeout: Duration? = nil) async throws -> Lease {
        try await queue.acquire(timeout: timeout)
    }

    /// Gives the lock up. Works in a cancelled task, too.
    ///
    /// The lease is void and the removal of its node is on its way when this returns, without waiting for the server. What
    /// this client asks for later is answered behind it; others learn of it when the server has carried it out. A removal
    /// whose answer is lost is repeated until the node is known to be gone, or the session is over.
    public func release(_ lease: Lease) async {
        queue.release(lease)
    }

    /// Gives the lock up and returns when its node is gone, as everybody can see; or when the servers have been out of
    /// reach for a session timeout, while it goes on trying. Works in a cancelled task, too.
    public func releaseAndWait(_ lease: Lease) async {
        await queue.releaseAndWait(lease)
    }

    /// Runs `body` while holding the lock. When the lease is lost, or its deadline passes, `body` is cancelled.
    ///
    /// `body` is a task of its own, which learns of its cancellation where it suspends or asks. The lock is given up as by
    /// ``release(_:)`` when it ends.
    ///
    /// - Throws: What ``acquire(timeout:)`` and `body` throw; ``LeaseLost``, whatever `body` came to, when the lease
    ///   was lost before `body` ended, or its deadline had passed by then.
    public func withLock<Result: Sendable>(
        timeout: Duration? = nil, _ body: @escaping @Sendable (Lease) async throws -> Result
    ) async throws -> Result {
        try await queue.withLease(timeout: timeout, body)
    }
}
