import ZooKeeperProtocol

/// Who has to wait for whom in a queue of sequential nodes. Pure: a list of names in, a place out.
enum QueueRule: Hashable, Sendable {
    /// One at a time: everybody waits for the next lower node.
    case exclusive
    /// Any number among themselves: waits for the next lower node whose name has this mark.
    case behind(mark: String)
    /// So many at a time.
    ///
    /// A waiter watches the `n` nodes next below it. As long as it is not admitted, there are at least `n` below it; and
    /// when there are fewer, one of any `n` of those must have gone. So it cannot miss its turn, and the next lower ones
    /// are the last to go, so that it is seldom woken for nothing.
    case slots(Int)

    /// Where a node stands among its siblings.
    enum Place: Hashable {
        /// It may go on.
        case first
        /// It has to wait until one of these goes, the nearest first.
        ///
        /// Without a `next` nobody else is in the way, so when one of them goes it may go on without another look: nodes
        /// that come later stand behind it, whatever happens. With one it has to look again, and does well to do so when
        /// the next goes, before it is its turn.
        case behind([String], next: String?)
        case missing
    }

    /// Finds the place of `name`. Siblings without a number do not count.
    ///
    /// Compared by difference, so that the order holds where the server's counter wraps.
    func place(of name: String, among children: [String]) -> Place {
        guard let own = QueueOrder.sequence(of: name) else { return .missing }
        var isThere = false
        var lower: [(name: String, distance: Int32)] = []
        for child in children {
            if child == name {
                isThere = true
                continue
            }
            if case .behind(let mark) = self, !ProtectedName.hasMark(mark, child) { continue }
            guard let sequence = QueueOrder.sequence(of: child) else { continue }
            let distance = own &- sequence
            if distance > 0 { lower.append((child, distance)) }
        }
        guard isThere else { return .missing }
        let slots = if case .slots(let count) = self { max(1, count) } else { 1 }
        guard lower.count >= slots else { return .first }
        lower.sort { $0.distance < $1.distance }
        return .behind(lower.prefix(slots).map(\.name), next: lower.dropFirst(slots).first?.name)
    }
}
