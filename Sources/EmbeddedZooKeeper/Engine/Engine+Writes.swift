import NIOCore
import ZooKeeperProtocol

/// Requests that change the tree. The order of the checks decides which error a client sees; it is ZooKeeper's.
extension Engine {
    func write(
        _ operation: OperationCode, _ xid: Int32, _ frame: inout ByteBuffer, _ client: Client, _ session: Session,
        _ now: Now
    ) throws {
        // Sessions may still begin and end on a full disk; there is a reserve for that.
        guard operation == .closeSession ? hasRoom(toEnd: session) : hasRoom(forRequestOf: frame.readableBytes) else {
            throw ErrorCode.systemError
        }
        switch operation {
        case .create, .create2, .createContainer, .createTTL:
            let request = try CreateRequest(from: &frame, withTimeToLive: operation == .createTTL)
            let node = try transact(now) { () throws(ErrorCode) in try create(request, operation, client, session) }
            reply(client, xid: xid) {
                $0.writeJuteString(node.path)
                if operation != .create { node.stat.write(into: &$0) }
            }
        case .delete:
            let request = try PathVersionRequest(from: &frame)
            try transact(now) { () throws(ErrorCode) in try delete(request, client) }
            reply(client, xid: xid)
        case .setData:
            let request = try SetDataRequest(from: &frame)
            let node = try transact(now) { () throws(ErrorCode) in try setData(request, client) }
            reply(client, xid: xid) { node.stat.write(into: &$0) }
        case .setACL:
            let request = try SetACLRequest(from: &frame)
            let node = try transact(now) { () throws(ErrorCode) in try setACL(request, client) }
            reply(client, xid: xid) { node.stat.write(into: &$0) }
        case .multi:
            var request = try MultiRequest(from: &frame)
            try Self.settleModes(of: &request)
            let results = multi(request, client, session, now)
            reply(client, xid: xid) { MultiResponse(results: results).write(into: &$0) }
        case .closeSession:
            endSession(session, now, except: client)
            reply(client, xid: xid)
            close(client)
        default: throw ErrorCode.unimplemented
        }
    }

    private func multi(
        _ request: MultiRequest, _ client: Client, _ session: Session, _ now: Now
    ) -> [OperationResult] {
        var results: [OperationResult] = []
        results.reserveCapacity(request.operations.count)
        do throws(ErrorCode) {
            try transact(now) { () throws(ErrorCode) in
                for operation in request.operations {
                    switch operation {
                    case .create(let create, let type):
                        let node = try self.create(create, type, client, session)
                        results.append(.created(path: node.path, stat: type == .create ? nil : node.stat))
                    case .delete(let delete):
                        try self.delete(delete, client)
                        results.append(.deleted)
                    case .setData(let setData): results.append(.set(try self.setData(setData, client).stat))
                    case .check(let check):
                        try self.check(check, client)
                        results.append(.checked)
                    }
                }
            }
            return results
        } catch {
            let culprit = results.count
            return request.operations.indices.map { index in
                .failed(index < culprit ? .ok : index == culprit ? error : .runtimeInconsistency)
            }
        }
    }

    /// ZooKeeper looks at the modes while it decodes a transaction. Flags that mean nothing, or that ask for a time to live
    /// where none can be given, make all of it unreadable. A time to live that the mode has no use for is forgotten.
    private static func settleModes(of request: inout MultiRequest) throws(ErrorCode) {
        for index in request.operations.indices {
            guard case .create(var create, let type) = request.operations[index] else { continue }
            guard let mode = create.mode, type == .createTTL || !mode.hasTimeToLive else { throw .marshallingError }
            if !mode.hasTimeToLive { create.timeToLive = nil }
            let settled: OperationCode =
                if mode == .container {
                    .createContainer
                } else if type == .createTTL, !mode.hasTimeToLive {
                    .create
                } else {
                    type
                }
            request.operations[index] = .create(create, type: settled)
        }
    }

    // MARK: One operation, inside a transaction

    private func create(
        _ request: CreateRequest, _ operation: OperationCode, _ client: Client, _ session: Session
    ) throws(ErrorCode) -> Node {
        guard let mode = Self.mode(of: request) else { throw .badArguments }
        guard !request.path.utf8.contains(0), let slash = request.path.utf8.lastIndex(of: UInt8(ascii: "/")) else {
            throw .badArguments
        }
        let acl = try AccessControl.resolve(request.acl, for: client.identities, schemes: settings.schemes)
        let parentPath = slash == request.path.startIndex ? "/" : String(request.path[..<slash])
        guard let parent = tree[parentPath] else { throw .noNode }
        try demand(parent, .create, client)
        var path = request.path
        if mode.isSequential { path += Self.sequenceSuffix(parent.state.creations) }
        guard ZooKeeperPath.isValid(path) else { throw .badArguments }
        let key = PathKey(path)
        guard tree.nodes[key] == nil else { throw .nodeExists }
        guard parent.state.owner.session == nil else { throw .noChildrenForEphemerals }
        try checkQuota(key, parent: parent, nodes: 1, bytes: Int64(request.data?.count ?? 0))
        let owner: NodeOwner =
            // The operation makes the container, not the flags (ZooKeeper).
            if operation == .createContainer {
                .container
            } else if mode.isEphemeral {
                .session(session.id)
            } else if mode.hasTimeToLive {
                .timeToLive(milliseconds: request.timeToLive ?? 0)
            } else {
                .none
            }
        return tree.create(key, parent: parent, data: request.data, acl: acl, owner: owner)
    }

    /// The mode, when its flags mean something and it has a time to live exactly if it needs one.
    private static func mode(of request: CreateRequest) -> CreateMode? {
        guard let mode = request.mode else { return nil }
        let life = request.timeToLive ?? -1
        let isFitting = mode.hasTimeToLive ? (1...NodeOwner.maximumTimeToLive).contains(life) : life < 0
        return isFitting ? mode : nil
    }

    private func delete(_ request: PathVersionRequest, _ client: Client) throws(ErrorCode) {
        guard !Self.permanentPaths.contains(request.path), !request.path.utf8.contains(0),
            let parentPath = ZooKeeperPath.parent(of: request.path)
        else { throw .badArguments }
        guard let parent = tree[parentPath] else { throw .noNode }
        try demand(parent, .delete, client)
        let node = try existing(request.path)
        try Self.demand(version: request.version, of: node.state.version)
        guard node.children.isEmpty else { throw .notEmpty }
        tree.delete(node)
    }

    private func setData(_ request: SetDataRequest, _ client: Client) throws(ErrorCode) -> Node {
        guard let node = tree[request.path] else {
            throw ZooKeeperPath.isValid(request.path) ? .noNode : .badArguments
        }
        try demand(node, .write, client)
        let difference = (request.data?.count ?? 0) - (node.state.data?.count ?? 0)
        try checkQuota(node.key, parent: node.parent, nodes: 0, bytes: Int64(difference))
        try Self.demand(version: request.version, of: node.state.version)
        tree.setData(node, request.data)
        return node
    }

    private func setACL(_ request: SetACLRequest, _ client: Client) throws(ErrorCode) -> Node {
        guard ZooKeeperPath.isValid(request.path) else { throw .badArguments }
        let acl = try AccessControl.resolve(request.acl, for: client.identities, schemes: settings.schemes)
        let node = try existing(request.path)
        try demand(node, .admin, client)
        try Self.demand(version: request.version, of: node.state.aversion)
        tree.setACL(node, acl)
        return node
    }

    private func check(_ request: PathVersionRequest, _ client: Client) throws(ErrorCode) {
        guard ZooKeeperPath.isValid(request.path) else { throw .badArguments }
        let node = try readable(request.path, client)
        try Self.demand(version: request.version, of: node.state.version)
    }

    private static let permanentPaths: Set<String> = ["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"]

    private static func demand(version expected: Int32, of actual: Int32) throws(ErrorCode) {
        guard expected == -1 || expected == actual else { throw .badVersion }
    }

    /// Ten digits, the sign included, as Java's `%010d` writes them.
    static func sequenceSuffix(_ number: Int32) -> String {
        let digits = String(number.magnitude)
        let sign = number < 0 ? "-" : ""
        return sign + String(repeating: "0", count: max(0, 10 - sign.count - digits.count)) + digits
    }
}
