public import Logging
public import ZooKeeperClient
import ZooKeeperProtocol

/// So many leases at a time, in the order in which they were asked for.
///
/// The number stands in the tree, as the text of the node at `path`: who comes first writes it, and who comes with
/// another one is refused with ``LimitMismatch`` instead of being let in beyond what the others allow. ``setLimit(_:)``
/// changes it for whoever asks from then on; leases given out before are not taken back, and whoever waits already keeps
/// the number with which it came.
public struct DistributedSemaphore: Sendable {
    /// The members do not agree how many leases there are.
    public struct LimitMismatch: Error, Hashable, CustomStringConvertible {
        public let path: String
        /// What stands in the tree; nil when that is no number.
        public let inTree: Int?
        /// What this member was given.
        public let given: Int?

        public var description: String {
            "the semaphore \(path) has \(inTree.map(String.init) ?? "no number of") leases in the tree"
                + (given.map { " and \($0) here" } ?? "")
        }
    }

    private let client: ZooKeeperClient
    private let path: String
    private let limit: Int?
    private let identity: [UInt8]
    private let logger: Logger
    private let arming = LateArming()

    /// Describes a semaphore.
    ///
    /// - Parameters:
    ///   - path: The node of the semaphore; made if missing.
    ///   - limit: How many leases there are, at least 1; nil for what stands in the tree.
    ///   - identity: The data of the lease's node, for whoever looks.
    public init(client: ZooKeeperClient, path: String, limit: Int?, identity: [UInt8], logger: Logger) {
        self.client = client
        self.path = path
        self.limit = limit.map { max(1, $0) }
        self.identity = identity
        self.logger = logger
    }

    private func queue() async throws -> LeaseQueue {
        LeaseQueue(
            client: client, path: path, identity: identity, kind: "lease-",
            rule: .slots(try await agreedLimit()), logger: logger, arming: arming)
    }

    /// Waits for a lease.
    ///
    /// - Throws: As ``DistributedLock/acquire(timeout:)``; ``LimitMismatch``.
    public func acquire(timeout: Duration? = nil) async throws -> Lease {
        // The agreement on the limit takes part of the time.
        try await LeaseQueue.inTime(timeout, path) { try await queue().turn() }
    }

    /// Gives a lease back; see ``DistributedLock/release(_:)``.
    public func release(_ lease: Lease) async {
        giveUp(lease)
    }

    private func giveUp(_ lease: Lease) {
        lease.grant.lose(.resigned)
        Cleanup.deleteSoon(lease.path, client: client, sessionID: lease.sessionID)
    }

    /// Gives a lease back and returns when its node is gone; see ``DistributedLock/releaseAndWait(_:)``.
    public func releaseAndWait(_ lease: Lease) async {
        lease.grant.lose(.resigned)
        await Cleanup.delete(lease.path, client: client, sessionID: lease.sessionID).wait()
    }

    /// Runs `body` with a lease; see ``DistributedLock/withLock(timeout:_:)``.
    public func withLease<Result: Sendable>(
        timeout: Duration? = nil, _ body: @escaping @Sendable (Lease) async throws -> Result
    ) async throws -> Result {
        let lease = try await acquire(timeout: timeout)
        defer { giveUp(lease) }
        return try await lease.run(body)
    }

    /// Changes the number for everybody who asks from now on.
    ///
    /// - Throws: ``/ZooKeeperClient/ZooKeeperError``; nobody can tell whether it was changed when
    ///   ``/ZooKeeperClient/ZooKeeperError/isOutcomeUnknown`` says so, and after a `CancellationError`.
    public func setLimit(_ limit: Int) async throws {
        try await client.ensurePath(path)
        try await client.setData(path, data: Array("\(max(1, limit))".utf8))
    }

    /// What stands in the tree, written there if nothing does.
    private func agreedLimit() async throws -> Int {
        var attempt = Attempt()
        while true {
            try Task.checkCancellation()
            do {
                let node = try await client.getData(path)
                let text = String(decoding: node.data ?? [], as: UTF8.self)
                if text.isEmpty, let limit {
                    try await client.setData(path, data: Array("\(limit)".utf8), version: node.stat.version)
                    continue
                }
                let inTree = Int(text).flatMap { $0 > 0 ? $0 : nil }
                guard let inTree, limit == nil || limit == inTree else {
                    throw LimitMismatch(path: path, inTree: inTree, given: limit)
                }
                return inTree
            } catch let error as ZooKeeperError {
                switch error.code {
                case .noNode: try await attempt.prepare { try await client.ensurePath(path) }
                case .badVersion: continue
                default: try await attempt.failed(error)
                }
            }
        }
    }
}
