/// How long finished commands and journal entries are kept in the tree (DESIGN.md, "The tree").
public struct CommandRetention: Sendable, Hashable {
    /// 24 hours.
    public var age: Milliseconds = 24 * 60 * 60 * 1000
    /// 10,000 of each.
    public var count = 10_000

    public init() {}

    /// A node as far as trimming is concerned.
    public struct Item: Sendable, Hashable {
        public var name: String
        /// When it came to its end; for a journal entry, when it was written.
        public var finishedAt: Milliseconds
        /// A request that was refused: it goes before anything that was carried out.
        public var isRefused: Bool

        public init(name: String, finishedAt: Milliseconds, isRefused: Bool = false) {
            self.name = name
            self.finishedAt = finishedAt
            self.isRefused = isRefused
        }
    }

    /// Which of the finished ones can go, the oldest first: those older than ``age``, and of those that exceed ``count`` first
    /// what was refused, then the oldest. Open commands are never among them, whatever their age: pass finished ones only.
    public func trimmable(_ items: some Sequence<Item>, at now: Milliseconds) -> [String] {
        func isBefore(_ left: Item, _ right: Item) -> Bool {
            left.finishedAt != right.finishedAt ? left.finishedAt < right.finishedAt : left.name < right.name
        }
        let horizon = now.addingClamped(0 - max(age, 0))
        var old: [Item] = []
        var kept: [Item] = []
        for item in items { if item.finishedAt < horizon { old.append(item) } else { kept.append(item) } }
        let excess = kept.count - count
        if excess > 0 {
            kept.sort { left, right in
                left.isRefused != right.isRefused ? left.isRefused : isBefore(left, right)
            }
            old += kept.prefix(excess)
        }
        return old.sorted(by: isBefore).map(\.name)
    }
}
