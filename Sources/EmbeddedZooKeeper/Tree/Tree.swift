import NIOCore
import ZooKeeperProtocol

/// The nodes in memory and the log of what changes them.
///
/// A change happens inside a transaction: ``begin(zxid:time:)``, any number of changes, then ``commit()`` or
/// ``rollBack()``. A change takes effect in memory at once and is written to ``log`` in the form in which it is replayed;
/// rolling back undoes both. Whether a change is *allowed* is decided by the caller, before.
final class Tree {
    /// What a transaction did, in order; what watches are told.
    enum Event {
        case created(Node)
        case deleted(Node)
        case dataChanged(Node)
    }

    private enum Undo {
        case create(Node, parentCreations: Int32, parentPzxid: Int64)
        case delete(Node, parentPzxid: Int64)
        case setData(Node, NodeState)
    }

    private(set) var nodes: [PathKey: Node] = [:]
    let root: Node
    private(set) var ephemerals: [Int64: Set<PathKey>] = [:]
    /// The containers and the nodes with a time to live that a sweep has to look at.
    var sweepSchedule = SweepSchedule()
    private(set) var quotas = QuotaTable()
    /// Bytes of data and paths held; what `mntr` reports.
    private(set) var approximateDataSize = 0
    /// The records of the open batch.
    var log = LogWriter()

    private var zxid: Int64 = 0
    private var time: Int64 = 0
    private var undo: [Undo] = []
    private var events: [Event] = []
    private var digestSum: UInt64 = 0
    private var staleDigests: [Node] = []

    static let plainState = NodeState(
        data: [], acl: ACL.worldAll, czxid: 0, mzxid: 0, pzxid: 0, ctime: 0, mtime: 0, owner: .none)

    /// What a tree has before anything was created. As in ZooKeeper, these nodes do not count as created: a parent's first
    /// sequential child has the number 0.
    static let initialNodes: [PathKey: NodeState] = {
        var config = plainState
        config.acl = ACL.worldRead
        config.aversion = -1
        return [
            .root: plainState, PathKey("/zookeeper"): plainState, PathKey("/zookeeper/quota"): plainState,
            PathKey("/zookeeper/config"): config,
        ]
    }()

    /// Builds the tree from what was recovered.
    ///
    /// - Throws: ``RecoveryError`` when a node has no parent.
    init(recovered: [PathKey: NodeState]) throws {
        var states = recovered
        root = Node(key: .root, parent: nil, state: states.removeValue(forKey: .root) ?? Self.plainState)
        nodes[.root] = root
        slots.append(root)
        states.merge(Self.initialNodes) { found, _ in found }
        states[.root] = nil
        // A parent's path is shorter than its child's, so parents come first.
        for (key, state) in states.sorted(by: { $0.key.string.utf8.count < $1.key.string.utf8.count }) {
            guard let parent = ZooKeeperPath.parent(of: key.string).flatMap({ nodes[PathKey($0)] }) else {
                throw RecoveryError("the node \(key.string) has no parent: what is stored does not fit together")
            }
            link(Node(key: key, parent: parent, state: state))
        }
        quotas.recovered(nodes)
        writeQuotaStatistics()
        for node in nodes.values {
            node.digest = NodeDigest.of(node.key, node.state)
            digestSum &+= node.digest
        }
    }

    deinit {
        for node in nodes.values { node.dismantle() }
    }

    subscript(path: String) -> Node? { nodes[PathKey(path)] }

    // MARK: Transactions

    func begin(zxid: Int64, time: Int64) {
        self.zxid = zxid
        self.time = time
        log.begin(zxid: zxid, time: time)
    }

    /// Ends the transaction.
    ///
    /// - Returns: What it did; empty when it changed no node.
    func commit() -> [Event] {
        log.commit()
        writeQuotaStatistics()
        undo.removeAll(keepingCapacity: true)
        let done = events
        events.removeAll(keepingCapacity: true)
        return done
    }

    /// Undoes everything since ``begin(zxid:time:)``, the parents' sequence counters included.
    func rollBack() {
        log.rollBack()
        events.removeAll(keepingCapacity: true)
        while let step = undo.popLast() {
            switch step {
            case .create(let node, let creations, let pzxid):
                unlink(node)
                node.parent?.state.creations = creations
                node.parent?.state.pzxid = pzxid
            case .delete(let node, let pzxid):
                link(node)
                node.parent?.state.pzxid = pzxid
            case .setData(let node, let state):
                let difference = (state.data?.count ?? 0) - (node.state.data?.count ?? 0)
                approximateDataSize += difference
                node.state = state
                quotas.dataChanged(node, difference: difference)
            }
        }
        writeQuotaStatistics()
    }

    /// Brings the nodes that tell what quotas hold up to date: in memory only, see ``QuotaTable``.
    private func writeQuotaStatistics() {
        guard !quotas.isEmpty else { return }
        for (node, data) in quotas.takeStale() {
            approximateDataSize += data.count - (node.state.data?.count ?? 0)
            node.state.data = data
        }
    }

    // MARK: Changes

    func create(_ key: PathKey, parent: Node, data: [UInt8]?, acl: [ACL], owner: NodeOwner) -> Node {
        let node = Node(
            key: key, parent: parent,
            state: NodeState(
                data: data, acl: acl, czxid: zxid, mzxid: zxid, pzxid: zxid, ctime: time, mtime: time, owner: owner))
        undo.append(.create(node, parentCreations: parent.state.creations, parentPzxid: parent.state.pzxid))
        parent.state.creations &+= 1
        parent.state.pzxid = zxid
        link(node)
        markDigestStale(node)
        markDigestStale(parent)
        log.create(node, parentCreations: parent.state.creations)
        events.append(.created(node))
        return node
    }

    func delete(_ node: Node) {
        guard let parent = node.parent else { return }
        undo.append(.delete(node, parentPzxid: parent.state.pzxid))
        parent.state.pzxid = zxid
        unlink(node)
        markDigestStale(node)
        markDigestStale(parent)
        log.delete(node.path)
        events.append(.deleted(node))
    }

    func setData(_ node: Node, _ data: [UInt8]?) {
        undo.append(.setData(node, node.state))
        let difference = (data?.count ?? 0) - (node.state.data?.count ?? 0)
        approximateDataSize += difference
        node.state.data = data
        node.state.mzxid = zxid
        node.state.mtime = time
        node.state.version = Self.next(node.state.version)
        markDigestStale(node)
        log.setData(node)
        quotas.dataChanged(node, difference: difference)
        events.append(.dataChanged(node))
    }

    func setACL(_ node: Node, _ acl: [ACL]) {
        node.state.acl = acl
        node.state.aversion = Self.next(node.state.aversion)
        markDigestStale(node)
        log.setACL(node)
    }

    /// The next version; −1 is skipped, because in requests it means “any” (ZOOKEEPER-4743).
    private static func next(_ version: Int32) -> Int32 {
        let next = version &+ 1
        return next == -1 ? 0 : next
    }

    // MARK: The digest

    /// The sum of what all nodes add to it; see ``NodeDigest``. Brought up to date when it is asked for: a node that a batch
    /// changes a hundred times is hashed once.
    func digest() -> UInt64 {
        for node in staleDigests {
            node.isDigestStale = false
            digestSum &-= node.digest
            node.digest = slots[node.slot] === node ? NodeDigest.of(node.key, node.state) : 0
            digestSum &+= node.digest
        }
        staleDigests.removeAll(keepingCapacity: true)
        return digestSum
    }

    /// Before or after the change; what a roll back undoes may be marked all the same.
    private func markDigestStale(_ node: Node) {
        guard !node.isDigestStale else { return }
        node.isDigestStale = true
        staleDigests.append(node)
    }

    // MARK: All nodes, by number

    /// Nodes keep their place while they are in the tree, so that a checkpoint can look at them some at a time.
    private var slots: [Node?] = []
    private var freeSlots: [Int] = []

    var slotCount: Int { slots.count }

    func node(inSlot slot: Int) -> Node? { slots[slot] }

    private func link(_ node: Node) {
        nodes[node.key] = node
        // The place that became free last: rolling back, which undoes in reverse, gives each node its old place again.
        if let slot = freeSlots.popLast() {
            node.slot = slot
            slots[slot] = node
        } else {
            node.slot = slots.count
            slots.append(node)
        }
        node.parent?.addChild(node)
        approximateDataSize += node.path.utf8.count + (node.state.data?.count ?? 0)
        let owner = node.state.owner
        if let session = owner.session {
            ephemerals[session, default: []].insert(node.key)
        } else if owner.isSwept {
            sweepSchedule.add(node.key)
        }
        quotas.linked(node, in: nodes)
    }

    private func unlink(_ node: Node) {
        nodes[node.key] = nil
        slots[node.slot] = nil
        freeSlots.append(node.slot)
        node.parent?.removeChild(node)
        approximateDataSize -= node.path.utf8.count + (node.state.data?.count ?? 0)
        let owner = node.state.owner
        if let session = owner.session {
            ephemerals[session]?.remove(node.key)
            if ephemerals[session]?.isEmpty == true { ephemerals[session] = nil }
        }
        if let parent = node.parent, parent.state.owner.isSwept, parent.children.isEmpty {
            sweepSchedule.add(parent.key)
        }
        quotas.unlinked(node)
    }
}
