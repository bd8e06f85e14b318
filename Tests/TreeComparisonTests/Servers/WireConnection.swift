import Glibc
import NIOCore
import TestFixtures
import ZooKeeperProtocol

/// A blocking connection that shows exactly the frames that a server sends, in their order.
///
/// Confined to one thread.
final class WireConnection {
    enum Received {
        case frame(ByteBuffer)
        case closed
    }

    private let descriptor: Int32
    private let name: String
    private var buffer = ByteBuffer()
    private var chunk = [UInt8](repeating: 0, count: 1 << 16)
    private var isOpen = true

    init(port: Int, name: String) throws {
        self.name = name
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw FixtureError("no socket: \(errno)") }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            Glibc.close(descriptor)
            isOpen = false
            throw Gone(name: name)
        }
    }

    deinit { close() }

    /// Sends everything. That the server has closed shows when its frames are read.
    func send(_ bytes: ByteBuffer) {
        bytes.withUnsafeReadableBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                let count = Glibc.send(
                    descriptor, bytes.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                sent += count
            }
        }
    }

    /// The next frame.
    ///
    /// - Throws: When nothing comes for ten seconds: the server hangs or owes an answer.
    func receive() throws -> Received {
        while true {
            if let frame = try Frame.decode(from: &buffer, maximumLength: 1 << 26) { return .frame(frame) }
            if buffer.readableBytes == 0 { buffer.clear() }
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let code = poll(&poller, 1, 10_000)
            if code < 0, errno == EINTR { continue }
            guard code > 0 else { throw Silence(name: name) }
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return .closed }
            buffer.writeBytes(chunk[0..<count])
        }
    }

    /// Closes, and waits until the server has noticed. Apache's takes a session's next connection off its books when it
    /// notices the end of the last one too late.
    func closeGently() {
        guard isOpen else { return }
        shutdown(descriptor, Int32(SHUT_WR))
        while case .frame? = try? receive() {}
        close()
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        Glibc.close(descriptor)
    }

    /// A server accepts no connections: most likely it has died.
    struct Gone: Error, CustomStringConvertible {
        let name: String
        var description: String { "\(name) does not accept connections any more" }
    }

    /// A server said nothing when something was owed.
    struct Silence: Error, CustomStringConvertible {
        let name: String
        var description: String { "\(name) owes an answer and is silent" }
    }
}
