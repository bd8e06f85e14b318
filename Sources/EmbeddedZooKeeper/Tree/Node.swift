import ZooKeeperProtocol

/// A node of the tree in memory.
///
/// Confined to the engine's thread. Parent and child refer to each other; taking a node out of the tree breaks the ring.
final class Node {
    let key: PathKey
    let parent: Node?
    /// Unordered: a child knows its place, so that taking it out costs the same for any number of siblings.
    private(set) var children: [Node] = []
    private var indexInParent = 0
    var state: NodeState
    /// The node's place in the tree's list of all nodes.
    var slot = 0
    /// What the tree's digest contains for it, and whether that is to be looked at again.
    var digest: UInt64 = 0
    var isDigestStale = false

    init(key: PathKey, parent: Node?, state: NodeState) {
        self.key = key
        self.parent = parent
        self.state = state
    }

    var path: String { key.string }

    /// The last component of the path.
    var name: Substring { ZooKeeperPath.name(of: key.string) }

    func addChild(_ child: Node) {
        child.indexInParent = children.count
        children.append(child)
    }

    func removeChild(_ child: Node) {
        let index = child.indexInParent
        children.swapAt(index, children.count - 1)
        children[index].indexInParent = index
        children.removeLast()
    }

    /// Lets go of the children, so that a discarded tree does not keep itself alive.
    func dismantle() {
        children = []
    }

    var stat: Stat {
        let state = state
        let count = Int32(clamping: children.count)
        return Stat(
            czxid: state.czxid, mzxid: state.mzxid, ctime: state.ctime, mtime: state.mtime, version: state.version,
            cversion: (state.creations &* 2) &- count, aversion: state.aversion,
            ephemeralOwner: state.owner.session ?? 0, dataLength: Int32(clamping: state.data?.count ?? 0),
            numChildren: count, pzxid: state.pzxid)
    }
}
