import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A time zone by its name in the IANA database, such as `Europe/Berlin`.
///
/// Judged by the files of the database on this machine, so that no second copy of it is linked in.
package struct TimeZoneName: Sendable, Hashable, CustomStringConvertible {
    package enum Mistake: Error, Hashable, CustomStringConvertible {
        case notAName
        case unknown
        /// This machine has no database in which to look.
        case noDatabase

        package var description: String {
            switch self {
            case .notAName: "is not the name of a time zone"
            case .unknown: "is not in this machine's time zone database"
            case .noDatabase: "cannot be looked up: this machine has no time zone database (install tzdata)"
            }
        }
    }

    package static let utc = TimeZoneName(identifier: "UTC")

    package let identifier: String

    private init(identifier: String) { self.identifier = identifier }

    package init(_ text: String, database: String = Self.database()) throws(Mistake) {
        guard Self.isName(text) else { throw .notAName }
        if text != "UTC" {
            guard FileManager.default.fileExists(atPath: database) else { throw .noDatabase }
            let content = FileManager.default.contents(atPath: database + "/" + text)
            guard let content, content.starts(with: Data("TZif".utf8)) else { throw .unknown }
        }
        identifier = text
    }

    package var description: String { identifier }

    /// Letters, digits and `_ + -`, in up to three levels: nothing that leads out of the database's folder.
    private static func isName(_ text: String) -> Bool {
        let levels = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return levels.count <= 3 && text.utf8.count <= 64
            && levels.allSatisfy { level in
                !level.isEmpty
                    && level.allSatisfy { byte in
                        switch byte {
                        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "+"),
                            UInt8(ascii: "-"):
                            true
                        default: false
                        }
                    }
            }
    }

    /// Where this machine keeps the database.
    package static func database(environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
        environment["TZDIR"] ?? "/usr/share/zoneinfo"
    }

    /// This machine's own zone: `TZ`, `/etc/timezone`, or where `/etc/localtime` leads; UTC when none of them names one.
    package static func machine(environment: [String: String] = ProcessInfo.processInfo.environment) -> TimeZoneName {
        let database = database(environment: environment)
        var names: [String] = []
        if let name = environment["TZ"], !name.isEmpty {
            names.append(name.hasPrefix(":") ? String(name.dropFirst()) : name)
        }
        if let content = FileManager.default.contents(atPath: "/etc/timezone") {
            names.append(String(decoding: content.prefix { $0 > 0x20 }, as: UTF8.self))
        }
        // Such as ../usr/share/zoneinfo/Europe/Berlin.
        if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/etc/localtime") {
            let levels = target.split(separator: "/")
            if let folder = levels.lastIndex(of: "zoneinfo") {
                names.append(levels[(folder + 1)...].joined(separator: "/"))
            }
        }
        return names.lazy.compactMap { try? TimeZoneName($0, database: database) }.first ?? .utc
    }
}
