public import ZooKeeperClient

/// Thrown when a change was sent, its answer was lost, and the tree no longer tells whether it was made.
///
/// Do not simply make the change again: it may then be made twice.
public struct OutcomeUnknown: Error, CustomStringConvertible {
    /// The node concerned, or the one under which it would be.
    public let path: String
    /// The error that stood for the answer.
    public let cause: ZooKeeperError

    init(path: String, cause: ZooKeeperError) {
        self.path = path
        self.cause = cause
    }

    public var description: String { "nobody can tell whether the change of \(path) was made: \(cause)" }

    /// For how long a lost answer is looked for: when the servers are away for longer, the session is over.
    static func patience(_ client: ZooKeeperClient) -> Duration {
        (client.session?.negotiatedTimeout ?? .seconds(5)) * 2
    }
}
