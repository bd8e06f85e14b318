/// What happens in an episode, one thing after the other. A step that does not apply (a request on a connection that is
/// gone) is skipped on both sides, so that any selection of steps is a script, too.
enum Step: Hashable, Sendable {
    /// Requests on one connection, sent in one go.
    case requests(slot: Int, [Call])
    /// A new session for a slot that has no connection.
    case connect(slot: Int, timeout: Int32)
    /// Closes the connection and leaves the session.
    case drop(slot: Int)
    /// Ends the session, and with it the connection.
    case close(slot: Int)
    /// A connection for the session that the slot had last, alive or not. When the slot still has a connection, that one
    /// is taken over.
    case reattach(slot: Int, timeout: Int32, Credentials)

    enum Credentials: Hashable, Sendable {
        case good
        case wrongPassword
        /// The client has seen a transaction that the server has not.
        case aheadOfServer
    }

    var calls: Int {
        if case .requests(_, let calls) = self { calls.count } else { 1 }
    }
}

extension Step: CustomStringConvertible {
    var description: String {
        switch self {
        case .requests(let slot, let calls):
            calls.map { "[\(slot)] \($0)" }.joined(separator: "\n    ") + (calls.count > 1 ? "   (one burst)" : "")
        case .connect(let slot, let timeout): "[\(slot)] connect timeout=\(timeout)"
        case .drop(let slot): "[\(slot)] drop the connection"
        case .close(let slot): "[\(slot)] close the session"
        case .reattach(let slot, let timeout, let credentials): "[\(slot)] reattach timeout=\(timeout) \(credentials)"
        }
    }
}
