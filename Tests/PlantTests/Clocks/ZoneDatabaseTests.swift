import Foundation
import Plant
import Testing

/// The time zone database of this machine, as it stands: no expectation here depends on its version.
@Suite("The time zone database of this machine")
struct ZoneDatabaseTests {
    private static let folder = ProcessInfo.processInfo.environment["TZDIR"] ?? "/usr/share/zoneinfo"
    private static let digestFile = ProcessInfo.processInfo.environment["LINEKEEPER_ZONE_DIGESTS"]

    private func content(_ name: String) throws -> [UInt8] {
        let path = "\(Self.folder)/\(name)"
        let content = FileManager.default.contents(atPath: path)
        return try Array(#require(content, "There is no \(path): install the package tzdata (apt-get install tzdata)."))
    }

    private func rules(_ name: String) throws -> ZoneRules {
        let bytes = try content(name)
        return try ZoneRules(tzif: bytes.span)
    }

    /// Zones and links of `tzdata.zi`, which lists what the database has.
    private func names() throws -> [String] {
        var names: Set<String> = []
        for line in String(decoding: try content("tzdata.zi"), as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count > 2, words[0] == "Z" { names.insert(String(words[1])) }
            if words.count == 3, words[0] == "L" { names.insert(String(words[2])) }
        }
        return names.sorted()
    }

    @Test("each of its zones is read, and each local time found at the moments that clocks show it")
    func allZones() throws {
        let names = try names()
        #expect(names.count > 300)
        for name in names {
            do {
                try check(name)
            } catch {
                Issue.record("\(name) \(error)")
            }
        }
    }

    private func check(_ name: String) throws {
        let rules = try rules(name)
        for day in stride(from: SourceTime.dayNumber(1900, 1, 1), to: SourceTime.dayNumber(2100, 1, 1), by: 11) {
            let moment = day * 86_400_000 + day * 7_919_017 % 86_400_000
            let local = moment + rules.offset(at: moment)
            switch rules.moments(ofLocal: local) {
            case .one(let found): #expect(found == moment, "\(name) \(moment)")
            case .two(let earlier, let later): #expect(earlier == moment || later == moment, "\(name) \(moment)")
            case .skipped: Issue.record("\(name): clocks show \(local) at \(moment)")
            }
        }
    }

    /// Tests/Oracles/zones.py --compare writes the digests of the database beside it.
    @Test("each of its zones is what Python's zoneinfo makes of it", .enabled(if: digestFile != nil))
    func digests() throws {
        let file = try #require(Self.digestFile)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            var digest = ZoneDigest()
            let rules = try rules(words[0])
            for year in 1970...2060 { digest.add(rules, year: year) }
            #expect(digest.text == words[1], "\(words[0])")
        }
    }
}
