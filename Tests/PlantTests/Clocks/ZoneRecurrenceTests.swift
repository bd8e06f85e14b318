import Foundation
import Testing

@testable import Plant

@Suite("Rules of a zone without an end")
struct ZoneRecurrenceTests {
    private func rules(_ text: String) -> ZoneRecurrence? { ZoneRecurrence(posix: Array(text.utf8).span) }

    /// The changes of a year, in UTC, with the offset that they lead to in seconds.
    private func changes(_ text: String, _ year: Int64) -> [String]? {
        rules(text)?.transitions(in: year...year).map { transition in
            "\(Date(timeIntervalSince1970: TimeInterval(transition.time)).formatted(.iso8601)) \(transition.offset)"
        }
    }

    @Test(
        "the rules of POSIX and of version 3",
        arguments: [
            ("CET-1CEST,M3.5.0,M10.5.0/3", 2026, ["2026-03-29T01:00:00Z 7200", "2026-10-25T01:00:00Z 3600"]),
            ("EST5EDT,M3.2.0,M11.1.0", 2026, ["2026-03-08T07:00:00Z -14400", "2026-11-01T06:00:00Z -18000"]),
            (
                "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 2026,
                ["2026-04-04T15:00:00Z 37800", "2026-10-03T15:30:00Z 39600"]
            ),
            // Negative daylight saving time: Irish time is called standard time in summer.
            ("IST-1GMT0,M10.5.0,M3.5.0/1", 2026, ["2026-03-29T01:00:00Z 3600", "2026-10-25T01:00:00Z 0"]),
            // Times before the day and days after it.
            ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 2026, ["2026-03-29T01:00:00Z -3600", "2026-10-25T01:00:00Z -7200"]),
            ("EET-2EEST,M3.4.4/50,M10.4.4/50", 2026, ["2026-03-28T00:00:00Z 10800", "2026-10-23T23:00:00Z 7200"]),
            ("XXX0YYY,M1.1.1/-167,M12.5.4/167", 2026, ["2025-12-29T01:00:00Z 3600", "2027-01-06T22:00:00Z 0"]),
            // Days by number, with and without the 29th of February.
            ("XXX0YYY,J59/0,J60/0", 2024, ["2024-02-28T00:00:00Z 3600", "2024-02-29T23:00:00Z 0"]),
            ("XXX0YYY,J59/0,J60/0", 2025, ["2025-02-28T00:00:00Z 3600", "2025-02-28T23:00:00Z 0"]),
            ("XXX0YYY,58/0,59/0", 2024, ["2024-02-28T00:00:00Z 3600", "2024-02-28T23:00:00Z 0"]),
            ("XXX0YYY,0/0,J365/24", 2025, ["2025-01-01T00:00:00Z 3600", "2025-12-31T23:00:00Z 0"]),
            ("XXX0YYY,J1/0,365/0", 2024, ["2024-01-01T00:00:00Z 3600", "2024-12-30T23:00:00Z 0"]),
            // Offsets and times with all their parts.
            (
                "XXX+1:02:03YYY-4:05:06,J100/7:08:09,J200", 2025,
                ["2025-04-10T08:10:12Z 14706", "2025-07-18T21:54:54Z -3723"]
            ),
            // Standard time all the year.
            ("IST-5:30", 2026, []),
            ("UTC0", 2026, []),
            ("<-04>4", 2026, []),
        ] as [(String, Int64, [String])])
    func changes(_ text: String, _ year: Int64, _ expected: [String]) {
        #expect(changes(text, year) == expected)
    }

    @Test("each weekday and week of each month, against counting days")
    func weekdays() {
        for month in 1...12 as ClosedRange<Int64> {
            for weekday in 0...6 as ClosedRange<Int64> {
                for week in 1...5 as ClosedRange<Int64> {
                    for year in [1600, 1900, 1969, 1970, 2000, 2023, 2024, 2100, 9999] as [Int64] {
                        let first = SourceTime.dayNumber(year, month, 1)
                        // Weekdays counted from a Thursday far before all of them.
                        let days = (first..<first + SourceTime.dayCount(year, month)).filter {
                            ($0 + 4 + 7_000_000) % 7 == weekday
                        }
                        let expected = week == 5 ? days.last : days[Int(week) - 1]
                        let found = rules("XXX0YYY0,M\(month).\(week).\(weekday)/0,J1/0")?.transitions(in: year...year)
                        #expect(
                            found?.contains { $0.time / 86_400 == expected } == true,
                            "\(year) M\(month).\(week).\(weekday)")
                    }
                }
            }
        }
    }

    @Test("daylight saving time all the year has no standard time between the years")
    func allYear() throws {
        let recurrence = try #require(rules("EST5EDT,0/0,J365/25"))
        #expect(recurrence.transitions(in: 2020...2030).dropLast().allSatisfy { $0.offset == -4 * 3600 })
        let zone = ZoneRules(firstOffset: 0, transitions: [], recurrence: recurrence)
        for day in SourceTime.dayNumber(2020, 1, 1)..<SourceTime.dayNumber(2030, 1, 1) {
            let local = day * 86_400_000
            #expect(zone.moments(ofLocal: local) == .one(local + 4 * 3_600_000))
            #expect(zone.moments(ofLocal: local - 1) == .one(local - 1 + 4 * 3_600_000))
        }
    }

    @Test(
        "what is no rule",
        arguments: [
            "", "X", "XX0", "XXX", "X1X0", "<XXX0", "<XX>0", "XXX25", "XXX0:60", "XXX0:00:60", "XXX0:", "XXX0x",
            "XXX--1",
            "XXX0YYY", "XXX0YYY1", "XXX0YYY,", "XXX0YYY,J1", "XXX0YYY,J1,", "XXX0YYY,J0,J1", "XXX0YYY,J1,J366",
            "XXX0YYY,1,366", "XXX0YYY,M0.1.0,J1", "XXX0YYY,M13.1.0,J1", "XXX0YYY,M1.0.0,J1", "XXX0YYY,M1.6.0,J1",
            "XXX0YYY,M1.1.7,J1", "XXX0YYY,M1.1,J1", "XXX0YYY,M1,J1", "XXX0YYY,J1/168,J2", "XXX0YYY,J1/,J2",
            "XXX0YYY,J1,J2,", "XXX0YYY,J1,J2/1x", "XXX0YY,J1,J2", ",J1,J2", "XXX0,J1,J2", "XXX00000",
            "XXX0YYY,J0001,J2",
        ])
    func refused(_ text: String) { #expect(rules(text) == nil) }
}
