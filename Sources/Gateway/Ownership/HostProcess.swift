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

    /// What tells this process from every other, here and elsewhere; nil where the machine does not say.
    static var proof: GatewayIdentity.ProcessProof? {
        guard let boot = text("/proc/sys/kernel/random/boot_id"), let namespace = link("/proc/self/ns/pid"),
            let start = text("/proc/self/stat").flatMap(ProcessStatus.init)?.start
        else { return nil }
        return GatewayIdentity.ProcessProof(bootID: boot, pidNamespace: namespace, processStart: start)
    }

    /// Whether the process of that id and start may be running, in this process's own namespace of ids.
    ///
    /// A process that cannot be looked at may be running; one that has ended and has not been collected by its parent is not.
    static func mayBeRunning(_ pid: Int64, start: Int64) -> Bool {
        guard let id = pid_t(exactly: pid), id > 0 else { return false }
        if kill(id, 0) != 0, errno == ESRCH { return false }
        guard let status = text("/proc/\(id)/stat").flatMap(ProcessStatus.init) else { return true }
        return status.start == start && !status.hasEnded
    }

    private static func text(_ path: String) -> String? {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else { return nil }
        return String(decoding: data.prefix { $0 != 0x0A }, as: UTF8.self)
    }

    private static func link(_ path: String) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: path)
    }
}

/// A line of `/proc/<pid>/stat` (proc(5)): `pid (name) state …`, the start in field 22.
struct ProcessStatus: Sendable, Equatable {
    var state: Character
    var start: Int64

    var hasEnded: Bool { state == "Z" || state == "X" }

    /// nil for a line of another form.
    init?(_ line: String) {
        // The name may hold spaces and parentheses; it ends with the last one.
        guard let end = line.lastIndex(of: ")") else { return nil }
        let fields = line[line.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let start = Int64(fields[19]) else { return nil }
        self.state = state
        self.start = start
    }
}

extension GatewayIdentity {
    /// This process under the name of a gateway.
    static func ofThisProcess(gateway: String, version: String, started: Milliseconds) -> GatewayIdentity {
        let random = String(UInt64.random(in: .min ... .max), radix: 16)
        return GatewayIdentity(
            gateway: gateway, host: HostProcess.hostName, pid: Int64(HostProcess.id), version: version,
            started: started,
            life: String(repeating: "0", count: 16 - random.count) + random, proof: HostProcess.proof)
    }

    /// Whether a node of this gateway's name is one of an earlier life that certainly has ended.
    func provesDeath(of registration: [UInt8]) -> Bool {
        guard let record = GatewayRecord(parsing: registration, name: gateway) else { return false }
        return proves(deathOf: record.identity) { HostProcess.mayBeRunning($0, start: $1) }
    }
}
