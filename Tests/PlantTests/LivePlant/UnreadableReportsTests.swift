import Testing

@testable import Plant

@Suite("Which unreadable messages are named")
struct UnreadableReportsTests {
    @Test("each topic once, again after ten minutes, and sooner when something else is wrong with it")
    func topics() {
        var reports = UnreadableReports()
        func isNamed(_ failure: DecodeFailure, on topic: Int, at now: Milliseconds) -> Bool {
            reports.take(failure, on: topic, at: now)
        }
        let both = [isNamed(.missing, on: 1, at: 0), isNamed(.missing, on: 2, at: 0)]
        #expect(both == [true, true], "a second topic's mistake is named as well")
        let again = [isNamed(.missing, on: 1, at: 599_999), isNamed(.missing, on: 1, at: 600_000)]
        #expect(again == [false, true])
        let other = [609_999, 610_000, 620_000].map { isNamed(.notNumber, on: 1, at: $0) }
        #expect(other == [false, true, false])
    }

    @Test("of all topics together ten at once, then one in ten seconds, whatever a publisher invents")
    func bounded() {
        var reports = UnreadableReports()
        func named(_ range: Range<Int>, at now: Milliseconds) -> Int {
            range.count { reports.take(.missing, on: $0, at: now) }
        }
        let counts = [
            named(0..<1000, at: 1_000_000), named(1000..<2000, at: 1_009_999), named(2000..<3000, at: 1_010_000),
            named(3000..<4000, at: 1_040_000), named(4000..<5000, at: 9_000_000),
        ]
        #expect(counts == [10, 0, 1, 3, 10])
        // A clock that is set back holds nothing up for long.
        reports.clockLeapt(by: -8_000_000)
        let later = named(5000..<6000, at: 1_010_000)
        #expect(later == 1)
    }

    @Test("the topics that were named longest ago are forgotten first")
    func capacity() {
        var reports = UnreadableReports()
        // The time that as many reports take is longer than that for which one is remembered; so by a clock that is set back.
        for topic in 0...UnreadableReports.capacity {
            let isNamed = reports.take(.missing, on: topic, at: 10_000)
            #expect(isNamed)
            reports.clockLeapt(by: -10_000)
        }
        let last = UnreadableReports.capacity
        let (isLastNamed, isFirstNamed) = (
            reports.take(.missing, on: last, at: 10_000), reports.take(.missing, on: 0, at: 10_000)
        )
        #expect(!isLastNamed && isFirstNamed)
    }
}
