public import NIOCore

/// Body of `setWatches` (without) and `setWatches2` (with the two persistent lists).
public struct SetWatchesRequest: Record, Hashable {
    /// What the client had seen when it lost its connection: what has changed since is reported at once.
    public var relativeZxid: Int64
    public var dataWatches: [String]
    public var existWatches: [String]
    public var childWatches: [String]
    /// Present exactly in `setWatches2`, together with ``persistentRecursiveWatches``.
    public var persistentWatches: [String]?
    public var persistentRecursiveWatches: [String]?

    /// Makes the body of `setWatches`.
    public init(relativeZxid: Int64, dataWatches: [String], existWatches: [String], childWatches: [String]) {
        self.relativeZxid = relativeZxid
        self.dataWatches = dataWatches
        self.existWatches = existWatches
        self.childWatches = childWatches
    }

    /// Makes the body of `setWatches2`.
    public init(
        relativeZxid: Int64, dataWatches: [String], existWatches: [String], childWatches: [String],
        persistentWatches: [String], persistentRecursiveWatches: [String]
    ) {
        self.relativeZxid = relativeZxid
        self.dataWatches = dataWatches
        self.existWatches = existWatches
        self.childWatches = childWatches
        self.persistentWatches = persistentWatches
        self.persistentRecursiveWatches = persistentRecursiveWatches
    }

    /// The code under which it travels.
    public var operation: OperationCode { persistentWatches == nil ? .setWatches : .setWatches2 }

    public init(from buffer: inout ByteBuffer) throws {
        try self.init(from: &buffer, withPersistent: false)
    }

    /// Reads the body of `setWatches2` when `withPersistent`, otherwise that of `setWatches`.
    public init(from buffer: inout ByteBuffer, withPersistent: Bool) throws {
        relativeZxid = try buffer.readJuteLong("relative zxid")
        dataWatches = try buffer.readJuteStrings("data watches")
        existWatches = try buffer.readJuteStrings("exist watches")
        childWatches = try buffer.readJuteStrings("child watches")
        if withPersistent {
            persistentWatches = try buffer.readJuteStrings("persistent watches")
            persistentRecursiveWatches = try buffer.readJuteStrings("persistent recursive watches")
        }
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeInteger(relativeZxid)
        buffer.writeJuteStrings(dataWatches)
        buffer.writeJuteStrings(existWatches)
        buffer.writeJuteStrings(childWatches)
        if let persistentWatches {
            buffer.writeJuteStrings(persistentWatches)
            buffer.writeJuteStrings(persistentRecursiveWatches ?? [])
        }
    }
}

/// Body of `addWatch`.
public struct AddWatchRequest: Record, Hashable {
    public var path: String
    /// The raw ``AddWatchMode``; raw, because a client may send anything.
    public var mode: Int32

    /// Makes a request from a raw mode.
    public init(path: String, mode: Int32) {
        self.path = path
        self.mode = mode
    }

    /// Makes a request.
    public init(path: String, mode: AddWatchMode) {
        self.init(path: path, mode: mode.rawValue)
    }

    public init(from buffer: inout ByteBuffer) throws {
        path = try buffer.readJuteString("path")
        mode = try buffer.readJuteInt("watch mode")
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeJuteString(path)
        buffer.writeInteger(mode)
    }
}

/// Body of `checkWatches` and `removeWatches`.
public struct WatcherTypeRequest: Record, Hashable {
    public var path: String
    /// The raw ``WatcherType``; raw, because a client may send anything.
    public var type: Int32

    /// Makes a request from a raw type.
    public init(path: String, type: Int32) {
        self.path = path
        self.type = type
    }

    /// Makes a request.
    public init(path: String, type: WatcherType) {
        self.init(path: path, type: type.rawValue)
    }

    public init(from buffer: inout ByteBuffer) throws {
        path = try buffer.readJuteString("path")
        type = try buffer.readJuteInt("watcher type")
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeJuteString(path)
        buffer.writeInteger(type)
    }
}
