import FoundationEssentials
import Plant

extension TimeZoneName {
    /// A zone that the database has. UTC needs none.
    package init(_ text: String, database: String = Self.database()) throws(Mistake) {
        guard Self.isName(text) else { throw .notAName }
        if text != "UTC" {
            guard FileManager.default.fileExists(atPath: database) else { throw .noDatabase }
            let content = FileManager.default.contents(atPath: database + "/" + text)
            guard let content, content.starts(with: Data("TZif".utf8)) else { throw .unknown }
        }
        self.init(identifier: text)
    }

    /// When the clocks of a zone are changed, by the database.
    static func rules(of text: String, database: String) throws(Mistake) -> ZoneRules {
        let zone = try TimeZoneName(text, database: database)
        guard zone != .utc else { return .utc }
        guard let content = FileManager.default.contents(atPath: database + "/" + zone.identifier) else {
            throw .unknown
        }
        do throws(ZoneRules.Mistake) {
            let bytes = Array(content)
            return try ZoneRules(tzif: bytes.span)
        } catch {
            throw .unreadable("\(error)")
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
