import NIOCore
import ZooKeeperProtocol

/// Watches: set, restored after a reconnection, asked about, removed, fired.
extension Engine {
    func watch(
        _ operation: OperationCode, _ xid: Int32, _ frame: inout ByteBuffer, _ client: Client
    ) throws {
        switch operation {
        case .addWatch:
            let request = try AddWatchRequest(from: &frame)
            guard let mode = AddWatchMode(rawValue: request.mode) else { throw ErrorCode.marshallingError }
            watches.add(client, to: mode == .persistent ? .persistent : .recursive, PathKey(request.path))
            reply(client, xid: xid) { $0.writeInteger(ErrorCode.ok.rawValue) }
        case .setWatches, .setWatches2:
            restore(try SetWatchesRequest(from: &frame, withPersistent: operation == .setWatches2), client)
            reply(client, xid: xid)
        case .checkWatches, .removeWatches:
            let request = try WatcherTypeRequest(from: &frame)
            guard let type = WatcherType(rawValue: request.type) else { throw ErrorCode.marshallingError }
            let path = PathKey(request.path)
            let kinds = Self.kinds(of: type).filter { watches.contains(client, in: $0, path) }
            guard !kinds.isEmpty else { throw ErrorCode.noWatcher }
            if operation == .removeWatches { for kind in kinds { watches.remove(client, from: kind, path) } }
            reply(client, xid: xid)
        default: throw ErrorCode.unimplemented
        }
    }

    private static func kinds(of type: WatcherType) -> [WatchTable.Kind] {
        switch type {
        case .children: [.child]
        case .data: [.data]
        case .any: WatchTable.Kind.allCases
        case .persistent: [.persistent]
        case .persistentRecursive: [.recursive]
        }
    }

    /// Arms what a reconnected client had armed, and tells at once of what changed since it last looked.
    private func restore(_ request: SetWatchesRequest, _ client: Client) {
        let since = request.relativeZxid
        for path in request.dataWatches {
            guard let node = tree[path] else {
                tell(client, .nodeDeleted, path)
                continue
            }
            if node.state.mzxid > since {
                tell(client, .nodeDataChanged, path)
            } else {
                watches.add(client, to: .data, node.key)
            }
        }
        for path in request.existWatches {
            if tree[path] != nil {
                tell(client, .nodeCreated, path)
            } else {
                watches.add(client, to: .data, PathKey(path))
            }
        }
        for path in request.childWatches {
            guard let node = tree[path] else {
                tell(client, .nodeDeleted, path)
                continue
            }
            if node.state.pzxid > since {
                tell(client, .nodeChildrenChanged, path)
            } else {
                watches.add(client, to: .child, node.key)
            }
        }
        for path in request.persistentWatches ?? [] { watches.add(client, to: .persistent, PathKey(path)) }
        for path in request.persistentRecursiveWatches ?? [] { watches.add(client, to: .recursive, PathKey(path)) }
    }

    /// Also to who may not read the node, as ZooKeeper: silence would leave the client waiting for a watch that it believes
    /// armed, and that the node is there is told by `exists`, too.
    private func tell(_ client: Client, _ type: EventType, _ path: String) {
        deliver(WatchEvent(type: type, path: path, zxid: -1), to: [client])
    }

    /// Tells those who watch what a transaction did. Runs before the reply to it is written.
    func fire(_ events: [Tree.Event]) {
        guard !watches.isEmpty else { return }
        for event in events {
            switch event {
            case .created(let node):
                notify(watches.fireData(node), .nodeCreated, node)
                if let parent = node.parent { notify(watches.fireChildren(parent), .nodeChildrenChanged, parent) }
            case .deleted(let node):
                notify(watches.fireDeleted(node), .nodeDeleted, node)
                if let parent = node.parent { notify(watches.fireChildren(parent), .nodeChildrenChanged, parent) }
            case .dataChanged(let node):
                notify(watches.fireData(node), .nodeDataChanged, node)
            }
        }
    }

    /// Who may not read the node does not learn of it either (CVE-2024-23944).
    private func notify(_ clients: [Client], _ type: EventType, _ node: Node) {
        guard !clients.isEmpty else { return }
        let allowed =
            node.state.acl == ACL.worldAll
            ? clients : clients.filter { AccessControl.allows(node.state.acl, .read, $0.identities) }
        deliver(WatchEvent(type: type, path: node.path, zxid: lastZxid), to: allowed)
    }

    /// The same bytes for everybody, made once.
    private func deliver(_ event: WatchEvent, to clients: [Client]) {
        guard !clients.isEmpty else { return }
        var frame = ByteBuffer()
        Frame.write(into: &frame) {
            $0.writeMultipleIntegers(ReservedXid.watchEvent, event.zxid, ErrorCode.ok.rawValue)
            event.write(into: &$0)
        }
        statistics.eventsSent &+= UInt64(clients.count)
        statistics.eventFanOut.record(Int64(clients.count))
        for client in clients where client.phase == .connected {
            send(to: client) { output in
                // Mostly there is nothing before it, and one piece of memory does for all.
                if output.readableBytes == 0 { output = frame } else { output.writeImmutableBuffer(frame) }
            }
        }
    }
}
