import Glibc
import Synchronization

/// Ports that nobody listens on.
public enum FreePort {
    /// A TCP port of the loopback address that nobody listens on.
    ///
    /// From below the range that the kernel takes for outgoing connections: there, a client's connection could take the
    /// port between the asking and the listening. Two callers in one process never get the same port; two processes begin
    /// at different places.
    public static func tcp() throws -> Int {
        for _ in 0..<1_000 {
            let port = next.withLock { next in
                defer { next = next >= last ? first : next + 1 }
                return next
            }
            if try canBind(port) { return port }
        }
        throw FixtureError("no free port from \(first) to \(last)")
    }

    private static let first = 12_000
    private static let last = 31_999
    private static let next = Mutex(first + Int(getpid()) &* 97 % (last - first))

    private static func canBind(_ port: Int) throws -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw FixtureError("socket: \(errnoText())") }
        defer { close(descriptor) }
        var address = loopback(port: port)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// Whether somebody accepts connections on `port` of the loopback address.
    public static func isListening(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = loopback(port: port)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(clamping: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }
}

/// What went wrong in a fixture, with what to do about it.
public struct FixtureError: Error, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
}

func errnoText() -> String { String(cString: strerror(errno)) }
