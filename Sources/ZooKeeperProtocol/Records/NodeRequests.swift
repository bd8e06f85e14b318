public import NIOCore

/// Body of `create`, `create2` and `createContainer`; with ``timeToLive`` also of `createTTL`.
public struct CreateRequest: Record, Hashable {
    public var path: String
    public var data: [UInt8]?
    public var acl: [ACL]
    /// The raw ``CreateMode``; raw, because a client may send anything.
    public var flags: Int32
    /// Milliseconds; present exactly in `createTTL`.
    public var timeToLive: Int64?

    /// Makes a request from raw flags.
    public init(path: String, data: [UInt8]?, acl: [ACL], flags: Int32, timeToLive: Int64? = nil) {
        self.path = path
        self.data = data
        self.acl = acl
        self.flags = flags
        self.timeToLive = timeToLive
    }

    /// Makes a request. ``operation`` says under which code it travels.
    public init(
        path: String, data: [UInt8]?, acl: [ACL] = ACL.worldAll, mode: CreateMode, timeToLiveMilliseconds: Int64 = 0
    ) {
        self.init(
            path: path, data: data, acl: acl, flags: mode.rawValue,
            timeToLive: mode.hasTimeToLive ? timeToLiveMilliseconds : nil)
    }

    /// The mode; `nil` when there is none of that number.
    public var mode: CreateMode? { CreateMode(rawValue: flags) }

    /// The code under which a create that is answered with path and stat travels: `create2`, `createContainer` or
    /// `createTTL`.
    public var operation: OperationCode {
        if timeToLive != nil { return .createTTL }
        return flags == CreateMode.container.rawValue ? .createContainer : .create2
    }

    public init(from buffer: inout ByteBuffer) throws {
        try self.init(from: &buffer, withTimeToLive: false)
    }

    /// Reads the body of `createTTL` when `withTimeToLive`, otherwise that of the other creates.
    public init(from buffer: inout ByteBuffer, withTimeToLive: Bool) throws {
        path = try buffer.readJuteString("path")
        data = try buffer.readJuteBytes("data")
        acl = try buffer.readACLs()
        flags = try buffer.readJuteInt("flags")
        timeToLive = withTimeToLive ? try buffer.readJuteLong("time to live") : nil
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeJuteString(path)
        buffer.writeJuteBytes(data)
        buffer.writeJuteVector(acl)
        buffer.writeInteger(flags)
        if let timeToLive { buffer.writeInteger(timeToLive) }
    }
}

/// Body of the requests that name a path and nothing else: `getACL`, `sync`, `getEphemerals` (a prefix),
/// `getAllChildrenNumber`, `deleteContainer`.
public struct PathRequest: Record, Hashable {
    public var path: String

    public init(path: String) {
        self.path = path
    }

    public init(from buffer: inout ByteBuffer) throws {
        path = try buffer.readJuteString("path")
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeJuteString(path)
    }
}

/// Body of the reads that can arm a watch: `exists`, `getData`, `getChildren`, `getChildren2`.
public struct PathWatchRequest: Record, Hashable {
    public var path: String
    public var watch: Bool

    public init(path: String, watch: Bool) {
        self.path = path
        self.watch = watch
    }

    public init(from buffer: inout ByteBuffer) throws {
        path = try buffer.readJuteString("path")
        watch = try buffer.readJuteBool("watch")
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeJuteString(path)
        buffer.writeJuteBool(watch)
    }
}

/// Body of `delete` and `check`.
public struct PathVersionRequest: Record, Hashable {
    public var path: String
    /// The version that the node must have; −1 for any.
    public var version: Int32

    public init(path: String, version: Int32) {
        self.path = path
        self.version = version
    }

    public init(from buffer: inout ByteBuffer) throws {
        path = try buffer.readJuteString("path")
        version = try buffer.readJuteInt("version")
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeJuteString(path)
        buffer.writeInteger(version)
    }
}

/// Body of `setData`.
public struct SetDataRequest: Record, Hashable {
    public var path: String
    public var data: [UInt8]?
    /// The version that the node must have; −1 for any.
    public var version: Int32

    public init(path: String, data: [UInt8]?, version: Int32) {
        self.path = path
        self.data = data
        self.version = version
    }

    public init(from buffer: inout ByteBuffer) throws {
        path = try buffer.readJuteString("path")
        data = try buffer.readJuteBytes("data")
        version = try buffer.readJuteInt("version")
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeJuteString(path)
        buffer.writeJuteBytes(data)
        buffer.writeInteger(version)
    }
}

/// Body of `setACL`.
public struct SetACLRequest: Record, Hashable {
    public var path: String
    public var acl: [ACL]
    /// The aversion that the node must have; −1 for any.
    public var version: Int32

    public init(path: String, acl: [ACL], version: Int32) {
        self.path = path
        self.acl = acl
        self.version = version
    }

    public init(from buffer: inout ByteBuffer) throws {
        path = try buffer.readJuteString("path")
        acl = try buffer.readACLs()
        version = try buffer.readJuteInt("version")
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeJuteString(path)
        buffer.writeJuteVector(acl)
        buffer.writeInteger(version)
    }
}

/// Body of `reconfig`.
public struct ReconfigRequest: Record, Hashable {
    public var joiningServers: String?
    public var leavingServers: String?
    public var newMembers: String?
    public var currentConfigID: Int64

    public init(joiningServers: String?, leavingServers: String?, newMembers: String?, currentConfigID: Int64) {
        self.joiningServers = joiningServers
        self.leavingServers = leavingServers
        self.newMembers = newMembers
        self.currentConfigID = currentConfigID
    }

    public init(from buffer: inout ByteBuffer) throws {
        joiningServers = try buffer.readJuteStringOrNull("joining servers")
        leavingServers = try buffer.readJuteStringOrNull("leaving servers")
        newMembers = try buffer.readJuteStringOrNull("new members")
        currentConfigID = try buffer.readJuteLong("current configuration")
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeJuteString(joiningServers)
        buffer.writeJuteString(leavingServers)
        buffer.writeJuteString(newMembers)
        buffer.writeInteger(currentConfigID)
    }
}
