import Glibc
import NIOCore
import ZooKeeperProtocol

/// A session over blocking sockets, one after the other: reconnects at once, shows each answer as it came.
///
/// For one thread. Nothing of the client library takes part, so that what it finds is the server's doing.
final class RawSession {
    enum Failure: Error, Equatable {
        /// The connection is gone; what was sent and not answered may have taken effect.
        case disconnected
        /// The server says that the session is over.
        case expired
        /// An answer that nobody waited for, or out of order.
        case unexpectedAnswer(xid: Int32, waitingFor: Int32?)
    }

    struct Reply {
        var error: ErrorCode
        var zxid: Int64
        var body: ByteBuffer
    }

    private let port: Int
    private let timeoutMilliseconds: Int32
    private var descriptor: Int32 = -1
    private var password = [UInt8](repeating: 0, count: 16)
    private var received = ByteBuffer()
    private var nextXid: Int32 = 1
    private var waiting: [Int32] = []
    /// The session, from its first connection on.
    private(set) var id: Int64 = 0
    private(set) var newestZxid: Int64 = 0

    init(port: Int, timeoutMilliseconds: Int32 = 20_000) {
        self.port = port
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    deinit { disconnect() }

    var isConnected: Bool { descriptor >= 0 }

    func disconnect() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
        waiting = []
        received.clear()
    }

    /// Connects, or takes the session up again, with one attempt.
    func connect() throws {
        disconnect()
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let descriptor = descriptor
        var noDelay: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &noDelay, socklen_t(MemoryLayout<Int32>.size))
        // Nothing hangs for ever: a server that is silent for so long is a fault that the test reports.
        var patience = timeval(tv_sec: 15, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { throw lost() }
        let request = ConnectRequest(
            lastZxidSeen: newestZxid, timeoutMilliseconds: timeoutMilliseconds, sessionID: id, password: password)
        var frame = ByteBuffer()
        Frame.write(into: &frame) { request.write(into: &$0) }
        try write(frame)
        var answer = try readFrame()
        let response = try ConnectResponse(from: &answer)
        guard response.timeoutMilliseconds > 0, id == 0 || response.sessionID == id else {
            disconnect()
            throw Failure.expired
        }
        id = response.sessionID
        password = response.password
    }

    /// Sends a request without waiting for its answer.
    func send(_ operation: OperationCode, _ body: (inout ByteBuffer) -> Void = { _ in }) throws {
        let xid = nextXid
        nextXid = nextXid == .max ? 1 : nextXid + 1
        var frame = ByteBuffer()
        Frame.write(into: &frame) { buffer in
            RequestHeader(xid: xid, operation: operation).write(into: &buffer)
            body(&buffer)
        }
        waiting.append(xid)
        try write(frame)
    }

    /// The answer to the oldest request that has none yet.
    func receive() throws -> Reply {
        var frame = try readFrame()
        let header = try ReplyHeader(from: &frame)
        guard let expected = waiting.first, expected == header.xid else {
            throw Failure.unexpectedAnswer(xid: header.xid, waitingFor: waiting.first)
        }
        waiting.removeFirst()
        newestZxid = max(newestZxid, header.zxid)
        return Reply(error: header.error, zxid: header.zxid, body: frame)
    }

    func call(_ operation: OperationCode, _ body: (inout ByteBuffer) -> Void = { _ in }) throws -> Reply {
        try send(operation, body)
        return try receive()
    }

    private func lost() -> Failure {
        disconnect()
        return .disconnected
    }

    private func write(_ frame: ByteBuffer) throws {
        var frame = frame
        while frame.readableBytes > 0 {
            let count = frame.withUnsafeReadableBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw lost() }
            frame.moveReaderIndex(forwardBy: count)
        }
    }

    private func readFrame() throws -> ByteBuffer {
        while true {
            if let frame = try Frame.decode(from: &received, maximumLength: 16 << 20) { return frame }
            received.discardReadBytes()
            let count = received.writeWithUnsafeMutableBytes(minimumWritableBytes: 65_536) { bytes in
                max(0, recv(descriptor, bytes.baseAddress, bytes.count, 0))
            }
            guard count > 0 else { throw lost() }
        }
    }
}
