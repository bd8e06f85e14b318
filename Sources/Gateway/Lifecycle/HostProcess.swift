import Plant

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// This process, as the machine knows it.
enum HostProcess {
    static var id: Int32 { getpid() }

    static var environment: [String: String] { ProcessInfo.processInfo.environment }

    static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "unknown" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether a process of that number lives on this machine (of any user).
    static func isAlive(_ pid: Int64) -> Bool {
        guard let pid = pid_t(exactly: pid), pid > 0 else { return false }
        return kill(pid, 0) == 0 || errno == EPERM
    }
}

extension GatewayIdentity {
    /// Whether `data` is the node of an earlier life of the same gateway that certainly has ended: a process of this
    /// machine that is gone. Anything else may be a second gateway of the same name, and is left to its session.
    static func isDeadPredecessor(_ data: [UInt8], of identity: GatewayIdentity) -> Bool {
        guard let json = try? JSONValue(parsing: data), json["gateway"]?.stringValue == identity.gateway,
            json["host"]?.stringValue == identity.host, let pid = json["pid"]?.intValue
        else { return false }
        return pid == identity.pid || !HostProcess.isAlive(pid)
    }
}
