import Foundation
import Testing

@testable import Plant

@Suite("Local times of a zone")
struct ZoneRulesTests {
    @Test(
        "local times where the clocks are changed, and moments that clocks show them",
        arguments: [
            ("Europe/Berlin", "1970-01-01T00:00", "1969-12-31T23:00"),
            ("Europe/Berlin", "1980-04-06T02:30", "skipped 1980-04-06T01:30"),
            ("Europe/Berlin", "2026-03-29T01:59:59.999", "2026-03-29T00:59:59.999"),
            ("Europe/Berlin", "2026-03-29T02:00", "skipped 2026-03-29T01:00"),
            ("Europe/Berlin", "2026-03-29T02:59:59.999", "skipped 2026-03-29T01:59:59.999"),
            ("Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00"),
            ("Europe/Berlin", "2026-10-25T01:59:59.999", "2026-10-24T23:59:59.999"),
            ("Europe/Berlin", "2026-10-25T02:00", "2026-10-25T00:00, 2026-10-25T01:00"),
            ("Europe/Berlin", "2026-10-25T02:59:59.999", "2026-10-25T00:59:59.999, 2026-10-25T01:59:59.999"),
            ("Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00"),
            ("Europe/Berlin", "2059-03-30T02:30", "skipped 2059-03-30T01:30"),
            ("Europe/Berlin", "2059-10-26T02:30", "2059-10-26T00:30, 2059-10-26T01:30"),
            ("America/New_York", "1974-01-06T02:30", "skipped 1974-01-06T07:30"),
            ("America/New_York", "2006-04-02T02:30", "skipped 2006-04-02T07:30"),
            ("America/New_York", "2026-03-08T02:30", "skipped 2026-03-08T07:30"),
            ("America/New_York", "2026-11-01T00:59:59.999", "2026-11-01T04:59:59.999"),
            ("America/New_York", "2026-11-01T01:00", "2026-11-01T05:00, 2026-11-01T06:00"),
            ("America/New_York", "2026-11-01T02:00", "2026-11-01T07:00"),
            ("America/New_York", "2060-11-07T01:30", "2060-11-07T05:30, 2060-11-07T06:30"),
            ("Australia/Lord_Howe", "1981-07-01T12:00", "1981-07-01T01:30"),
            ("Australia/Lord_Howe", "2026-04-05T01:29:59.999", "2026-04-04T14:29:59.999"),
            ("Australia/Lord_Howe", "2026-04-05T01:30", "2026-04-04T14:30, 2026-04-04T15:00"),
            ("Australia/Lord_Howe", "2026-04-05T01:59:59.999", "2026-04-04T14:59:59.999, 2026-04-04T15:29:59.999"),
            ("Australia/Lord_Howe", "2026-04-05T02:00", "2026-04-04T15:30"),
            ("Australia/Lord_Howe", "2026-10-04T02:00", "skipped 2026-10-03T15:30"),
            ("Australia/Lord_Howe", "2026-10-04T02:29:59.999", "skipped 2026-10-03T15:59:59.999"),
            ("Australia/Lord_Howe", "2026-10-04T02:30", "2026-10-03T15:30"),
            ("Asia/Kolkata", "2026-06-01T05:30", "2026-06-01T00:00"),
            ("Africa/Casablanca", "2026-02-15T02:30", "2026-02-15T01:30, 2026-02-15T02:30"),
            ("Africa/Casablanca", "2026-03-22T02:30", "skipped 2026-03-22T02:30"),
            ("Africa/Casablanca", "2026-07-01T12:00", "2026-07-01T11:00"),
            ("Pacific/Apia", "2011-12-29T23:59:59.999", "2011-12-30T09:59:59.999"),
            ("Pacific/Apia", "2011-12-30T00:00", "skipped 2011-12-30T10:00"),
            ("Pacific/Apia", "2011-12-30T23:59:59.999", "skipped 2011-12-31T09:59:59.999"),
            ("Pacific/Apia", "2011-12-31T00:00", "2011-12-30T10:00"),
            ("America/Caracas", "2007-12-09T02:45", "2007-12-09T06:45, 2007-12-09T07:15"),
            ("America/Caracas", "2016-05-01T02:29:59.999", "2016-05-01T06:59:59.999"),
            ("America/Caracas", "2016-05-01T02:30", "skipped 2016-05-01T07:00"),
            ("America/Caracas", "2016-05-01T03:00", "2016-05-01T07:00"),
            ("UTC", "2026-03-29T02:30", "2026-03-29T02:30"),
            ("Europe/Dublin", "2026-03-29T01:30", "skipped 2026-03-29T01:30"),
            ("Europe/Dublin", "2026-10-25T01:30", "2026-10-25T00:30, 2026-10-25T01:30"),
            ("Europe/Dublin", "2026-12-24T12:00", "2026-12-24T12:00"),
        ])
    func examples(_ zone: String, _ local: String, _ expected: String) throws {
        let rules = try ZoneFixture.rules(zone)
        func moment(_ text: String) throws -> Milliseconds {
            let time = SourceTime.milliseconds(Array(text.utf8).span)
            return try #require(time)
        }
        let isSkipped = expected.hasPrefix("skipped ")
        let moments = try expected.replacing("skipped ", with: "").split(separator: ", ").map { try moment(String($0)) }
        let answer = rules.moments(ofLocal: try moment(local))
        if isSkipped {
            #expect(answer == .skipped(moments[0]))
        } else if moments.count == 1 {
            #expect(answer == .one(moments[0]))
        } else {
            #expect(answer == .two(earlier: moments[0], later: moments[1]))
        }
    }

    /// Each day from 1970 to 2060, and each quarter of an hour where the clocks are changed.
    @Test("a century of local times is what Python's zoneinfo makes of it", arguments: ZoneFixture.all)
    func oracle(_ fixture: ZoneFixture) throws {
        let rules = try fixture.rules()
        let digests = fixture.digests.utf8.count / 8
        #expect(digests == 91)
        for (position, year) in (1970...2060).enumerated() {
            let expected = String(fixture.digests.dropFirst(position * 8).prefix(8))
            var digest = ZoneDigest()
            digest.add(rules, year: year)
            #expect(digest.text == expected, "\(fixture.name) \(year)")
        }
    }

    @Test("UTC needs no file")
    func utc() throws {
        for local: Milliseconds in [.min, -1, 0, 1_790_000_000_123, .max] {
            #expect(ZoneRules.utc.moments(ofLocal: local) == .one(local))
        }
        #expect(try ZoneFixture.rules("UTC") == .utc)
    }

    /// The calendar repeats itself after 400 years: 2000 and 2400 are alike, 2100, 2200 and 2300 are not.
    @Test("rules without an end hold in all years that a clock shows")
    func farYears() throws {
        let berlin = try ZoneFixture.rules("Europe/Berlin")
        for year: Int64 in [2061, 2100, 2399, 2400, 2401, 2410, 2413, 2414, 2415, 2800, 4242, 9999] {
            for (month, isSpring) in [(3, true), (10, false)] as [(Int64, Bool)] {
                let last = SourceTime.dayNumber(year, month, 31)
                let sunday: Int64 = (last - 6...last).first(where: { ($0 + 4) % 7 == 0 }) ?? 0
                let local = (sunday * 24 + 2) * 3_600_000 + 1_800_000
                #expect(
                    berlin.moments(ofLocal: local)
                        == (isSpring
                            ? .skipped(local - 3_600_000) : .two(earlier: local - 7_200_000, later: local - 3_600_000)),
                    "\(year)-\(month)")
                #expect(
                    berlin.moments(ofLocal: local + 3_600_000)
                        == .one(local + 3_600_000 - (isSpring ? 7_200_000 : 3_600_000)))
            }
        }
    }

    @Test("times beyond all calendars have an answer")
    func extremes() throws {
        for fixture in ZoneFixture.all {
            let rules = try fixture.rules()
            for local: Milliseconds in [.min, .min + 1, .max - 1, .max, -Milliseconds.shownByClocks.upperBound] {
                let answer = rules.moments(ofLocal: local)
                #expect(local < 0 || rules.offset(at: local).magnitude <= 14 * 3_600_000)
                guard case .one = answer else {
                    Issue.record("\(fixture.name): \(local) is \(answer)")
                    continue
                }
            }
        }
    }

    /// Transitions closer than their jumps: what no zone has had, and a file can say.
    @Test("a table of transitions within minutes is answered as the definition has it, by trying each moment")
    func denseTables() {
        for (seed, spacing) in [(1, 600), (2, 3600), (3, 60)] as [(Int64, Int64)] {
            var transitions: [ZoneRules.Transition] = []
            var time: Int64 = 0
            for step in 0..<12 as Range<Int64> {
                time += spacing * (1 + (step * seed) % 5)
                transitions.append(ZoneRules.Transition(time: time, offset: ((step * step * seed * 7) % 9 - 4) * 900))
            }
            let rules = ZoneRules(firstOffset: 900, transitions: transitions, recurrence: nil)
            func offset(at moment: Int64) -> Int64 { transitions.last(where: { $0.time <= moment })?.offset ?? 900 }
            for local: Int64 in stride(from: -7200, to: time + 7200, by: 60) {
                // All times here are whole minutes.
                let expected = stride(from: local - 7200, through: local + 7200, by: 60)
                    .filter { $0 + offset(at: $0) == local }
                switch rules.moments(ofLocal: local * 1000) {
                case .one(let moment): #expect(expected == [moment / 1000])
                case .two(let earlier, let later):
                    #expect(expected.count > 1 && expected.first == earlier / 1000 && expected.last == later / 1000)
                case .skipped(let moment):
                    // At the offset that held until the clocks were put forward over this time.
                    let jump = transitions.indices.first { index in
                        let before = index == 0 ? 900 : transitions[index - 1].offset
                        return transitions[index].time + before <= local
                            && local < transitions[index].time + transitions[index].offset
                            && local - before == moment / 1000
                    }
                    #expect(expected.isEmpty && jump != nil, "\(local)")
                }
            }
        }
    }
}
