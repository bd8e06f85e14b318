import Glibc
import Synchronization

/// A TCP proxy in front of a server on this machine that loses, delays and cuts on command.
///
/// Two blocking threads a connection, so that nothing of what is under test takes part in the faults.
public final class FaultProxy: Sendable {
    public enum Direction: Int, Sendable {
        case toServer = 0
        case toClient = 1
    }

    private struct State {
        var held: Set<Direction> = []
        var discarded: Set<Direction> = []
        var refuses = false
        /// Connections whose first bytes it is true of are hung up on, as soon as those have come.
        var refusesBeginning: (@Sendable ([UInt8]) -> Bool)?
        var links: [Int: Link] = [:]
        /// All bytes that clients have sent since they are recorded.
        var sent: [UInt8]?
        var accepted = 0
        var isClosed = false
    }

    /// The two sockets of one connection. The second pump to end closes them.
    private struct Link {
        let client: Int32
        let server: Int32
        var pumps = 2
        /// What the client said first, such as its CONNECT packet.
        var beginning: [UInt8] = []
    }

    /// Where clients connect.
    public let port: Int
    private let target: Int
    private let listener: Int32
    private let state = Mutex(State())

    /// - Parameter host: Where it listens; any of 127.0.0.0/8.
    public init(target: Int, host: UInt32 = 0x7f00_0001) throws {
        self.target = target
        signal(SIGPIPE, SIG_IGN)
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = Self.loopback(0, host)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, size) }
        }
        guard bound == 0, listen(listener, 64) == 0 else { throw FixtureError("the proxy cannot listen") }
        var length = size
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &length) }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        Self.thread { [self] in acceptLoop() }
    }

    /// How many connections were accepted so far.
    public var acceptedConnections: Int { state.withLock { $0.accepted } }

    /// Records what clients send from now on, for ``sent``.
    public func recordSent() { state.withLock { $0.sent = [] } }
    /// What clients have sent since ``recordSent()``. Meant for one connection: several are mixed.
    public var sent: [UInt8] { state.withLock { $0.sent ?? [] } }

    /// Keeps bytes of a direction back until ``release(_:)``.
    public func hold(_ direction: Direction) { state.withLock { _ = $0.held.insert(direction) } }
    public func release(_ direction: Direction) { state.withLock { _ = $0.held.remove(direction) } }
    /// Throws bytes of a direction away.
    public func discard(_ direction: Direction) { state.withLock { _ = $0.discarded.insert(direction) } }
    /// Hangs up on whoever connects, until told otherwise.
    public func refuse(_ refuses: Bool) { state.withLock { $0.refuses = refuses } }

    /// Hangs up on those connections, present and future, whose first bytes satisfy `isMeant`; nil: on none any more.
    public func refuse(beginning isMeant: (@Sendable ([UInt8]) -> Bool)?) {
        state.withLock { $0.refusesBeginning = isMeant }
        if let isMeant { cut(beginning: isMeant) }
    }

    /// Cuts all connections, or those that began with what satisfies `isMeant`. What is held back is lost.
    public func cut(beginning isMeant: @Sendable ([UInt8]) -> Bool = { _ in true }) {
        state.withLock { state in
            for link in state.links.values where isMeant(link.beginning) {
                shutdown(link.client, Int32(SHUT_RDWR))
                shutdown(link.server, Int32(SHUT_RDWR))
            }
        }
    }

    /// Everything flows again.
    public func heal() {
        state.withLock { state in
            state.held = []
            state.discarded = []
            state.refuses = false
            state.refusesBeginning = nil
        }
    }

    public func close() {
        state.withLock { $0.isClosed = true }
        cut()
        // Or pumps that hold something back would go on for ever.
        heal()
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func acceptLoop() {
        while true {
            let client = accept(listener, nil, nil)
            if client < 0 { break }
            if state.withLock({ $0.refuses || $0.isClosed }) {
                Glibc.close(client)
                continue
            }
            let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            var address = Self.loopback(target)
            let connected = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard connected == 0 else {
                Glibc.close(server)
                Glibc.close(client)
                continue
            }
            var one: Int32 = 1
            for descriptor in [client, server] {
                setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
            }
            let id = state.withLock { state in
                state.accepted += 1
                state.links[state.accepted] = Link(client: client, server: server)
                return state.accepted
            }
            Self.thread { [self] in pump(id, from: client, to: server, .toServer) }
            Self.thread { [self] in pump(id, from: server, to: client, .toClient) }
        }
        Glibc.close(listener)
    }

    private func pump(_ id: Int, from source: Int32, to destination: Int32, _ direction: Direction) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        reading: while true {
            let count = recv(source, &buffer, buffer.count, 0)
            if count <= 0 { break }
            if direction == .toServer {
                if isRefused(id, buffer[..<count]) { break }
                state.withLock { $0.sent?.append(contentsOf: buffer[..<count]) }
            }
            while state.withLock({ $0.held.contains(direction) }) {
                usleep(500)
                // Cut while held: a socket that was shut down says so.
                var probe: UInt8 = 0
                if recv(destination, &probe, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) == 0 { break reading }
            }
            if state.withLock({ $0.discarded.contains(direction) }) { continue }
            var sent = 0
            while sent < count {
                let written = buffer.withUnsafeBytes {
                    send(destination, $0.baseAddress?.advanced(by: sent), count - sent, Int32(MSG_NOSIGNAL))
                }
                if written <= 0 { break reading }
                sent += written
            }
        }
        shutdown(source, Int32(SHUT_RDWR))
        shutdown(destination, Int32(SHUT_RDWR))
        state.withLock { state in
            state.links[id]?.pumps -= 1
            guard let link = state.links[id], link.pumps == 0 else { return }
            Glibc.close(link.client)
            Glibc.close(link.server)
            state.links[id] = nil
        }
    }

    /// Notes what a connection begins with, and says whether that is refused.
    private func isRefused(_ id: Int, _ bytes: ArraySlice<UInt8>) -> Bool {
        state.withLock { state in
            guard state.links[id]?.beginning.isEmpty == true else { return false }
            state.links[id]?.beginning = Array(bytes)
            return state.refusesBeginning?(Array(bytes)) ?? false
        }
    }

    private static func loopback(_ port: Int, _ host: UInt32 = 0x7f00_0001) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = host.bigEndian
        return address
    }

    private static func thread(_ body: @escaping @Sendable () -> Void) {
        final class Box: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Box(body))
        pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, box.toOpaque())
        pthread_detach(thread)
    }
}
