public import NIOCore

/// What happened to a watched node.
public enum EventType: Int32, Sendable, Hashable, CaseIterable {
    /// Nothing happened to a node; the connection's state changed.
    case none = -1
    case nodeCreated = 1
    case nodeDeleted = 2
    case nodeDataChanged = 3
    case nodeChildrenChanged = 4
    /// Made by clients when they remove a watch; never on the wire.
    case dataWatchRemoved = 5
    /// Made by clients when they remove a watch; never on the wire.
    case childWatchRemoved = 6
    /// Made by clients when they remove a watch; never on the wire.
    case persistentWatchRemoved = 7
}

/// The state of the connection that an event tells of. Servers send ``syncConnected`` with every node event.
public enum KeeperState: Int32, Sendable, Hashable, CaseIterable {
    case disconnected = 0
    case syncConnected = 3
    case authFailed = 4
    case connectedReadOnly = 5
    case saslAuthenticated = 6
    case closed = 7
    case expired = -112
}

/// A watch event: something happened to a node that this connection watches.
public struct WatchEvent: Hashable, Sendable {
    /// What happened.
    public var type: EventType
    /// The state of the connection.
    public var state: KeeperState
    /// The node.
    public var path: String
    /// The transaction that caused it, from the frame's header; −1 from servers older than 3.9.
    public var zxid: Int64

    /// Makes an event.
    public init(type: EventType, state: KeeperState = .syncConnected, path: String, zxid: Int64) {
        self.type = type
        self.state = state
        self.path = path
        self.zxid = zxid
    }

    /// Reads the body of an event frame (`WatcherEvent`); `zxid` stands in the header before it.
    public init(from buffer: inout ByteBuffer, zxid: Int64) throws {
        let rawType = try buffer.readJuteInt("event type")
        guard let type = EventType(rawValue: rawType) else { throw WireFormatError("unknown event type \(rawType)") }
        let rawState = try buffer.readJuteInt("event state")
        guard let state = KeeperState(rawValue: rawState) else {
            throw WireFormatError("unknown event state \(rawState)")
        }
        self.init(type: type, state: state, path: try buffer.readJuteString("event path"), zxid: zxid)
    }

    /// Writes the body of an event frame (`WatcherEvent`), without the header.
    public func write(into buffer: inout ByteBuffer) {
        buffer.writeInteger(type.rawValue)
        buffer.writeInteger(state.rawValue)
        buffer.writeJuteString(path)
    }
}

/// How a persistent watch covers the tree.
public enum AddWatchMode: Int32, Sendable, Hashable, CaseIterable {
    /// This node: its creation, deletion, data changes and changes among its children.
    case persistent = 0
    /// This node and all below it: creations, deletions and data changes.
    case persistentRecursive = 1
}

/// Which watches `checkWatches` and `removeWatches` mean.
public enum WatcherType: Int32, Sendable, Hashable, CaseIterable {
    case children = 1
    case data = 2
    case any = 3
    case persistent = 4
    case persistentRecursive = 5
}
