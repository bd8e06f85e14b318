public import NIOCore

/// What ZooKeeper tells about a node beside its data.
public struct Stat: Record, Hashable {
    /// How many bytes a `Stat` takes on the wire.
    public static let encodedSize = 68

    /// The transaction that created the node. Strictly increasing over re-creations, hence usable as a fencing token.
    public var czxid: Int64
    /// The transaction that last changed the data.
    public var mzxid: Int64
    /// When the node was created, in milliseconds since 1970 UTC.
    public var ctime: Int64
    /// When the data was last changed, in milliseconds since 1970 UTC.
    public var mtime: Int64
    /// How often the data was changed.
    public var version: Int32
    /// How often children were created or deleted.
    public var cversion: Int32
    /// How often the access list was changed.
    public var aversion: Int32
    /// The session that owns an ephemeral node; 0 for every other kind.
    public var ephemeralOwner: Int64
    /// The number of bytes of the data.
    public var dataLength: Int32
    /// The number of direct children.
    public var numChildren: Int32
    /// The transaction that last created or deleted a child.
    public var pzxid: Int64

    /// Makes a stat; everything that is not given is zero.
    public init(
        czxid: Int64 = 0, mzxid: Int64 = 0, ctime: Int64 = 0, mtime: Int64 = 0, version: Int32 = 0, cversion: Int32 = 0,
        aversion: Int32 = 0, ephemeralOwner: Int64 = 0, dataLength: Int32 = 0, numChildren: Int32 = 0, pzxid: Int64 = 0
    ) {
        self.czxid = czxid
        self.mzxid = mzxid
        self.ctime = ctime
        self.mtime = mtime
        self.version = version
        self.cversion = cversion
        self.aversion = aversion
        self.ephemeralOwner = ephemeralOwner
        self.dataLength = dataLength
        self.numChildren = numChildren
        self.pzxid = pzxid
    }

    public init(from buffer: inout ByteBuffer) throws {
        guard
            let (czxid, mzxid, ctime, mtime, version, cversion, aversion, owner, length, children, pzxid) =
                buffer.readMultipleIntegers(
                    as: (Int64, Int64, Int64, Int64, Int32, Int32, Int32, Int64, Int32, Int32, Int64).self)
        else { throw WireFormatError.truncated("stat") }
        self.init(
            czxid: czxid, mzxid: mzxid, ctime: ctime, mtime: mtime, version: version, cversion: cversion,
            aversion: aversion, ephemeralOwner: owner, dataLength: length, numChildren: children, pzxid: pzxid)
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(
            czxid, mzxid, ctime, mtime, version, cversion, aversion, ephemeralOwner, dataLength, numChildren, pzxid)
    }
}
