import NIOCore
import ZooKeeperProtocol

/// What a log record says was done; the tag of each entry in a record.
enum LogTag: UInt8 {
    case create = 1
    case delete = 2
    case setData = 3
    case setACL = 4
    case createSession = 5
    case closeSession = 6
    case digest = 7
}

/// Writes the records of one batch: `length, zxid, time, entries…`, one record a transaction.
///
/// An entry holds the *result* (the version after, the parent's counter after), not the request. Replaying it twice, or
/// over a state that already contains it, therefore does no harm as long as replay goes on to the end of the log. That is
/// what allows checkpoints to be taken while the tree changes.
struct LogWriter {
    private(set) var buffer = ByteBuffer()
    private(set) var recordCount = 0
    private var recordStart = 0
    /// Where the newest record of the batch begins.
    private var lastRecordStart = 0

    private static let recordHeaderSize = 20

    mutating func begin(zxid: Int64, time: Int64) {
        recordStart = buffer.writerIndex
        buffer.writeMultipleIntegers(UInt32(0), zxid, time)
    }

    mutating func commit() {
        stateLength(ofRecordAt: recordStart)
        lastRecordStart = recordStart
        recordCount += 1
    }

    private mutating func stateLength(ofRecordAt start: Int) {
        let length = buffer.writerIndex - start - Self.recordHeaderSize
        buffer.setInteger(UInt32(clamping: length), at: start)
    }

    mutating func rollBack() {
        buffer.moveWriterIndex(to: recordStart)
    }

    /// Whether the record being written says anything beyond its header.
    var hasEntries: Bool { buffer.writerIndex > recordStart + Self.recordHeaderSize }

    /// Hands over the records and starts anew.
    ///
    /// - Parameter digest: The sum over the tree with all of them; it stands at the end of the last.
    mutating func take(digest: UInt64) -> ByteBuffer {
        if recordCount > 0 {
            buffer.writeInteger(LogTag.digest.rawValue)
            buffer.writeInteger(digest)
            stateLength(ofRecordAt: lastRecordStart)
        }
        let taken = buffer
        buffer = ByteBuffer()
        // The next batch is likely to be as large as this one.
        buffer.reserveCapacity(min(taken.readableBytes, 1 << 20))
        recordCount = 0
        return taken
    }

    mutating func create(_ node: Node, parentCreations: Int32) {
        buffer.writeInteger(LogTag.create.rawValue)
        buffer.writeJuteString(node.path)
        buffer.writeJuteBytes(node.state.data)
        buffer.writeAccessList(node.state.acl)
        buffer.writeMultipleIntegers(node.state.owner.rawValue, parentCreations)
    }

    mutating func delete(_ path: String) {
        buffer.writeInteger(LogTag.delete.rawValue)
        buffer.writeJuteString(path)
    }

    mutating func setData(_ node: Node) {
        buffer.writeInteger(LogTag.setData.rawValue)
        buffer.writeJuteString(node.path)
        buffer.writeJuteBytes(node.state.data)
        buffer.writeInteger(node.state.version)
    }

    mutating func setACL(_ node: Node) {
        buffer.writeInteger(LogTag.setACL.rawValue)
        buffer.writeJuteString(node.path)
        buffer.writeAccessList(node.state.acl)
        buffer.writeInteger(node.state.aversion)
    }

    mutating func createSession(_ id: Int64, timeoutMilliseconds: Int32) {
        buffer.writeInteger(LogTag.createSession.rawValue)
        buffer.writeMultipleIntegers(id, timeoutMilliseconds)
    }

    mutating func closeSession(_ id: Int64) {
        buffer.writeInteger(LogTag.closeSession.rawValue)
        buffer.writeInteger(id)
    }
}

extension ByteBuffer {
    /// Nearly every node allows everything to everybody; that takes one byte.
    mutating func writeAccessList(_ acl: [ACL]) {
        if acl == ACL.worldAll {
            writeInteger(0, as: UInt8.self)
        } else {
            writeInteger(1, as: UInt8.self)
            writeJuteVector(acl)
        }
    }

    mutating func readAccessList() throws -> [ACL] {
        guard let form = readInteger(as: UInt8.self) else { throw WireFormatError("truncated access list") }
        if form == 0 { return ACL.worldAll }
        return try readJuteVector("acl", minimumSize: 12) { try ACL(from: &$0) }
    }
}
