import NIOCore
import ZooKeeperProtocol

/// The layout of a checkpoint: a sector with a ``CheckpointHeader``, then blocks (`kind, length, checksum, payload`), the
/// last of which is a ``CheckpointSeal``. A backup has the same layout.
enum CheckpointFormat {
    enum Kind: UInt32 {
        case nodes = 1
        case sessions = 2
        case seal = 3
    }

    static let temporaryName = "checkpoint.new"
    /// The file of the checkpoint before, to be written over by the next.
    static let spareName = "checkpoint.spare"
    static let blockHeaderSize = 12

    static func checksum(_ kind: Kind, index: Int, _ payload: UnsafeRawBufferPointer, salt: LogSalt) -> UInt32 {
        var prefix = (kind.rawValue.bigEndian, UInt32(truncatingIfNeeded: index).bigEndian)
        let seed = withUnsafeBytes(of: &prefix) { Checksum.crc32c($0, startingWith: salt.seed) }
        return Checksum.crc32c(payload, startingWith: seed)
    }
}

/// The first sector of a checkpoint.
struct CheckpointHeader: Hashable, Sendable {
    private static let magic: UInt64 = 0x4C4B_4348_4543_4B50  // LKCHECKP
    static let version: UInt32 = 1

    var salt: LogSalt
    /// Where in the log to go on from. Segment 0: with the first one that is there; it is a backup.
    var start: LogPosition
    /// What session passwords are derived from.
    var secret: [UInt8]

    /// Whether it is a state by itself, without a log.
    var isBackup: Bool { start.sequence == 0 }

    var sector: ByteBuffer {
        HeaderSector.write(magic: Self.magic, version: Self.version) { buffer in
            buffer.writeMultipleIntegers(salt.value, start.sequence, Int64(start.offset), start.zxid)
            buffer.writeInteger(UInt8(clamping: secret.count))
            buffer.writeBytes(secret)
        }
    }

    /// Whether a file that begins so is a backup, damaged or not, of this format or a later one.
    static func isOfBackup(_ begin: [UInt8]) -> Bool {
        var buffer = ByteBuffer(bytes: begin)
        guard let (magic, _, _, sequence) = buffer.readMultipleIntegers(as: (UInt64, UInt32, UInt64, UInt64).self)
        else {
            return false
        }
        return magic == Self.magic && sequence == 0
    }

    init(salt: LogSalt, start: LogPosition, secret: [UInt8]) {
        self.salt = salt
        self.start = start
        self.secret = secret
    }

    init(sector: [UInt8]) throws {
        var fields = try HeaderSector.fields(
            of: sector, magic: Self.magic, version: Self.version, kind: "a checkpoint or backup of a tree")
        guard
            let (salt, sequence, offset, zxid, secretCount) = fields.readMultipleIntegers(
                as: (UInt64, UInt64, Int64, Int64, UInt8).self),
            let secret = fields.readBytes(length: Int(secretCount)), offset >= 0
        else { throw HeaderSector.damaged }
        self.salt = LogSalt(value: salt)
        start = LogPosition(sequence: sequence, offset: Int(offset), zxid: zxid)
        self.secret = secret
    }
}

/// The last block of a checkpoint: what it must add up to.
struct CheckpointSeal: Hashable, Sendable {
    var nodes: Int
    var sessions: Int
    /// The checkpoint was taken while the tree changed. It is a state of the tree only together with the log up to here.
    var endZxid: Int64
    /// The zxid that the start which made it began with.
    var startZxid: Int64
    /// The greatest session id that was ever given out.
    var maximumSessionID: Int64

    var block: ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeMultipleIntegers(Int64(nodes), Int64(sessions), endZxid, startZxid, maximumSessionID)
        return buffer
    }

    init(nodes: Int, sessions: Int, endZxid: Int64, startZxid: Int64, maximumSessionID: Int64) {
        self.nodes = nodes
        self.sessions = sessions
        self.endZxid = endZxid
        self.startZxid = startZxid
        self.maximumSessionID = maximumSessionID
    }

    init(block: ByteBuffer) throws {
        var block = block
        guard
            let (nodes, sessions, endZxid, startZxid, maximumSessionID) = block.readMultipleIntegers(
                as: (Int64, Int64, Int64, Int64, Int64).self)
        else { throw RecoveryError("the seal is cut short") }
        self.init(
            nodes: Int(nodes), sessions: Int(sessions), endZxid: endZxid, startZxid: startZxid,
            maximumSessionID: maximumSessionID)
    }
}

/// A node as it stands in a checkpoint.
enum NodeRecord {
    static func write(_ path: String, _ state: NodeState, into buffer: inout ByteBuffer) {
        buffer.writeJuteString(path)
        buffer.writeMultipleIntegers(state.czxid, state.mzxid, state.pzxid, state.ctime, state.mtime)
        buffer.writeMultipleIntegers(state.version, state.creations, state.aversion, state.owner.rawValue)
        buffer.writeAccessList(state.acl)
        buffer.writeJuteBytes(state.data)
    }

    static func read(from buffer: inout ByteBuffer) throws -> (String, NodeState) {
        let path = try buffer.readJuteString()
        guard
            let (czxid, mzxid, pzxid, ctime, mtime) = buffer.readMultipleIntegers(
                as: (Int64, Int64, Int64, Int64, Int64).self),
            let (version, creations, aversion, owner) = buffer.readMultipleIntegers(
                as: (Int32, Int32, Int32, Int64).self)
        else { throw RecoveryError("the node \(path) is cut short") }
        let acl = try buffer.readAccessList()
        let data = try buffer.readJuteBytes()
        return (
            path,
            NodeState(
                data: data, acl: acl, czxid: czxid, mzxid: mzxid, pzxid: pzxid, ctime: ctime, mtime: mtime,
                version: version, creations: creations, aversion: aversion, owner: NodeOwner(rawValue: owner))
        )
    }
}
