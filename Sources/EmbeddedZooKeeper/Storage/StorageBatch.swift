import NIOCore
import ZooKeeperProtocol

/// What is stored in one disk transaction.
struct StorageBatch: Sendable {
    let number: UInt64
    /// The newest transaction in ``log``.
    let lastZxid: Int64
    /// The records; empty when only a checkpoint moves on.
    var log = ByteBuffer()
    /// Nodes that a checkpoint brings up to date.
    var nodes: [NodeRow] = []
    /// Sessions that a checkpoint brings up to date; without timeout: the session is gone.
    var sessions: [(id: Int64, timeoutMilliseconds: Int32?)] = []
    /// The checkpoint is complete: the tables contain everything up to here.
    var trimThrough: Int64?

    init(number: UInt64, lastZxid: Int64) {
        self.number = number
        self.lastZxid = lastZxid
    }

    var isEmpty: Bool { log.readableBytes == 0 && nodes.isEmpty && sessions.isEmpty && trimThrough == nil }
}

/// A node as it stands in the table: a checksum over path and state, then the state.
struct NodeRow: Sendable {
    let path: String
    /// `nil`: the node is gone.
    let bytes: ByteBuffer?

    init(path: String, state: NodeState?) {
        self.path = path
        bytes = state.map { state in
            var buffer = ByteBuffer()
            buffer.writeInteger(UInt32(0))
            buffer.writeMultipleIntegers(state.czxid, state.mzxid, state.pzxid, state.ctime, state.mtime)
            buffer.writeMultipleIntegers(state.version, state.creations, state.aversion, state.owner.rawValue)
            buffer.writeAccessList(state.acl)
            buffer.writeJuteBytes(state.data)
            buffer.setInteger(Self.checksum(path, buffer), at: 0)
            return buffer
        }
    }

    /// Reads a row back.
    ///
    /// - Throws: ``RecoveryError`` when it is not what was written.
    static func state(path: String, _ bytes: ByteBuffer) throws -> NodeState {
        var buffer = bytes
        guard let checksum = buffer.readInteger(as: UInt32.self), checksum == Self.checksum(path, bytes) else {
            throw RecoveryError("the stored node \(path) is damaged: its checksum does not fit")
        }
        guard
            let (czxid, mzxid, pzxid, ctime, mtime) = buffer.readMultipleIntegers(
                as: (Int64, Int64, Int64, Int64, Int64).self),
            let (version, creations, aversion, owner) = buffer.readMultipleIntegers(
                as: (Int32, Int32, Int32, Int64).self)
        else { throw RecoveryError("the stored node \(path) is cut short") }
        do {
            let acl = try buffer.readAccessList()
            // Not with `try?`, which would take null data for an error.
            let data = try buffer.readJuteBytes()
            return NodeState(
                data: data, acl: acl, czxid: czxid, mzxid: mzxid, pzxid: pzxid, ctime: ctime, mtime: mtime,
                version: version, creations: creations, aversion: aversion, owner: NodeOwner(rawValue: owner))
        } catch {
            throw RecoveryError("the stored node \(path) is cut short: \(error)")
        }
    }

    private static func checksum(_ path: String, _ bytes: ByteBuffer) -> UInt32 {
        var path = path
        let seed = path.withUTF8 { Checksum.crc32c(UnsafeRawBufferPointer($0)) }
        return bytes.withUnsafeReadableBytes {
            Checksum.crc32c(UnsafeRawBufferPointer(rebasing: $0.dropFirst(4)), startingWith: seed)
        }
    }
}
