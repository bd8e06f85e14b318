/// How long finished commands and journal entries are kept in the tree (docs/tree-and-topics.md).
///
/// Ages are judged by ``RetentionPace``, not by the wall clock alone.
public struct HistoryRetention: Sendable, Hashable {
    /// How long a command's id is known after its end, at least: twice as long as a deadline may lie ahead, so that a request
    /// that comes again either is known or comes too late.
    public static let idAge: Milliseconds = 2 * CommandDefinition.timeoutLimit
    /// The newest entries of the journal, which no age trims.
    public static let journalFloor = 1_000

    /// 24 hours. Commands that were carried out are kept for ``idAge`` at least.
    public var age: Milliseconds = 24 * 60 * 60 * 1000
    /// 10,000 of each.
    public var count = 10_000
    /// Commands that were carried out within ``idAge`` may exceed ``count``; beyond this the oldest go.
    public var maximum = 25_000

    public init() {}

    /// A finished command as far as trimming is concerned.
    public struct Item: Sendable, Hashable {
        public var name: String
        /// When it came to its end.
        public var finishedAt: Milliseconds
        /// It was not carried out: it goes before anything that was, and never makes that go.
        public var isRefused: Bool

        public init(name: String, finishedAt: Milliseconds, isRefused: Bool = false) {
            self.name = name
            self.finishedAt = finishedAt
            self.isRefused = isRefused
        }
    }

    /// How long a command is kept when there are not too many.
    public var commandAge: Milliseconds { max(age, Self.idAge) }

    /// Which of the finished commands can go, the oldest first: those that ended before a moment; of those that exceed
    /// ``count`` what was refused; and of what was carried out the oldest beyond ``maximum``. Open commands are never among
    /// them, whatever their age: pass finished ones only.
    public func trimmable(_ items: some Sequence<Item>, before horizon: Milliseconds) -> [String] {
        func isBefore(_ left: Item, _ right: Item) -> Bool {
            left.finishedAt != right.finishedAt ? left.finishedAt < right.finishedAt : left.name < right.name
        }
        var gone: [Item] = []
        var refused: [Item] = []
        var executed: [Item] = []
        for item in items {
            if item.finishedAt < horizon {
                gone.append(item)
            } else if item.isRefused {
                refused.append(item)
            } else {
                executed.append(item)
            }
        }
        let excess = refused.count + executed.count - count
        if excess > 0 { gone += refused.sorted(by: isBefore).prefix(excess) }
        let beyond = executed.count - max(maximum, count)
        if beyond > 0 { gone += executed.sorted(by: isBefore).prefix(beyond) }
        return gone.sorted(by: isBefore).map(\.name)
    }
}
