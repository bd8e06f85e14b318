/// Why somebody holds a lease no longer.
public enum LeaseLossReason: String, Hashable, Sendable {
    /// The session ended, and the ownership node with it.
    case sessionExpired
    /// Somebody else deleted the ownership node.
    case nodeDeleted
    /// The session can no longer be relied on: no proof of it came in time. It may become valid again.
    case deadlinePassed
    /// It was given up on purpose.
    case resigned
}

/// Thrown when something was to be done as an owner who is none any more.
///
/// When ``Lease/guarded(_:)`` or ``QueueItem/finish(_:)`` throws it, nothing was changed. When something that runs work
/// under a lease does (such as ``DistributedLock/withLock(timeout:_:)``), the work may have begun, or even ended: what
/// it wrote through ``Lease/guarded(_:)`` while it was the owner is there.
public struct LeaseLost: Error, Hashable, CustomStringConvertible {
    /// The ownership node.
    public let path: String
    /// Why the lease is lost.
    public let reason: LeaseLossReason

    /// Makes an error.
    public init(path: String, reason: LeaseLossReason) {
        self.path = path
        self.reason = reason
    }

    public var description: String { "the lease of \(path) is lost: \(reason)" }
}
