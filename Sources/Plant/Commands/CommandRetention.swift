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

        public init(name: String, finishedAt: Milliseconds) {
            self.name = name
            self.finishedAt = finishedAt
        }
    }

    /// Which of the finished ones can go, the oldest first: those older than ``age``, and the oldest of those that exceed
    /// ``count``. Open commands are never among them, whatever their age: pass finished ones only.
    public func trimmable(_ items: some Sequence<Item>, at now: Milliseconds) -> [String] {
        let sorted = items.sorted { left, right in
            left.finishedAt != right.finishedAt ? left.finishedAt < right.finishedAt : left.name < right.name
        }
        let excess = sorted.count - count
        let horizon = now.addingClamped(0 - max(age, 0))
        return sorted.enumerated().prefix { index, item in index < excess || item.finishedAt < horizon }.map(
            \.element.name)
    }
}
