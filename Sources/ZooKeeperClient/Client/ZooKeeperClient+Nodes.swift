import NIOCore
public import ZooKeeperProtocol

/// A node that was created: its actual path and its stat.
public struct CreatedNode: Hashable, Sendable {
    public var path: String
    public var stat: Stat

    /// Makes a description of a node.
    public init(path: String, stat: Stat) {
        self.path = path
        self.stat = stat
    }
}

/// What stands in a node.
public struct NodeData: Hashable, Sendable {
    /// Null and empty are different values.
    public var data: [UInt8]?
    public var stat: Stat

    /// Makes a description of a node's content.
    public init(data: [UInt8]?, stat: Stat) {
        self.data = data
        self.stat = stat
    }
}

/// One node at a time.
extension ZooKeeperClient {
    /// Creates a node.
    ///
    /// - Returns: Its path, with the number that the server appended for a sequential one.
    @discardableResult
    public func create(
        _ path: String, data: [UInt8]?, mode: CreateMode = .persistent, acl: [ACL] = ACL.worldAll
    ) async throws -> String {
        try await create2(path, data: data, mode: mode, acl: acl).path
    }

    /// Creates a node and tells its stat; `czxid` is the fencing token of whoever owns it.
    ///
    /// `timeToLiveMilliseconds` counts only for the modes that have one.
    public func create2(
        _ path: String, data: [UInt8]?, mode: CreateMode = .persistent, acl: [ACL] = ACL.worldAll,
        timeToLiveMilliseconds: Int64 = 0
    ) async throws -> CreatedNode {
        let request = CreateRequest(
            path: try absolute(path, sequential: mode.isSequential, .create2), data: data, acl: acl, mode: mode,
            timeToLiveMilliseconds: timeToLiveMilliseconds)
        let size = request.path.utf8.count + (data?.count ?? 0) + 48 * acl.count + 32
        let response = try await call(request.operation, path: path, size: size, as: Create2Response.self) {
            request.write(into: &$0)
        }
        return CreatedNode(path: chroot.relative(response.path), stat: response.stat)
    }

    /// Deletes a node that has no children; `version` −1 matches any.
    public func delete(_ path: String, version: Int32 = -1) async throws {
        let request = PathVersionRequest(path: try absolute(path, .delete), version: version)
        _ = try await call(.delete, path: path) { request.write(into: &$0) }
    }

    /// The stat of a node, or nil when there is none.
    public func exists(_ path: String) async throws -> Stat? {
        try await exists(path, arming: nil)
    }

    func exists(_ path: String, arming: WatchArming?) async throws -> Stat? {
        let request = PathWatchRequest(path: try absolute(path, .exists), watch: arming != nil)
        var reply = try await exchange(.exists, path: path, arming: arming) { request.write(into: &$0) }
        switch reply.error {
        case .ok: return try decode(&reply.body, path, .exists) as Stat
        case .noNode: return nil
        default: throw ZooKeeperError(code: reply.error, path: path, operation: .exists)
        }
    }

    /// The data and stat of a node.
    public func getData(_ path: String) async throws -> NodeData {
        try await getData(path, arming: nil)
    }

    func getData(_ path: String, arming: WatchArming?) async throws -> NodeData {
        let request = PathWatchRequest(path: try absolute(path, .getData), watch: arming != nil)
        let response = try await call(.getData, path: path, arming: arming, as: GetDataResponse.self) {
            request.write(into: &$0)
        }
        return NodeData(data: response.data, stat: response.stat)
    }

    /// Replaces the data of a node; `version` −1 matches any.
    @discardableResult
    public func setData(_ path: String, data: [UInt8]?, version: Int32 = -1) async throws -> Stat {
        let request = SetDataRequest(path: try absolute(path, .setData), data: data, version: version)
        let size = request.path.utf8.count + (data?.count ?? 0) + 16
        return try await call(.setData, path: path, size: size, as: Stat.self) { request.write(into: &$0) }
    }

    /// The names of a node's children, in no order.
    public func getChildren(_ path: String) async throws -> [String] {
        try await getChildren(path, arming: nil)
    }

    func getChildren(_ path: String, arming: WatchArming?) async throws -> [String] {
        let request = PathWatchRequest(path: try absolute(path, .getChildren), watch: arming != nil)
        return try await call(.getChildren, path: path, arming: arming, as: StringsResponse.self) {
            request.write(into: &$0)
        }.strings
    }

    /// The names of a node's children, in no order, and the node's stat.
    public func getChildren2(_ path: String) async throws -> (children: [String], stat: Stat) {
        let request = PathWatchRequest(path: try absolute(path, .getChildren2), watch: false)
        let response = try await call(.getChildren2, path: path, as: GetChildren2Response.self) {
            request.write(into: &$0)
        }
        return (response.children, response.stat)
    }

    /// The access list and stat of a node.
    public func getACL(_ path: String) async throws -> (acl: [ACL], stat: Stat) {
        let request = PathRequest(path: try absolute(path, .getACL))
        let response = try await call(.getACL, path: path, as: GetACLResponse.self) { request.write(into: &$0) }
        return (response.acl, response.stat)
    }

    /// Replaces the access list of a node; `version` is that of the access list, −1 matches any.
    @discardableResult
    public func setACL(_ path: String, acl: [ACL], version: Int32 = -1) async throws -> Stat {
        let request = SetACLRequest(path: try absolute(path, .setACL), acl: acl, version: version)
        return try await call(.setACL, path: path, as: Stat.self) { request.write(into: &$0) }
    }

    /// Waits until the server that this client is connected to has caught up with the leader: later reads see at least
    /// what was committed before. Not a vote: a leader that has lost its quorum unawares may still answer.
    public func sync(_ path: String = "/") async throws {
        let request = PathRequest(path: try absolute(path, .sync))
        _ = try await call(.sync, path: path) { request.write(into: &$0) }
    }

    /// The paths of this session's ephemeral nodes under `prefix`.
    public func getEphemerals(_ prefix: String = "/") async throws -> [String] {
        let request = PathRequest(path: try absolute(prefix, .getEphemerals))
        return try await call(.getEphemerals, path: prefix, as: StringsResponse.self) { request.write(into: &$0) }
            .strings.map(chroot.relative)
    }

    /// How many nodes lie below a node, at any depth.
    public func allChildrenNumber(_ path: String) async throws -> Int {
        let request = PathRequest(path: try absolute(path, .getAllChildrenNumber))
        let response = try await call(.getAllChildrenNumber, path: path, as: IntResponse.self) {
            request.write(into: &$0)
        }
        return Int(response.value)
    }

    /// Whom this connection has proved to be.
    public func whoAmI() async throws -> [ClientInfo] {
        try await call(.whoAmI, path: nil, as: WhoAmIResponse.self) { _ in }.clientInfo
    }
}
