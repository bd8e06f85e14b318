import ZooKeeperProtocol

/// Everything about a node that outlives the process, beside its path.
struct NodeState: Sendable, Hashable {
    var data: [UInt8]?
    var acl: [ACL]
    var czxid: Int64
    var mzxid: Int64
    var pzxid: Int64
    var ctime: Int64
    var mtime: Int64
    var version: Int32 = 0
    /// Counts creations of children only; it numbers sequential nodes. What clients see is `2 * this − children`.
    var creations: Int32 = 0
    var aversion: Int32 = 0
    var owner: NodeOwner
}

/// What kind of node it is, in the one number that ZooKeeper stores for it: the owning session of an ephemeral node,
/// 0 for a plain one, and marks that no session id can have for containers and nodes with a time to live.
struct NodeOwner: Sendable, Hashable {
    let rawValue: Int64

    init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    static let none = NodeOwner(rawValue: 0)
    static let container = NodeOwner(rawValue: .min)
    static let maximumTimeToLive: Int64 = (1 << 40) - 1
    private static let timeToLiveMark = Int64(bitPattern: 0xFF00_0000_0000_0000)

    static func session(_ id: Int64) -> NodeOwner {
        NodeOwner(rawValue: id)
    }

    static func timeToLive(milliseconds: Int64) -> NodeOwner {
        NodeOwner(rawValue: timeToLiveMark | (milliseconds & maximumTimeToLive))
    }

    var isContainer: Bool { self == .container }

    /// Milliseconds that the node lives after its last change when it has no children.
    var timeToLive: Int64? {
        guard UInt64(bitPattern: rawValue) >> 56 == 0xFF else { return nil }
        return rawValue & Self.maximumTimeToLive
    }

    /// Whether the node goes by itself one day.
    var isSwept: Bool { isContainer || timeToLive != nil }

    /// The session that the node goes with.
    var session: Int64? {
        rawValue == 0 || isContainer || timeToLive != nil ? nil : rawValue
    }
}
