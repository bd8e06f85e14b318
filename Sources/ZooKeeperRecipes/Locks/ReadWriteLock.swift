public import Logging
public import ZooKeeperClient
import ZooKeeperProtocol

/// A lock that many readers or one writer hold at a time.
///
/// Fair: who asks later waits for those of the other kind who asked before, so neither readers nor writers starve. A
/// reader waits for the next writer before it, a writer for whoever is before it. Not re-entrant.
///
/// A writer may become a reader without letting another writer in between (``downgrade(_:)``). A reader cannot become a
/// writer: two that tried would wait for each other for ever. Asking for it inside ``withReadLock(timeout:_:)`` throws
/// ``UpgradeRefused``.
///
/// The nodes are named as Curator's (`__READ__`, `__WRIT__`), with which the lock can be shared; Curator's readers wait
/// for a writer that has become a reader.
public struct ReadWriteLock: Sendable {
    /// Somebody who holds the lock as a reader asked for it as a writer.
    public struct UpgradeRefused: Error, Hashable, CustomStringConvertible {
        /// The lock.
        public let path: String

        public var description: String { "a reader of \(path) cannot become its writer: give the lock up first" }
    }

    static let readMark = "__READ__"
    static let writeMark = "__WRIT__"
    /// Stands in the node of a writer that has become a reader.
    private static let downgradedMark = Array("downgraded to reading\n".utf8)
    @TaskLocal private static var readHere: Set<String> = []

    private let reading: LeaseQueue
    private let writing: LeaseQueue

    /// Describes a lock.
    ///
    /// - Parameters:
    ///   - path: The parent of the waiting nodes; made if missing.
    ///   - identity: The data of the node, for whoever looks.
    public init(client: ZooKeeperClient, path: String, identity: [UInt8], logger: Logger) {
        reading = LeaseQueue(
            client: client, path: path, identity: identity, kind: Self.readMark, rule: .behind(mark: Self.writeMark),
            logger: logger)
        writing = LeaseQueue(
            client: client, path: path, identity: identity, kind: Self.writeMark, rule: .exclusive, logger: logger,
            // The downgrade writes into the node: what was meant as a writer's then fails.
            guardVersion: 0)
    }

    /// Waits until no writer is before this one, and holds writers off.
    ///
    /// - Throws: As ``DistributedLock/acquire(timeout:)``.
    public func acquireRead(timeout: Duration? = nil) async throws -> Lease {
        try await reading.acquire(timeout: timeout)
    }

    /// Waits until nobody is before this one, and holds everybody off.
    ///
    /// - Throws: As ``DistributedLock/acquire(timeout:)``; ``UpgradeRefused``.
    public func acquireWrite(timeout: Duration? = nil) async throws -> Lease {
        guard !Self.readHere.contains(writing.path) else { throw UpgradeRefused(path: writing.path) }
        return try await writing.acquire(timeout: timeout)
    }

    /// Gives a lease of either kind up; see ``DistributedLock/release(_:)``.
    public func release(_ lease: Lease) async {
        reading.release(lease)
    }

    /// Gives a lease of either kind up and returns when its node is gone; see ``DistributedLock/releaseAndWait(_:)``.
    public func releaseAndWait(_ lease: Lease) async {
        await reading.releaseAndWait(lease)
    }

    /// Makes a reader of a writer: readers come in, writers go on waiting. The writer's lease is lost, its place and its
    /// token stay.
    ///
    /// - Returns: The reader's lease.
    /// - Throws: ``LeaseLost`` when the writer's is lost already, or `lease` is a reader's, which is left as it is;
    ///   `CancellationError` and ``/ZooKeeperClient/ZooKeeperError`` with what servers refuse for good, or when the
    ///   client has closed: then the place is given up, as by ``releaseAndWait(_:)``.
    public func downgrade(_ lease: Lease) async throws -> Lease {
        guard ProtectedName.hasMark(Self.writeMark, String(ZooKeeperPath.name(of: lease.path))) else {
            throw LeaseLost(path: lease.path, reason: .resigned)
        }
        let client = writing.client
        guard lease.isValid() else { throw LeaseLost(path: lease.path, reason: lease.grant.loss ?? .deadlinePassed) }
        // Before the change, so that nothing is written as a writer behind it.
        lease.grant.lose(.resigned)
        let candidacy = Candidacy(
            client: client, parent: writing.path, identity: writing.identity, kind: Self.readMark)
        let node = Candidacy.Node(
            path: lease.path, name: String(ZooKeeperPath.name(of: lease.path)), token: lease.token,
            sessionID: lease.sessionID)
        var attempt = Attempt()
        do {
            while true {
                do {
                    try await client.setData(lease.path, data: Self.downgradedMark + writing.identity)
                    return candidacy.grant(node, try await candidacy.verify(node))
                } catch let error as ZooKeeperError {
                    if error.code == .noNode { throw LeaseLost(path: lease.path, reason: .nodeDeleted) }
                    if error.code == .sessionExpired { throw LeaseLost(path: lease.path, reason: .sessionExpired) }
                    try await attempt.failed(error)
                }
            }
        } catch let displaced as Candidacy.Displaced {
            throw LeaseLost(path: lease.path, reason: displaced.reason)
        } catch {
            await candidacy.leave(node)
            throw error
        }
    }

    /// Runs `body` as a reader; see ``DistributedLock/withLock(timeout:_:)``.
    public func withReadLock<Result: Sendable>(
        timeout: Duration? = nil, _ body: @escaping @Sendable (Lease) async throws -> Result
    ) async throws -> Result {
        try await reading.withLease(timeout: timeout) { lease in
            try await Self.$readHere.withValue(Self.readHere.union([reading.path])) { try await body(lease) }
        }
    }

    /// Runs `body` as the writer; see ``DistributedLock/withLock(timeout:_:)``.
    public func withWriteLock<Result: Sendable>(
        timeout: Duration? = nil, _ body: @escaping @Sendable (Lease) async throws -> Result
    ) async throws -> Result {
        guard !Self.readHere.contains(writing.path) else { throw UpgradeRefused(path: writing.path) }
        return try await writing.withLease(timeout: timeout, body)
    }

    static func isDowngraded(_ node: NodeData) -> Bool {
        node.data?.starts(with: downgradedMark) ?? false
    }
}
