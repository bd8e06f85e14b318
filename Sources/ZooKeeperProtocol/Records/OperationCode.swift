/// What a request asks for: the `type` field of its header.
public enum OperationCode: Int32, Sendable, Hashable, CaseIterable {
    case create = 1
    case delete = 2
    case exists = 3
    case getData = 4
    case setData = 5
    case getACL = 6
    case setACL = 7
    case getChildren = 8
    case sync = 9
    case ping = 11
    case getChildren2 = 12
    /// Only inside ``multi``.
    case check = 13
    case multi = 14
    case create2 = 15
    case reconfig = 16
    case checkWatches = 17
    case removeWatches = 18
    case createContainer = 19
    /// Internal to a server; refused from clients.
    case deleteContainer = 20
    case createTTL = 21
    case multiRead = 22
    case auth = 100
    case setWatches = 101
    case sasl = 102
    case getEphemerals = 103
    case getAllChildrenNumber = 104
    case setWatches2 = 105
    case addWatch = 106
    case whoAmI = 107
    /// Internal to a server.
    case createSession = -10
    case closeSession = -11
    /// An error in the results of ``multi``.
    case error = -1
}

/// The `xid` values that do not number a request.
public enum ReservedXid {
    /// A watch event, server to client.
    public static let watchEvent: Int32 = -1
    /// A ping and its answer.
    public static let ping: Int32 = -2
    /// An authentication packet and its answer.
    public static let auth: Int32 = -4
    /// `setWatches` and `setWatches2` and their answer.
    public static let setWatches: Int32 = -8
}
