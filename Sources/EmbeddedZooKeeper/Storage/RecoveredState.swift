import NIOCore
import ZooKeeperProtocol

/// The stored state cannot be believed; the server does not start on it.
struct RecoveryError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension RecoveryError {
    static let advice =
        "Restore the newest backup (linekeeper tree restore), or put back the files as they were."

    static func damage(_ path: String, _ offset: Int, _ what: String, lastGood zxid: Int64? = nil) -> RecoveryError {
        let good = zxid.map { " The last transaction before it is \(hex($0))." } ?? ""
        return RecoveryError("\(path), byte \(offset): \(what).\(good) \(advice)")
    }

    /// - Parameter size: What the file had from its first batch on; no loss of power makes it shorter.
    static func cutShort(_ path: String, _ end: Int, madeWith size: Int, lastGood zxid: Int64) -> RecoveryError {
        let damage = damage(
            path, end,
            "the file ends here, but it was made with \(size) bytes: somebody or something has cut it short, "
                + "perhaps just behind a batch", lastGood: zxid)
        return RecoveryError(
            "\(damage) To give up what may have stood there, and only then: truncate --size=\(size) \(path)")
    }
}

/// What the checkpoint and the log add up to.
struct RecoveredState: Sendable {
    var nodes: [PathKey: NodeState] = [:]
    /// Timeout in milliseconds by session id.
    var sessions: [Int64: Int32] = [:]
    /// The newest transaction that was found.
    var lastZxid: Int64 = 0
    /// The zxid that this start begins with; greater than any given out before.
    var startZxid: Int64 = 0
    /// The greatest session id that was ever given out.
    var maximumSessionID: Int64 = 0
    /// What session passwords are derived from.
    var secret: [UInt8] = []
    /// The digest that the tree had after the newest transaction, when the log says so; see ``NodeDigest``.
    var digest: UInt64?

    /// Replays the records of one stored batch.
    ///
    /// Entries for nodes that are missing are skipped: the checkpoint may already know of a later deletion, which then
    /// stands further on in the log.
    ///
    /// - Throws: ``RecoveryError`` for anything that is not exactly what was once written.
    mutating func replay(_ batch: ByteBuffer, from previous: Int64, through last: Int64) throws {
        var batch = batch
        var newest = previous
        while batch.readableBytes > 0 {
            guard let (length, zxid, time) = batch.readMultipleIntegers(as: (UInt32, Int64, Int64).self),
                var entries = batch.readSlice(length: Int(length))
            else { throw RecoveryError("the record after transaction \(hex(newest)) is cut short") }
            guard zxid > newest else {
                throw RecoveryError("transaction \(hex(zxid)) follows \(hex(newest)), which is not older")
            }
            digest = nil
            do {
                while entries.readableBytes > 0 { try replayEntry(&entries, zxid: zxid, time: time) }
            } catch let error as WireFormatError {
                throw RecoveryError("the record of transaction \(hex(zxid)) cannot be read: \(error)")
            }
            newest = zxid
        }
        guard newest == last else {
            throw RecoveryError("the batch ends at transaction \(hex(newest)) instead of \(hex(last))")
        }
        lastZxid = newest
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
            nodes[PathKey(path)] = NodeState(
                data: data, acl: acl, czxid: zxid, mzxid: zxid, pzxid: zxid, ctime: time, mtime: time, owner: owner)
            guard let parent = ZooKeeperPath.parent(of: path) else { return }
            changeNode(parent) {
                $0.creations = parentCreations
                $0.pzxid = zxid
            }
        case .delete?:
            let path = try payload.readJuteString()
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
            maximumSessionID = max(maximumSessionID, id)
        case .closeSession?:
            let id = try payload.readJuteLong()
            sessions[id] = nil
        case .digest?:
            digest = UInt64(bitPattern: try payload.readJuteLong())
        case nil:
            throw RecoveryError("the log record \(hex(zxid)) contains an entry of an unknown kind")
        }
    }

    private mutating func changeNode(_ path: String, _ change: (inout NodeState) -> Void) {
        let key = PathKey(path)
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
