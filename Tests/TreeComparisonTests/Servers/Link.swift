import NIOCore
import ZooKeeperProtocol

/// One connection to each of the two servers, on which the same is sent.
final class Link {
    /// A session as each of the two servers knows it.
    struct Session {
        var ours: ConnectResponse
        var theirs: ConnectResponse
    }

    private let connections: (ours: WireConnection, theirs: WireConnection)
    /// What was received and not compared yet.
    private(set) var ours: [Answer] = []
    private(set) var theirs: [Answer] = []
    /// The newest transaction that each side told of in a reply.
    private(set) var lastSeen: (ours: Int64, theirs: Int64) = (0, 0)
    private(set) var session: Session?
    private var calls: [Int32: Call] = [:]
    private var xid: Int32 = 0
    private let tamper: Tamper?

    /// Changes what our server answered: how tests plant a difference.
    typealias Tamper = (Call, inout Answer) -> Void

    /// Both sides have closed.
    var isClosed: Bool { ours.last == .closed && theirs.last == .closed }

    init(ourPort: Int, theirPort: Int, tamper: Tamper?) throws {
        connections = (
            try WireConnection(port: ourPort, name: "our server"), try WireConnection(port: theirPort, name: "the peer")
        )
        self.tamper = tamper
    }

    /// Shakes hands on both sides.
    func connect(
        timeout: Int32, session old: Session? = nil, lastZxidSeen: Int64 = 0, wrongPassword: Bool = false
    ) throws {
        func request(_ old: ConnectResponse?) -> ByteBuffer {
            var password = old?.password ?? [UInt8](repeating: 0, count: 16)
            if wrongPassword { password[0] ^= 1 }
            var buffer = ByteBuffer()
            Frame.write(into: &buffer) {
                ConnectRequest(
                    lastZxidSeen: lastZxidSeen, timeoutMilliseconds: timeout, sessionID: old?.sessionID ?? 0,
                    password: password
                ).write(into: &$0)
            }
            return buffer
        }
        connections.ours.send(request(old?.ours))
        connections.theirs.send(request(old?.theirs))
        let our = try Self.response(connections.ours, &ours)
        let their = try Self.response(connections.theirs, &theirs)
        if let our, let their { session = Session(ours: our, theirs: their) }
    }

    private static func response(_ connection: WireConnection, _ answers: inout [Answer]) throws -> ConnectResponse? {
        switch try connection.receive() {
        case .closed:
            answers.append(.closed)
            return nil
        case .frame(var frame):
            answers.append(try Answer(connectResponse: frame))
            let response = try ConnectResponse(from: &frame)
            guard response.timeoutMilliseconds > 0 else {
                if case .closed = try connection.receive() { answers.append(.closed) }
                return nil
            }
            return response
        }
    }

    /// Sends requests in one go and waits until all are answered, or the connection is closed.
    func exchange(_ requests: [Call], root: String, lastSeen moment: (ours: Int64, theirs: Int64)? = nil) throws {
        let moment = moment ?? lastSeen
        send(type: requests, root, connections.ours) { Self.zxid($0, moment.ours) }
        xid -= Int32(requests.count)
        send(type: requests, root, connections.theirs) { Self.zxid($0, moment.theirs) }
        try receive(requests.count, connections.ours, &ours, &lastSeen.ours, tamper)
        try receive(requests.count, connections.theirs, &theirs, &lastSeen.theirs, nil)
    }

    /// Ends the session on both sides.
    func closeSession() throws {
        xid += 1
        for connection in [connections.ours, connections.theirs] {
            var buffer = ByteBuffer()
            Frame.write(into: &buffer) { RequestHeader(xid: xid, operation: .closeSession).write(into: &$0) }
            connection.send(buffer)
        }
        try receive(.max, connections.ours, &ours, &lastSeen.ours, nil)
        try receive(.max, connections.theirs, &theirs, &lastSeen.theirs, nil)
    }

    /// Waits until both sides have closed.
    func awaitEnd() throws {
        try receive(.max, connections.ours, &ours, &lastSeen.ours, nil)
        try receive(.max, connections.theirs, &theirs, &lastSeen.theirs, nil)
    }

    func drop() {
        connections.ours.closeGently()
        connections.theirs.closeGently()
    }

    /// The request that a reply answers.
    func call(_ xid: Int32) -> Call? { calls[xid] }

    func forgetAnswers() {
        ours.removeAll(keepingCapacity: true)
        theirs.removeAll(keepingCapacity: true)
        calls.removeAll(keepingCapacity: true)
    }

    private static func zxid(_ moment: Call.Moment, _ lastSeen: Int64) -> Int64 {
        switch moment {
        case .beginning: 0
        case .lastSeen: lastSeen
        case .future: .max
        }
    }

    private func send(
        type requests: [Call], _ root: String, _ connection: WireConnection, _ moment: (Call.Moment) -> Int64
    ) {
        var buffer = ByteBuffer()
        for call in requests {
            xid += 1
            let xid = call.xid(xid)
            calls[xid] = call
            Frame.write(into: &buffer) {
                RequestHeader(xid: xid, type: call.type).write(into: &$0)
                call.write(into: &$0, root: root, moment: moment)
            }
        }
        connection.send(buffer)
    }

    /// What a server does not know costs the connection, soon after the answer. Apache's still answers what comes between,
    /// so nothing more is asked.
    private func end(_ connection: WireConnection, _ answers: inout [Answer]) throws {
        while case .frame(let frame) = try connection.receive() {
            answers.append(try Answer(frame, call: { calls[$0] }))
        }
        answers.append(.closed)
    }

    private func receive(
        _ count: Int, _ connection: WireConnection, _ answers: inout [Answer], _ lastSeen: inout Int64,
        _ tamper: Tamper?
    ) throws {
        guard answers.last != .closed else { return }
        var left = count
        while left > 0 {
            guard case .frame(let frame) = try connection.receive() else {
                answers.append(.closed)
                return
            }
            var answer = try Answer(frame, call: { calls[$0] })
            if case .reply(let xid, let zxid, _, _) = answer {
                left -= 1
                lastSeen = max(lastSeen, zxid)
                if let tamper, let call = calls[xid] { tamper(call, &answer) }
            }
            answers.append(answer)
            if case .reply(_, _, ErrorCode.unimplemented.rawValue, _) = answer { return try end(connection, &answers) }
        }
    }
}
