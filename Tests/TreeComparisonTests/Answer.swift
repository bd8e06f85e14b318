import NIOCore
import ZooKeeperProtocol

/// Part of what a server said, as it has to be compared: numbers exactly, transactions and sessions by which one they are.
enum Field: Hashable {
    case number(Int64)
    case text([UInt8]?)
    case zxid(Int64)
    case session(Int64)
    /// In no order that a client could rely on; here sorted.
    case names([String])
    case rest([UInt8])
}

extension Field: CustomStringConvertible {
    var description: String {
        switch self {
        case .number(let number): "\(number)"
        case .text(let bytes): Call.show(bytes)
        case .zxid(let zxid): "zxid:0x" + String(zxid, radix: 16)
        case .session(let id): "session:0x" + String(id, radix: 16)
        case .names(let names): "\(names)"
        case .rest(let bytes): "bytes:\(bytes)"
        }
    }
}

/// One frame of a server, or the end of the connection.
enum Answer: Hashable {
    case reply(xid: Int32, zxid: Int64, error: Int32, [Field])
    case event(zxid: Int64, type: Int32, state: Int32, path: String)
    case connected([Field])
    case closed

    init(connectResponse frame: ByteBuffer) throws {
        var frame = frame
        let response = try ConnectResponse(from: &frame)
        self = .connected([
            .number(Int64(response.protocolVersion)), .number(Int64(response.timeoutMilliseconds)),
            .session(response.sessionID), .number(Int64(response.password.count)),
            .number(response.readOnly == true ? 1 : 0), .rest(Array(buffer: frame)),
        ])
    }

    /// - Parameter call: The request that the frame answers, by xid; unknown for events.
    init(_ frame: ByteBuffer, call: (Int32) -> Call?) throws {
        var frame = frame
        let header = try ReplyHeader(from: &frame)
        if header.xid == ReservedXid.watchEvent {
            let type = try frame.readJuteInt()
            let state = try frame.readJuteInt()
            self = .event(zxid: header.zxid, type: type, state: state, path: try frame.readJuteString())
            return
        }
        var fields: [Field] = []
        if let call = call(header.xid), frame.readableBytes > 0 {
            try fields.readBody(of: call.type, from: &frame)
        }
        if frame.readableBytes > 0 { fields.append(.rest(Array(buffer: frame))) }
        self = .reply(xid: header.xid, zxid: header.zxid, error: header.error.rawValue, fields)
    }
}

extension [Field] {
    fileprivate mutating func readBody(of type: Int32, from frame: inout ByteBuffer) throws {
        switch OperationCode(rawValue: type) {
        case .create, .sync: append(.text(try frame.readJuteBytes()))
        case .create2, .createContainer, .createTTL:
            append(.text(try frame.readJuteBytes()))
            try readStat(from: &frame)
        case .exists, .setData, .setACL: try readStat(from: &frame)
        case .getData:
            append(.text(try frame.readJuteBytes()))
            try readStat(from: &frame)
        case .getChildren, .getEphemerals: append(.names(try frame.readJuteStrings().sorted()))
        case .getChildren2:
            append(.names(try frame.readJuteStrings().sorted()))
            try readStat(from: &frame)
        case .getACL:
            let response = try GetACLResponse(from: &frame)
            append(.names(response.acl.map { "\($0.permissions.rawValue):\($0.scheme):\($0.id)" }.sorted()))
            append(response.stat)
        case .whoAmI:
            append(.names(try WhoAmIResponse(from: &frame).clientInfo.map { "\($0.authScheme):\($0.user)" }.sorted()))
        case .getAllChildrenNumber, .addWatch: append(.number(Int64(try frame.readJuteInt())))
        case .multi, .multiRead:
            while true {
                let header = try MultiHeader(from: &frame)
                append(.number(Int64(header.type)))
                append(.number(header.done ? 1 : 0))
                append(.number(Int64(header.error)))
                if header.done { return }
                if header.type == OperationCode.error.rawValue {
                    append(.number(Int64(try frame.readJuteInt())))
                } else {
                    try readBody(of: header.type, from: &frame)
                }
            }
        default: break
        }
    }

    private mutating func readStat(from frame: inout ByteBuffer) throws { append(try Stat(from: &frame)) }

    /// Everything but the times, which no two servers have in common.
    private mutating func append(_ stat: Stat) {
        append(.zxid(stat.czxid))
        append(.zxid(stat.mzxid))
        append(.number(Int64(stat.version)))
        append(.number(Int64(stat.cversion)))
        append(.number(Int64(stat.aversion)))
        append(.session(stat.ephemeralOwner))
        append(.number(Int64(stat.dataLength)))
        append(.number(Int64(stat.numChildren)))
        append(.zxid(stat.pzxid))
    }
}

extension Answer: CustomStringConvertible {
    var description: String {
        switch self {
        case .reply(let xid, let zxid, let error, let fields):
            "reply xid=\(xid) zxid=0x\(String(zxid, radix: 16)) \(ErrorCode(rawValue: error)) \(fields)"
        case .event(let zxid, let type, let state, let path):
            "event \(EventType(rawValue: type).map { "\($0)" } ?? "\(type)") \(path) state=\(state) zxid=0x\(String(zxid, radix: 16))"
        case .connected(let fields): "connected \(fields)"
        case .closed: "connection closed"
        }
    }
}
