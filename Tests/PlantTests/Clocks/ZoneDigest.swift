import Foundation
import Plant
import Testing

/// The digest of Tests/Oracles/zones.py: FNV-1a over the answers to the same local times.
struct ZoneDigest {
    private static let day: Milliseconds = 86_400_000
    private static let quarter: Milliseconds = 900_000

    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    var text: String {
        let folded = String((state >> 32) ^ (state & 0xFFFF_FFFF), radix: 16)
        return String(repeating: "0", count: 8 - folded.count) + folded
    }

    mutating func add(_ rules: ZoneRules, year: Int) {
        for day in SourceTime.dayNumber(Int64(year), 1, 1)..<SourceTime.dayNumber(Int64(year) + 1, 1, 1) {
            add(rules, local: day * Self.day + day * 7_919_017 % Self.day)
            guard rules.offset(at: day * Self.day) != rules.offset(at: (day + 1) * Self.day) else { continue }
            for quarter in -96..<192 as Range<Milliseconds> {
                add(rules, local: day * Self.day + quarter * Self.quarter - 1)
                add(rules, local: day * Self.day + quarter * Self.quarter)
            }
        }
    }

    private mutating func add(_ rules: ZoneRules, local: Milliseconds) {
        switch rules.moments(ofLocal: local) {
        case .skipped(let moment): add(0, moment)
        case .one(let moment): add(1, moment)
        case .two(let earlier, let later): add(2, earlier, later)
        }
    }

    private mutating func add(_ values: Int64...) {
        for value in values { state = (state ^ UInt64(bitPattern: value)) &* 0x100_0000_01B3 }
    }
}

extension ZoneFixture: CustomTestStringConvertible {
    var testDescription: String { name }

    var bytes: [UInt8] { Data(base64Encoded: file).map { Array($0) } ?? [] }

    func rules() throws -> ZoneRules { try ZoneRules(tzif: bytes.span) }

    static func rules(_ name: String) throws -> ZoneRules {
        try #require(all.first { $0.name == name }).rules()
    }
}
