import FoundationEssentials
import Plant

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The machine on which this process runs.
struct ThisMachine: MachineFacts {
    let environment: [String: String]

    var credentials: String? { environment["CREDENTIALS_DIRECTORY"].flatMap { $0.isEmpty ? nil : $0 } }

    var stateDirectory: String? {
        environment["STATE_DIRECTORY"]?.split(separator: ":").first.map(String.init)
    }

    var timeZone: TimeZoneName { .machine(environment: environment) }

    func timeZone(named name: String) throws(TimeZoneName.Mistake) -> TimeZoneName {
        try TimeZoneName(name, database: TimeZoneName.database(environment: environment))
    }

    func rules(ofZone name: String) throws(TimeZoneName.Mistake) -> ZoneRules {
        try TimeZoneName.rules(of: name, database: TimeZoneName.database(environment: environment))
    }

    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    func rightsOfOthers(toSecret path: String) -> String? { FileRights.ofOthers(toSecret: path) }

    func othersMayWrite(into folder: String) -> Bool { FileRights.othersMayWrite(into: folder) }

    /// What `${…}` stands for: the environment, with the machine's name.
    var variables: [String: String] {
        var variables = environment
        if variables["HOSTNAME", default: ""].isEmpty {
            // Shells set HOSTNAME but do not export it, and systemd does not know it.
            variables["HOSTNAME"] = Self.hostName()
        }
        return variables
    }

    private static func hostName() -> String? {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return nil }
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}
