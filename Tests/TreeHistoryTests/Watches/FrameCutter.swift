import Foundation
import Primitives
import Synchronization
import TestFixtures

/// A proxy that cuts each connection behind a certain number of whole frames from the server.
final class FrameCutter: Sendable {
    let port: Int
    private let target: Int
    private let listener: Int32
    private let state: Mutex<(random: SeededRandom, cuts: Int, isGentle: Bool, isClosed: Bool)>

    init(target: Int, seed: UInt64) throws {
        self.target = target
        state = Mutex((SeededRandom(seed: seed), 0, false, false))
        signal(SIGPIPE, SIG_IGN)
        let port = try FreePort.tcp()
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard Self.withLoopback(port, { bind(listener, $0, $1) }) == 0, listen(listener, 16) == 0 else {
            throw FixtureError("the proxy cannot listen")
        }
        self.port = port
        self.listener = listener
        Thread.detachNewThread { [self] in accept() }
    }

    var cuts: Int { state.withLock { $0.cuts } }
    /// From now on new connections are left alone.
    func beGentle() { state.withLock { $0.isGentle = true } }
    func close() {
        state.withLock { $0.isClosed = true }
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            if client < 0 || state.withLock({ $0.isClosed }) { break }
            let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard Self.withLoopback(target, { connect(server, $0, $1) }) == 0 else {
                Glibc.close(client)
                Glibc.close(server)
                continue
            }
            // Often within the handshake and the arming of the watches, otherwise somewhere among the events.
            let frames = state.withLock { state -> Int in
                if state.isGentle { return .max }
                let isEarly = Int.random(in: 0..<3, using: &state.random) == 0
                return Int.random(in: isEarly ? 0...4 : 5...60, using: &state.random)
            }
            let ends = Mutex(2)
            let finish: @Sendable () -> Void = {
                shutdown(client, Int32(SHUT_RDWR))
                shutdown(server, Int32(SHUT_RDWR))
                let isLast = ends.withLock { left in
                    left -= 1
                    return left == 0
                }
                if isLast {
                    Glibc.close(client)
                    Glibc.close(server)
                }
            }
            Thread.detachNewThread {
                var buffer = [UInt8](repeating: 0, count: 65_536)
                while true {
                    let count = recv(client, &buffer, buffer.count, 0)
                    guard count > 0, Self.send(server, buffer[0..<count]) else { break }
                }
                finish()
            }
            Thread.detachNewThread { [self] in
                var left = frames
                while left > 0, let header = Self.receive(server, 4) {
                    let length = header.reduce(0) { $0 << 8 | Int($1) }
                    guard let body = Self.receive(server, length), Self.send(client, (header + body)[...]) else {
                        break
                    }
                    left -= 1
                }
                if left == 0 { state.withLock { $0.cuts += 1 } }
                finish()
            }
        }
        Glibc.close(listener)
    }

    private static func receive(_ descriptor: Int32, _ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress?.advanced(by: done), count - done, 0)
            }
            guard got > 0 else { return nil }
            done += got
        }
        return bytes
    }

    private static func send(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func withLoopback(
        _ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
