public import NIOCore

/// Reply to `create` and `sync`.
public struct PathResponse: Record, Hashable {
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

/// Reply to `create2`, `createContainer` and `createTTL`.
public struct Create2Response: Record, Hashable {
    public var path: String
    public var stat: Stat

    public init(path: String, stat: Stat) {
        self.path = path
        self.stat = stat
    }

    public init(from buffer: inout ByteBuffer) throws {
        path = try buffer.readJuteString("path")
        stat = try Stat(from: &buffer)
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeJuteString(path)
        stat.write(into: &buffer)
    }
}

/// Reply to `getData` and `reconfig`. (The replies to `exists`, `setData` and `setACL` are a plain ``Stat``.)
public struct GetDataResponse: Record, Hashable {
    public var data: [UInt8]?
    public var stat: Stat

    public init(data: [UInt8]?, stat: Stat) {
        self.data = data
        self.stat = stat
    }

    public init(from buffer: inout ByteBuffer) throws {
        data = try buffer.readJuteBytes("data")
        stat = try Stat(from: &buffer)
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeJuteBytes(data)
        stat.write(into: &buffer)
    }
}

/// Reply to `getACL`.
public struct GetACLResponse: Record, Hashable {
    public var acl: [ACL]
    public var stat: Stat

    public init(acl: [ACL], stat: Stat) {
        self.acl = acl
        self.stat = stat
    }

    public init(from buffer: inout ByteBuffer) throws {
        acl = try buffer.readACLs()
        stat = try Stat(from: &buffer)
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeJuteVector(acl)
        stat.write(into: &buffer)
    }
}

/// Reply to `getChildren` (names) and `getEphemerals` (paths).
public struct StringsResponse: Record, Hashable {
    public var strings: [String]

    public init(strings: [String]) {
        self.strings = strings
    }

    public init(from buffer: inout ByteBuffer) throws {
        strings = try buffer.readJuteStrings()
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeJuteStrings(strings)
    }
}

/// Reply to `getChildren2`.
public struct GetChildren2Response: Record, Hashable {
    public var children: [String]
    public var stat: Stat

    public init(children: [String], stat: Stat) {
        self.children = children
        self.stat = stat
    }

    public init(from buffer: inout ByteBuffer) throws {
        children = try buffer.readJuteStrings("children")
        stat = try Stat(from: &buffer)
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeJuteStrings(children)
        stat.write(into: &buffer)
    }
}

/// Reply to `getAllChildrenNumber` (a count) and `addWatch` (an error code, always 0).
public struct IntResponse: Record, Hashable {
    public var value: Int32

    public init(value: Int32) {
        self.value = value
    }

    public init(from buffer: inout ByteBuffer) throws {
        value = try buffer.readJuteInt()
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeInteger(value)
    }
}
