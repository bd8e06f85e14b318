import Foundation

/// Blocking sockets.
enum Descriptors {
    static func allow(_ count: Int) throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        guard limit.rlim_max >= rlim_t(count) else {
            throw Failure("this needs \(count) open files, the system allows \(limit.rlim_max)")
        }
        limit.rlim_cur = max(limit.rlim_cur, rlim_t(count))
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    static func socketAddress(_ address: String, _ port: UInt16) throws -> sockaddr_in {
        var result = sockaddr_in()
        result.sin_family = sa_family_t(AF_INET)
        result.sin_port = port.bigEndian
        guard inet_pton(AF_INET, address, &result.sin_addr) == 1 else {
            throw Failure("\(address) is not an IPv4 address")
        }
        return result
    }

    static func stream() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure("no socket: errno \(errno)") }
        return descriptor
    }

    static func sendAtOnce(_ descriptor: Int32) {
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    }

    static func connected(_ address: String, _ port: UInt16) throws -> Int32 {
        var peer = try socketAddress(address, port)
        let descriptor = try stream()
        let status = withUnsafePointer(to: &peer) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw Failure("cannot connect to \(address):\(port): errno \(errno)") }
        sendAtOnce(descriptor)
        var timeout = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        return descriptor
    }

    static func write(_ descriptor: Int32, _ bytes: [UInt8]) throws {
        guard send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Failure("cannot send: errno \(errno)")
        }
    }

    static func readExactly(_ descriptor: Int32, _ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard count == 0 || recv(descriptor, &bytes, count, Int32(MSG_WAITALL)) == count else {
            throw Failure("the connection ended, or nothing came for 20 s")
        }
        return bytes
    }

    /// A frame without its length.
    static func readFrame(_ descriptor: Int32) throws -> [UInt8] {
        let length = Bytes.integer(try readExactly(descriptor, 4), at: 0)
        guard (0..<1 << 20).contains(length) else { throw Failure("a frame of \(length) bytes") }
        return try readExactly(descriptor, length)
    }
}

/// Integers and texts as the protocol writes them.
enum Bytes {
    static func of(_ values: any FixedWidthInteger...) -> [UInt8] {
        values.flatMap { big($0) }
    }

    private static func big(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian, Array.init)
    }

    static func text(_ value: String) -> [UInt8] { of(Int32(value.utf8.count)) + Array(value.utf8) }

    static func frame(_ body: [UInt8]) -> [UInt8] { of(Int32(body.count)) + body }

    static func integer(_ bytes: [UInt8], at index: Int) -> Int {
        Int(Int32(bitPattern: bytes[index..<index + 4].reduce(0) { $0 << 8 | UInt32($1) }))
    }
}
