import Glibc
import Synchronization
import TestFixtures

/// A TCP server of a test: each connection is served by a thread of its own, until the listener goes.
final class Listener: Sendable {
    let port: Int
    private let descriptor: Int32
    private let open = Mutex<Set<Int32>>([])

    /// - Parameter serve: gets the connected socket; it is closed when it returns.
    init(_ serve: @escaping @Sendable (Int32) -> Void) throws {
        port = try FreePort.tcp()
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = loopbackAddress(port)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard bound == 0, listen(descriptor, 16) == 0 else { throw FixtureError("listen on \(port)") }
        startThread { [self, descriptor] in
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { return }
                open.withLock { _ = $0.insert(connection) }
                startThread { [self] in
                    serve(connection)
                    _ = open.withLock { $0.remove(connection) }
                    close(connection)
                }
            }
        }
    }

    /// Cuts every connection with a reset: nobody says goodbye.
    func cut() {
        open.withLock { connections in
            for connection in connections {
                var linger = linger(l_onoff: 1, l_linger: 0)
                setsockopt(connection, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
                shutdown(connection, Int32(SHUT_RDWR))
            }
        }
    }

    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
        cut()
    }
}

func loopbackAddress(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(clamping: port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
}

/// Reads what is there, at most 64 KiB; nil at the end.
func receiveBytes(_ descriptor: Int32) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    return count > 0 ? Array(buffer[..<count]) : nil
}

/// Sends everything; false when the connection is gone.
func sendBytes(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        guard count > 0 else { return false }
        rest = rest.dropFirst(count)
    }
    return true
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// A thread that nobody waits for: what it serves ends it.
func startThread(_ run: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let body = Unmanaged.passRetained(ThreadBody(run))
    pthread_create(
        &thread, nil,
        { object in
            guard let object else { return nil }
            Unmanaged<ThreadBody>.fromOpaque(object).takeRetainedValue().run()
            return nil
        }, body.toOpaque())
    pthread_detach(thread)
}
