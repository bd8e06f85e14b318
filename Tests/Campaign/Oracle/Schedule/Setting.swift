/// Where a round's tree is kept.
package enum TreeChoice: String, CaseIterable, Sendable, Hashable {
    /// In the lone gateway.
    case embedded
    /// `linekeeper tree serve`.
    case served
    case apache
}

/// What a kind of fault needs to be played.
package struct Setting: Sendable {
    static let outside: Set<TreeChoice> = [.served, .apache]

    package var gateways = 1...3
    package var trees = Set(TreeChoice.allCases)
    /// Gateways reach the broker through a proxy that can fail.
    package var brokerLinks = false
    /// The same for the tree.
    package var treeLinks = false
    /// The fault does something to the tree's server: it is not shared with other rounds.
    package var ownTree = false
    /// Whether the broker has a disk.
    package var keepsBroker = true
    /// Whether the broker judges who may publish what.
    package var refusable = false
    /// Whether nothing is published after the fault; the fault itself silences the sensors when it is time.
    package var isLast = false
    /// Whether commands are asked for meanwhile: not where they would mend what the fault broke.
    package var hasCommands = true
    /// Whether gateways' clocks can be set.
    package var setsClocks = false
    /// Needs the program of `--upgrade-from`.
    package var needsOther = false
    /// Needs the right to make namespaces.
    package var needsRoot = false
    /// Whether the fault stops the broker's process; two at once would start it twice.
    package var stopsBroker = false
    /// Whether another fault may come on top.
    package var canJoin = false
}
