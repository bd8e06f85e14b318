import Plant
import Testing

@Suite("A payload's own time")
struct SourceTimeTests {
    private func read(_ text: String) -> Milliseconds? {
        let bytes = Array(text.utf8)
        return SourceTime.milliseconds(bytes.span)
    }

    @Test(
        "Text",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2020-03-09 10:14:33", 1_583_748_873_000),
            ("2026-11-21T06:52:23.125Z", 1_795_243_943_125),
            ("2026-11-21T08:52:23,1259+02:00", 1_795_243_943_125), ("2026-11-21t01:22:23.1-0530", 1_795_243_943_100),
            ("2026-11-21T08:52:23.12+02", 1_795_243_943_120), ("2024-02-29", 1_709_164_800_000),
            ("2026-11-21T06:52Z", 1_795_243_920_000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000), ("1583748873", 1_583_748_873_000),
            ("1583748873.5", 1_583_748_873_500),
            ("20200309", 20_200_309_000), ("0000-03-01", -62_162_035_200_000),
        ] as [(String, Milliseconds)])
    func text(text: String, expected: Milliseconds) {
        #expect(read(text) == expected)
    }

    @Test(
        "What is no time",
        arguments: [
            "", "now", "2023-02-29T00:00:00Z", "2023-13-01", "2023-00-10", "2023-01-32", "2023-01-01T24:00:00Z",
            "2023-01-01T00:60:00Z",
            "2023-01-01T00:00:61Z", "2023-01-01T00:00:00.Z", "2023-01-01T00:00:00+24:00", "2023-01-01T00:00:00 Z",
            "2023-01-01T",
            "2023-1-1", "10:14:33", "-", "1e400", "2023-01-01T00:00:00Zx", "99999-01-01",
        ])
    func noTime(text: String) {
        #expect(read(text) == nil)
    }

    @Test(
        "Numbers by their size",
        arguments: [
            (1_700_000_000, 1_700_000_000_000), (1_700_000_000_123, 1_700_000_000_123),
            (1_700_000_000_123_456, 1_700_000_000_123),
            (1_700_000_000_123_456_789, 1_700_000_000_123), (0, 0), (-5, -5000), (.max, 9_223_372_036_854),
            (.min, -9_223_372_036_854),
        ] as [(Int64, Milliseconds)])
    func numbers(number: Int64, expected: Milliseconds) {
        #expect(SourceTime.milliseconds(number) == expected)
    }

    @Test(
        "Numbers with a fraction",
        arguments: [
            (1_700_000_000.123, 1_700_000_000_123), (1_700_000_000_123.9, 1_700_000_000_123),
            (1.7e15, 1_700_000_000_000),
            (1e300, nil), (.infinity, nil), (.nan, nil),
        ] as [(Double, Milliseconds?)])
    func fractions(number: Double, expected: Milliseconds?) {
        #expect(SourceTime.milliseconds(number) == expected)
    }
}
