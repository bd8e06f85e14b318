import NIOCore
import ZooKeeperProtocol

/// The stored state cannot be believed; the server does not start on it.
struct RecoveryError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// What the tables and the log add up to.
struct RecoveredState: Sendable {
    var nodes: [PathKey: NodeState] = [:]
    /// Timeout in milliseconds by session id.
    var sessions: [Int64: Int32] = [:]
    /// The newest transaction that was found.
    var lastZxid: Int64 = 0
    /// The epoch of this start; greater than any before.
    var epoch: Int64 = 1
    /// What the log tells of. The next checkpoint must write it before it trims the log.
    private(set) var uncheckpointedNodes: Set<PathKey> = []
    private(set) var uncheckpointedSessions: Set<Int64> = []
    /// How much log there is.
    private(set) var logBytes = 0
    /// What session passwords are derived from.
    var secret: [UInt8] = []

    /// Replays the records of one stored batch.
    ///
    /// Entries for nodes that are missing are skipped: the tables may already know of a later deletion, which then stands
    /// further on in the log.
    ///
    /// - Throws: ``RecoveryError`` for anything that is not exactly what was once written.
    mutating func replay(_ batch: ByteBuffer, keyedBy key: Int64) throws {
        var batch = batch
        logBytes += batch.readableBytes
        while batch.readableBytes > 0 {
            guard let (length, checksum) = batch.readMultipleIntegers(as: (UInt32, UInt32).self),
                var payload = batch.readSlice(length: Int(length))
            else { throw RecoveryError("the log record after zxid \(hex(lastZxid)) is cut short") }
            let actual = payload.withUnsafeReadableBytes { Checksum.crc32c($0) }
            guard actual == checksum else {
                throw RecoveryError("the log record after zxid \(hex(lastZxid)) is damaged: its checksum does not fit")
            }
            try replayRecord(&payload)
        }
        guard lastZxid == key else {
            throw RecoveryError("the log batch \(hex(key)) ends at zxid \(hex(lastZxid)): records are missing")
        }
    }

    private mutating func replayRecord(_ payload: inout ByteBuffer) throws {
        guard let (zxid, previous, time) = payload.readMultipleIntegers(as: (Int64, Int64, Int64).self) else {
            throw RecoveryError("the log record after zxid \(hex(lastZxid)) is too short")
        }
        guard previous == lastZxid, zxid > previous else {
            throw RecoveryError(
                "the log continues at zxid \(hex(zxid)) after \(hex(previous)), but the newest record found is "
                    + "\(hex(lastZxid)): records are missing")
        }
        do {
            while payload.readableBytes > 0 { try replayEntry(&payload, zxid: zxid, time: time) }
        } catch let error as WireFormatError {
            throw RecoveryError("the log record \(hex(zxid)) cannot be read: \(error)")
        }
        lastZxid = zxid
    }

    private mutating func replayEntry(_ payload: inout ByteBuffer, zxid: Int64, time: Int64) throws {
        let tag = payload.readInteger(as: UInt8.self).flatMap(LogTag.init(rawValue:))
        switch tag {
        case .create?:
            let path = try payload.readJuteString()
            let data = try payload.readJuteBytes()
            let acl = try payload.readAccessList()
            let owner = NodeOwner(rawValue: try payload.readJuteLong())
            let parentCreations = try payload.readJuteInt()
            uncheckpointedNodes.insert(PathKey(path))
            nodes[PathKey(path)] = NodeState(
                data: data, acl: acl, czxid: zxid, mzxid: zxid, pzxid: zxid, ctime: time, mtime: time, owner: owner)
            guard let parent = ZooKeeperPath.parent(of: path) else { return }
            changeNode(parent) {
                $0.creations = parentCreations
                $0.pzxid = zxid
            }
        case .delete?:
            let path = try payload.readJuteString()
            uncheckpointedNodes.insert(PathKey(path))
            nodes[PathKey(path)] = nil
            if let parent = ZooKeeperPath.parent(of: path) { changeNode(parent) { $0.pzxid = zxid } }
        case .setData?:
            let path = try payload.readJuteString()
            let data = try payload.readJuteBytes()
            let version = try payload.readJuteInt()
            changeNode(path) {
                $0.data = data
                $0.version = version
                $0.mzxid = zxid
                $0.mtime = time
            }
        case .setACL?:
            let path = try payload.readJuteString()
            let acl = try payload.readAccessList()
            let aversion = try payload.readJuteInt()
            changeNode(path) {
                $0.acl = acl
                $0.aversion = aversion
            }
        case .createSession?:
            let id = try payload.readJuteLong()
            sessions[id] = try payload.readJuteInt()
            uncheckpointedSessions.insert(id)
        case .closeSession?:
            let id = try payload.readJuteLong()
            sessions[id] = nil
            uncheckpointedSessions.insert(id)
        case nil:
            throw RecoveryError("the log record \(hex(zxid)) contains an entry of an unknown kind")
        }
    }

    private mutating func changeNode(_ path: String, _ change: (inout NodeState) -> Void) {
        let key = PathKey(path)
        uncheckpointedNodes.insert(key)
        if let index = nodes.index(forKey: key) {
            change(&nodes.values[index])
        } else if Tree.initialNodes[key] != nil {
            var state = Tree.initialNodes[key] ?? Tree.plainState
            change(&state)
            nodes[key] = state
        }
    }
}

/// A zxid as ZooKeeper's tools show it.
func hex(_ zxid: Int64) -> String {
    "0x" + String(UInt64(bitPattern: zxid), radix: 16)
}
