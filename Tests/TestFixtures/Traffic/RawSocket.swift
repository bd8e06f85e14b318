import Foundation
import Primitives

/// A blocking TCP connection to a port of this machine, or of one beside it, for bytes that no library would send.
struct RawSocket: Sendable {
    private let descriptor: Int32

    /// nil when nobody listens, or answers within half a second.
    ///
    /// - Parameter host: An IPv4 address.
    init?(host: String = "127.0.0.1", port: Int) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        let descriptor = descriptor
        Self.setSendTimeout(descriptor, microseconds: 500_000)
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            Glibc.close(descriptor)
            return nil
        }
        Self.setSendTimeout(descriptor, microseconds: 0)
    }

    /// Holds for connecting as well; 0 for none.
    private static func setSendTimeout(_ descriptor: Int32, microseconds: Int) {
        var timeout = timeval(tv_sec: 0, tv_usec: microseconds)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Sends everything; false when the other side has closed.
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// At least `count` bytes; nil when the other side closes or `deadline` passes first.
    func receive(atLeast count: Int, within deadline: Duration) -> [UInt8]? {
        let end = ContinuousClock.now + deadline
        var received: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while received.count < count {
            let milliseconds = (end - .now).wholeMilliseconds
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard milliseconds > 0, poll(&poller, 1, Int32(clamping: milliseconds)) > 0 else { return nil }
            let got = recv(descriptor, &chunk, chunk.count, 0)
            guard got > 0 else { return nil }
            received += chunk[0..<got]
        }
        return received
    }

    func close() { Glibc.close(descriptor) }
}
