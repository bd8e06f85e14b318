import NIOCore
import ZooKeeperProtocol

/// Every request after the handshake.
extension Engine {
    func handle(_ frame: inout ByteBuffer, _ client: Client, _ now: Now) {
        guard let header = try? RequestHeader(from: &frame), let session = client.session else {
            abort(client)
            return
        }
        session.lastHeard = now.instant
        client.lastOperation = header.type
        client.lastXid = header.xid
        client.lastAnswer = now.instant.nanoseconds / 1_000_000
        statistics.noteRequest(header.type)
        guard isAdmitted(header.operation, client) else {
            reply(client, xid: header.xid, error: .sessionClosedRequireSaslAuth)
            close(client)
            return
        }
        guard let operation = header.operation, !Self.refusedOperations.contains(operation) else {
            // As with ZooKeeper, who asks for what is no client's to ask loses the connection, not the session.
            reply(client, xid: header.xid, error: .unimplemented)
            close(client)
            return
        }
        do {
            if try !read(operation, header.xid, &frame, client) {
                try write(operation, header.xid, &frame, client, session, now)
            }
        } catch let error as ErrorCode {
            reply(client, xid: header.xid, error: error)
        } catch {
            reply(client, xid: header.xid, error: .marshallingError)
        }
    }

    /// Answers a request of which only the header was read, because it is longer than the limit.
    func refuseOversize(_ header: RequestHeader, from client: Client, closes: Bool, now: Now) {
        statistics.received &+= 1
        statistics.oversizeRequests &+= 1
        client.received &+= 1
        client.session?.lastHeard = now.instant
        client.lastOperation = header.type
        client.lastXid = header.xid
        if closes { abort(client) } else { reply(client, xid: header.xid, error: .marshallingError) }
    }

    /// What a server asks itself, and what stands in transactions only.
    private static let refusedOperations: Set<OperationCode> = [.check, .deleteContainer, .createSession, .error]

    /// Answers a request that changes nothing in the tree.
    ///
    /// - Returns: Whether it was one.
    private func read(
        _ operation: OperationCode, _ xid: Int32, _ frame: inout ByteBuffer, _ client: Client
    ) throws -> Bool {
        switch operation {
        case .getData:
            let request = try PathWatchRequest(from: &frame)
            let node = try readable(request.path, client)
            if request.watch { watches.add(client, to: .data, node.key) }
            reply(client, xid: xid) {
                $0.writeJuteBytes(node.state.data)
                node.stat.write(into: &$0)
            }
        case .exists:
            try exists(try PathWatchRequest(from: &frame), xid, client)
        case .getChildren, .getChildren2:
            let request = try PathWatchRequest(from: &frame)
            let node = try readable(request.path, client)
            if request.watch { watches.add(client, to: .child, node.key) }
            reply(client, xid: xid) {
                $0.writeNames(node.children)
                if operation == .getChildren2 { node.stat.write(into: &$0) }
            }
        case .getACL:
            let node = try existing(try PathRequest(from: &frame).path)
            try demand(node, [.read, .admin], client)
            let isAdmin = AccessControl.allows(node.state.acl, .admin, client.identities)
            let acl = isAdmin ? node.state.acl : AccessControl.masked(node.state.acl)
            reply(client, xid: xid) { GetACLResponse(acl: acl, stat: node.stat).write(into: &$0) }
        case .sync:
            // A single server is never behind itself; the gate makes the reply wait for what is being stored.
            let path = try PathRequest(from: &frame).path
            reply(client, xid: xid) { $0.writeJuteString(path) }
        case .ping: replyToPing(client)
        case .multiRead: try multiRead(try MultiReadRequest(from: &frame), xid, client)
        case .getEphemerals:
            // No prefix is the empty one.
            let prefix = try frame.readJuteStringOrNull("prefix") ?? ""
            let all = client.session.flatMap { tree.ephemerals[$0.id] } ?? []
            let paths = all.map(\.string).filter { $0.utf8.starts(with: prefix.utf8) }
            reply(client, xid: xid) { $0.writeJuteStrings(paths) }
        case .getAllChildrenNumber:
            let node = try readable(try PathRequest(from: &frame).path, client)
            let count = node === tree.root ? tree.nodes.count - 1 : Self.descendants(of: node)
            reply(client, xid: xid) { $0.writeInteger(Int32(clamping: count)) }
        case .whoAmI:
            let who = client.identities.map { identity in
                let isDigest = identity.scheme == "digest"
                return ClientInfo(
                    authScheme: identity.scheme,
                    user: isDigest ? String(identity.id.prefix { $0 != ":" }) : identity.id)
            }
            reply(client, xid: xid) { WhoAmIResponse(clientInfo: who).write(into: &$0) }
        case .auth: authenticate(try AuthPacket(from: &frame), xid, client)
        case .sasl: negotiate(try SASLToken(from: &frame), xid, client)
        case .addWatch, .setWatches, .setWatches2, .checkWatches, .removeWatches:
            try watch(operation, xid, &frame, client)
        case .reconfig: try refuseReconfiguration(try ReconfigRequest(from: &frame), client)
        case .check, .deleteContainer, .createSession, .error: throw ErrorCode.unimplemented  // Refused before.
        case .create, .create2, .createContainer, .createTTL, .delete, .setData, .setACL, .multi, .closeSession:
            return false
        }
        return true
    }

    private func exists(_ request: PathWatchRequest, _ xid: Int32, _ client: Client) throws(ErrorCode) {
        guard !request.path.utf8.contains(0) else { throw .badArguments }
        guard let node = tree[request.path] else {
            if request.watch { watches.add(client, to: .data, PathKey(request.path)) }
            throw .noNode
        }
        try demand(node, .read, client)
        if request.watch { watches.add(client, to: .data, node.key) }
        reply(client, xid: xid) { node.stat.write(into: &$0) }
    }

    private func multiRead(_ request: MultiReadRequest, _ xid: Int32, _ client: Client) throws {
        // A small request can ask for the same large node thousands of times.
        var room = settings.maximumAnswerBytes
        var results: [ReadResult] = []
        for operation in request.operations {
            do throws(ErrorCode) {
                switch operation {
                case .getData(let path):
                    let node = try readable(path, client)
                    room -= (node.state.data?.count ?? 0) + 100
                    results.append(.data(GetDataResponse(data: node.state.data, stat: node.stat)))
                case .getChildren(let path):
                    let children = try readable(path, client).children
                    room -= children.reduce(16) { $0 + $1.name.utf8.count + 4 }
                    guard room >= 0 else { break }
                    results.append(.children(children.map { String($0.name) }))
                }
            } catch {
                room -= 16
                results.append(.failed(error))
            }
            guard room >= 0 else { throw ErrorCode.marshallingError }
        }
        reply(client, xid: xid) { MultiReadResponse(results: results).write(into: &$0) }
    }

    /// A single server has no members to change. Clients rely on being told first of a malformed request, then of a
    /// missing right, and only then that it cannot be done here.
    private func refuseReconfiguration(_ request: ReconfigRequest, _ client: Client) throws(ErrorCode) {
        func items(_ list: String?) -> [Substring] { list?.split(separator: ",") ?? [] }
        let members = items(request.joiningServers) + items(request.newMembers)
        let leaving = items(request.leavingServers)
        let isIncremental = !items(request.joiningServers).isEmpty || !leaving.isEmpty
        guard isIncremental == items(request.newMembers).isEmpty, members.allSatisfy(Self.isMember),
            leaving.allSatisfy({ Int64($0) != nil })
        else { throw .badArguments }
        guard client.isSuperuser else { throw .noAuth }
        throw .reconfigDisabled
    }

    /// Whether it has the form `server.1=host:2888:3888…`.
    private static func isMember(_ text: Substring) -> Bool {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].hasPrefix("server."), Int64(parts[0].dropFirst(7)) != nil else { return false }
        return parts[1].split(separator: ":").count >= 3
    }

    // MARK: What requests need of a node

    func existing(_ path: String) throws(ErrorCode) -> Node {
        guard let node = tree[path] else { throw .noNode }
        return node
    }

    func readable(_ path: String, _ client: Client) throws(ErrorCode) -> Node {
        let node = try existing(path)
        try demand(node, .read, client)
        return node
    }

    func demand(_ node: Node, _ permissions: ACL.Permissions, _ client: Client) throws(ErrorCode) {
        guard AccessControl.allows(node.state.acl, permissions, client.identities) else { throw .noAuth }
    }

    private static func descendants(of node: Node) -> Int {
        var count = 0
        var pending = [node]
        while let next = pending.popLast() {
            count += next.children.count
            pending.append(contentsOf: next.children)
        }
        return count
    }
}

extension ByteBuffer {
    /// Writes the names of nodes as a vector of strings.
    mutating func writeNames(_ nodes: [Node]) {
        writeInteger(Int32(clamping: nodes.count))
        for node in nodes {
            let name = node.name
            writeInteger(Int32(clamping: name.utf8.count))
            writeSubstring(name)
        }
    }
}
