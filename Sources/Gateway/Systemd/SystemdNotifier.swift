#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Tells systemd how the process stands (`sd_notify(3)`), without libsystemd: one datagram a message.
///
/// nil when the process was not started by systemd, or not with `Type=notify`.
package struct SystemdNotifier: Sendable {
    /// What can be said; several go in one datagram, one a line.
    package enum Message: Sendable, Hashable {
        case ready
        case stopping
        case watchdog
        /// Shown by `systemctl status`. A line feed would begin another assignment and becomes a space.
        case status(String)

        package var text: String {
            switch self {
            case .ready: "READY=1"
            case .stopping: "STOPPING=1"
            case .watchdog: "WATCHDOG=1"
            case .status(let text): "STATUS=" + String(text.map { $0.isNewline ? " " : $0 })
            }
        }
    }

    /// Why a message did not reach systemd.
    package struct NotSent: Error, CustomStringConvertible {
        package var socket: String
        package var code: Int32
        package var description: String { "cannot notify systemd on \(socket): \(String(cString: strerror(code)))" }
    }

    /// Value of `NOTIFY_SOCKET`: a path, or `@` and a name in the abstract namespace.
    package let socket: String
    /// Half of what systemd waits for a sign of life; nil when it does not watch this process.
    package let watchdogInterval: Duration?

    /// - Parameters:
    ///   - environment: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` of it are read.
    ///   - processID: of this process.
    package init?(environment: [String: String], processID: Int32) {
        guard let socket = environment["NOTIFY_SOCKET"], socket.hasPrefix("/") || socket.hasPrefix("@"),
            socket.utf8.count > 1
        else { return nil }
        self.socket = socket
        // The variables are inherited: they may be meant for a parent.
        let isForUs = environment["WATCHDOG_PID"].map { Int32($0) == processID } ?? true
        if isForUs, let microseconds = environment["WATCHDOG_USEC"].flatMap({ Int64($0) }), microseconds > 1 {
            watchdogInterval = .microseconds(microseconds / 2)
        } else {
            watchdogInterval = nil
        }
    }

    /// Sends the messages as one datagram. Does not block: systemd's socket takes it or refuses it.
    package func notify(_ messages: Message...) throws(NotSent) {
        let payload = Array(messages.map(\.text).joined(separator: "\n").utf8)
        guard let (address, length) = Self.address(of: socket) else {
            throw NotSent(socket: socket, code: ENAMETOOLONG)
        }
        #if canImport(Glibc)
            let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #else
            let descriptor = Musl.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
        #endif
        guard descriptor >= 0 else { throw NotSent(socket: socket, code: errno) }
        defer { close(descriptor) }
        let sent = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                sendto(descriptor, payload, payload.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), address, length)
            }
        }
        guard sent == payload.count else { throw NotSent(socket: socket, code: errno) }
    }

    /// The socket's address and how much of it counts; nil when the name is too long for one.
    static func address(of socket: String) -> (sockaddr_un, socklen_t)? {
        var name = Array(socket.utf8)
        let isAbstract = name.first == UInt8(ascii: "@")
        // In the abstract namespace the name begins with a zero byte and ends with the address, not with a zero byte.
        if isAbstract { name[0] = 0 }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard name.count < room else { return nil }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? MemoryLayout<sa_family_t>.size
        return (address, socklen_t(offset + name.count + (isAbstract ? 0 : 1)))
    }
}
