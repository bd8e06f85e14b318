import ZooKeeperClient

/// Everything of one kind that a filter matches: which nodes of the tree it stands in, and what a node's data is.
package struct Selection<Item: Listed>: Sendable {
    /// `/tags`, `/devices`, …
    let root: String
    /// Whether a node can be an item, from its path alone, so that others need not be read.
    let isCandidate: @Sendable (_ path: String) -> Bool
    /// nil for a node that is no item, or one that the filter leaves out.
    let item: @Sendable (_ path: String, _ node: NodeData) -> Item?
    /// Whether an item is asked for as it is now; it may come to be and cease to be.
    var isWanted: @Sendable (Item) -> Bool = { _ in true }

    /// What happened to an item.
    package enum Change: Sendable {
        case changed(Item)
        /// The item as it is now: it is not asked for any more.
        case left(Item)
        /// The item as it was last seen.
        case removed(Item)
    }
}
