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
    /// Requests that let nodes go before long, and a connection that is dropped so that its session expires; then waits
    /// until both servers have removed the nodes.
    case removals(slot: Int, [Call], expiring: Int?, until: [String])

    enum Credentials: Hashable, Sendable {
        case good
        case wrongPassword
        /// The client has seen a transaction that the server has not.
        case aheadOfServer
    }

    var calls: Int {
        switch self {
        case .requests(_, let calls), .removals(_, let calls, _, _): calls.count
        case .connect, .drop, .close, .reattach: 1
        }
    }
}

extension Step: CustomStringConvertible {
    var description: String {
        switch self {
        case .requests(let slot, let calls):
            calls.map { "[\(slot)] \($0)" }.joined(separator: "\n    ") + (calls.count > 1 ? "   (one burst)" : "")
        case .removals(let slot, let calls, let expiring, let paths):
            "\(Step.requests(slot: slot, calls))\n    \(expiring.map { "[\($0)] expires; " } ?? "")until \(paths) are gone"
        case .connect(let slot, let timeout): "[\(slot)] connect timeout=\(timeout)"
        case .drop(let slot): "[\(slot)] drop the connection"
        case .close(let slot): "[\(slot)] close the session"
        case .reattach(let slot, let timeout, let credentials): "[\(slot)] reattach timeout=\(timeout) \(credentials)"
        }
    }
}
