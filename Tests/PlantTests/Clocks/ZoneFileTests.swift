import Foundation
import Primitives
import TestFixtures
import Testing

@testable import Plant

@Suite("Time zone files (TZif)")
struct ZoneFileTests {
    private static let berlin = ZoneFixture.all[0].bytes

    private func refusal(_ bytes: [UInt8]) -> ZoneRules.Mistake? {
        do throws(ZoneRules.Mistake) {
            _ = try ZoneRules(tzif: bytes.span)
            return nil
        } catch {
            return error
        }
    }

    /// A block with one type per offset, all in hours.
    private func block(
        version: UInt8, times: [(Int64, UInt8)], offsets: [Int32], size: Int, counts: [Int: UInt32] = [:],
        isDaylight: UInt8 = 0
    ) -> [UInt8] {
        func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
        var block = Array("TZif".utf8) + [version] + [UInt8](repeating: 0, count: 15)
        let header = [0, 0, 0, UInt32(times.count), UInt32(offsets.count), 4]
        for (position, count) in header.enumerated() { block += bytes(counts[position] ?? count) }
        for (time, _) in times { block += size == 8 ? bytes(time) : bytes(Int32(truncatingIfNeeded: time)) }
        block += times.map(\.1)
        for offset in offsets { block += bytes(offset) + [isDaylight, 0] }
        return block + Array("XXX\0".utf8)
    }

    private func file(
        times: [(Int64, UInt8)] = [], offsets: [Int32] = [3600], footer: String = "\n\n", counts: [Int: UInt32] = [:],
        isDaylight: UInt8 = 0
    ) -> [UInt8] {
        block(version: 0x32, times: [], offsets: [0], size: 4)
            + block(version: 0x32, times: times, offsets: offsets, size: 8, counts: counts, isDaylight: isDaylight)
            + Array(footer.utf8)
    }

    @Test("version 1 has 32-bit times, and no rules after them")
    func version1() throws {
        let bytes = block(
            version: 0, times: [(-2_000_000_000, 1), (1_000_000_000, 0)], offsets: [3600, 7200], size: 4)
        let rules = try ZoneRules(tzif: bytes.span)
        #expect(rules.offset(at: -2_000_000_000_001) == 3_600_000)
        #expect(rules.offset(at: -2_000_000_000_000) == 7_200_000)
        #expect(rules.offset(at: 999_999_999_999) == 7_200_000)
        #expect(rules.offset(at: 1_000_000_000_000) == 3_600_000)
        #expect(rules.offset(at: .max) == 3_600_000)
    }

    @Test("of later versions the second block counts, whatever the first one says, and the footer after it")
    func version2() throws {
        let second = file(times: [(0, 1)], offsets: [0, 3600], footer: "\nCET-1CEST,M3.5.0,M10.5.0/3\n").dropFirst(54)
        let first = block(version: 0x33, times: [(5, 0)], offsets: [-3600], size: 4)
        let bytes = first + second
        let rules = try ZoneRules(tzif: bytes.span)
        #expect(rules.offset(at: -1) == 0)
        #expect(rules.offset(at: 0) == 3_600_000)
        #expect(rules.offset(at: 1_790_000_000_000) == 7_200_000)
        #expect(rules.offset(at: 1_800_000_000_000) == 3_600_000)
    }

    @Test("without transitions the footer holds from 1600 on, and without a footer the first type always")
    func noTransitions() throws {
        let ruled = try ZoneRules(tzif: file(offsets: [0], footer: "\nCET-1CEST,M3.5.0,M10.5.0/3\n").span)
        #expect(ruled.offset(at: 0) == 3_600_000)
        #expect(ruled.offset(at: -180 * 86_400_000) == 7_200_000)
        #expect(ruled.offset(at: -SourceTime.dayNumber(2339, 1, 1) * 86_400_000) == 3_600_000)
        #expect(ruled.offset(at: .min) == 3_600_000)
        #expect(try ZoneRules(tzif: file(offsets: [0], footer: "\nIST-5:30\n").span).offset(at: 0) == 19_800_000)
        let plain = try ZoneRules(tzif: file().span)
        #expect(plain.moments(ofLocal: .min + 5) == .one(.min))
        #expect(plain.moments(ofLocal: 3_600_000) == .one(0))
    }

    @Test("what is wrong with a file is said")
    func mistakes() {
        #expect(refusal(file()) == nil)
        for length in 0..<4 { #expect(refusal(Array(Self.berlin.prefix(length))) == .notTZif) }
        for length in 4..<Self.berlin.count {
            // The second header's magic can be cut as well.
            let mistake = refusal(Array(Self.berlin.prefix(length)))
            #expect(
                mistake == .tooShort || (51...54).contains(length) && mistake == .notTZif,
                "\(length): \(String(describing: mistake))")
        }
        #expect(refusal(Array("TZjf".utf8) + file().dropFirst(4)) == .notTZif)
        #expect(refusal(Array("TZif1".utf8) + file().dropFirst(5)) == .unknownVersion)
        #expect(refusal(file(counts: [4: 0])) == .invalidCounts || refusal(file(counts: [4: 0])) == .tooShort)
        #expect(refusal(file(offsets: [], counts: [:])) == .invalidCounts)
        #expect(refusal(file(footer: "\0\0\0\n\n", counts: [0: 2])) == .invalidCounts)
        #expect(refusal(file(footer: "\0\0\0\n\n", counts: [1: 2])) == .invalidCounts)
        #expect(refusal(file(footer: "\0\n\n", counts: [0: 1])) == nil)
        #expect(refusal(file(footer: String(repeating: "\0", count: 12) + "\n\n", counts: [2: 1])) == .leapSeconds)
        for position in 0..<6 { #expect(refusal(file(counts: [position: .max])) == .tooShort) }
        #expect(refusal(file(times: [(0, 1)])) == .invalidType)
        #expect(refusal(file(isDaylight: 2)) == .invalidType)
        #expect(refusal(file(counts: [5: 0])) == .invalidCounts)
        #expect(refusal(file(offsets: [93_599])) == nil)
        #expect(refusal(file(offsets: [93_600])) == .offsetOutOfRange)
        #expect(refusal(file(offsets: [-89_999])) == nil)
        #expect(refusal(file(offsets: [-90_000])) == .offsetOutOfRange)
        #expect(refusal(file(offsets: [.min])) == .offsetOutOfRange)
        #expect(refusal(file(times: [(1 << 59, 0)])) == nil)
        #expect(refusal(file(times: [(-1 << 59, 0)])) == nil)
        #expect(refusal(file(times: [(1 << 59 + 1, 0)])) == .timeOutOfRange)
        #expect(refusal(file(times: [(.min, 0)])) == .timeOutOfRange)
        #expect(refusal(file(times: [(5, 0), (5, 0)])) == .timesOutOfOrder)
        #expect(refusal(file(times: [(5, 0), (4, 0)])) == .timesOutOfOrder)
        #expect(refusal(file(footer: "")) == .tooShort)
        #expect(refusal(file(footer: "\n")) == .tooShort)
        #expect(refusal(file(footer: "\nUTC0")) == .tooShort)
        #expect(refusal(file(footer: "UTC0\n")) == .invalidFooter)
        #expect(refusal(file(footer: "\nEurope/Berlin\n")) == .invalidFooter)
    }

    /// Whatever a file says, local times and moments agree with one another.
    @Test("mutated files")
    func mutation() {
        var random = SeededRandom(seed: 7)
        let tokens =
            [
                "TZif", "2", "3", "\0", "\n", "M3.5.0", "J60", "/167", "/-1", "<+11>-11", "XXX0YYY,J1,J2", ",",
                "-24:59:59",
            ]
            .map { Array($0.utf8) } + [
                [0xFF, 0xFF, 0xFF, 0xFF], [0x80, 0, 0, 0], [0, 0, 0, 0], [0x08, 0, 0, 0, 0, 0, 0, 0],
            ]
        let files = ZoneFixture.all.map(\.bytes)
        let mutator = Mutator(
            seeds: files + [block(version: 0, times: [(5, 1)], offsets: [0, 3600], size: 4)],
            tokens: tokens)
        var accepted = 0
        for round in 0..<100_000 {
            // Half of them of the right length: others seldom get further than the counts.
            var bytes = round % 2 == 0 ? mutator.mutant(&random) : files.randomElement(using: &random) ?? []
            if round % 2 == 1 {
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    bytes[.random(in: 44..<bytes.count, using: &random)] = .random(in: .min ... .max, using: &random)
                }
            }
            guard let rules = try? ZoneRules(tzif: bytes.span) else { continue }
            accepted += 1
            for _ in 0..<4 {
                let year = Int64.random(in: 1960...2500, using: &random)
                let local =
                    SourceTime.dayNumber(year, 1, 1) * 86_400_000 + .random(in: 0...32_000_000_000, using: &random)
                guard agrees(rules, local) else {
                    Issue.record("round \(round): \(local) in \(Data(bytes).base64EncodedString())")
                    return
                }
            }
            for local: Milliseconds in [.min, .max] { _ = rules.moments(ofLocal: local) }
        }
        // A fuzz that is always or never refused tests nothing.
        #expect(accepted > 10_000 && accepted < 90_000, "\(accepted)")
    }

    private func agrees(_ rules: ZoneRules, _ local: Milliseconds) -> Bool {
        func shows(_ moment: Milliseconds) -> Bool { moment + rules.offset(at: moment) == local }
        switch rules.moments(ofLocal: local) {
        case .one(let moment): return shows(moment)
        case .two(let earlier, let later): return earlier < later && shows(earlier) && shows(later)
        case .skipped(let moment):
            // No moment shows it: not even those at the offsets around it.
            return [-86_400_000, 0, 86_400_000].allSatisfy { !shows(local - rules.offset(at: moment + $0)) }
        }
    }
}
