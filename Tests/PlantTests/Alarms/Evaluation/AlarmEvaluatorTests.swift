import Primitives
import TestFixtures
import Testing

@testable import Plant

@Suite("Alarm evaluation")
struct AlarmEvaluatorTests {
    @Test("A value beyond a limit activates when the on-delay is over, and not before")
    func onDelay() throws {
        var book = try AlarmFixture.book()
        book.sample(84, at: 0)
        #expect(book.sample(86, at: 1000) == false)
        #expect(book.nextDeadline == 6000)
        #expect(book.advance(to: 5999) == false)
        #expect(book.advance(to: 6000) == true)
        #expect(book.pendingSteps == [Step(.activated, .high, at: 6000)])
        #expect(book.nextDeadline == nil)
    }

    @Test("Equal to the limit is not beyond it; equal to limit minus deadband has not returned")
    func boundaries() throws {
        var book = try AlarmFixture.book(try AlarmFixture.definition(onDelay: 0, offDelay: 0))
        #expect(book.sample(85, at: 1) == false)
        #expect(book.sample(85.001, at: 2) == true)
        #expect(book.sample(83, at: 3) == false)
        #expect(book.sample(82.999, at: 4) == true)
        #expect(book.pendingSteps == [Step(.activated, .high, at: 2), Step(.returned, .normal, at: 4)])
    }

    @Test("A run that ends before the on-delay leaves nothing", arguments: [4999, 1] as [Milliseconds])
    func shortRun(length: Milliseconds) throws {
        var book = try AlarmFixture.book()
        book.sample(86, at: 1000)
        #expect(book.sample(84, at: 1000 + length) == false)
        #expect(book.advance(to: 100_000) == false)
        #expect(book.nextDeadline == nil)
    }

    @Test(
        "A clearing sample at or after the end of the delay proves that the alarm had activated",
        arguments: [5000, 5001, 60_000] as [Milliseconds])
    func clearedAfterActivation(length: Milliseconds) throws {
        var book = try AlarmFixture.book()
        book.sample(86, at: 1000)
        #expect(book.sample(70, at: 1000 + length) == true)
        book.advance(to: 1_000_000)
        #expect(
            book.pendingSteps
                == [Step(.activated, .high, at: 6000), Step(.returned, .normal, at: 11_000 + length)])
    }

    @Test("A return shorter than the off-delay is none")
    func offDelay() throws {
        var book = try AlarmFixture.book()
        book.sample(90, at: 0)
        book.sample(70, at: 6000)
        book.sample(84, at: 15_999)
        book.sample(70, at: 16_000)
        #expect(book.pendingSteps == [Step(.activated, .high, at: 5000)])
        book.sample(70, at: 26_000)
        #expect(book.pendingSteps.last == Step(.returned, .normal, at: 26_000))
    }

    @Test("Over the outer limit escalates, back under it de-escalates, and it stays one occurrence")
    func escalation() throws {
        var book = try AlarmFixture.book()
        book.sample(90, at: 0)
        book.sample(96, at: 10_000)
        book.sample(90, at: 20_000)
        book.sample(70, at: 40_000)
        book.advance(to: 60_000)
        let proposals = book.proposals(limit: 10, epoch: 7)
        #expect(
            proposals.map(Step.init) == [
                Step(.activated, .high, at: 5000), Step(.escalated, .highHigh, at: 15_000),
                Step(.deescalated, .high, at: 30_000), Step(.returned, .normal, at: 50_000),
            ])
        #expect(Set(proposals.map(\.record.eventID)).count == 1)
        #expect(proposals.map(\.record.occurrence) == [1, 1, 1, 1])
        #expect(proposals.map(\.record.priority) == [.high, .critical, .high, .high])
        #expect(proposals.map(\.record.limit) == [85, 95, 85, 85])
        #expect(proposals.map(\.record.value) == [90, 96, 90, 70])
        #expect(proposals.map(\.record.revision) == [1, 2, 3, 4])
        #expect(proposals.allSatisfy { $0.record.since == 5000 && $0.record.epoch == 7 })
    }

    @Test("A jump over both limits is one activation, a fall behind both one return")
    func jump() throws {
        var book = try AlarmFixture.book()
        book.sample(100, at: 0)
        book.sample(20, at: 6000)
        book.advance(to: 100_000)
        #expect(book.pendingSteps == [Step(.activated, .highHigh, at: 5000), Step(.returned, .normal, at: 16_000)])
    }

    @Test("Each limit has its own run: high can activate while highHigh does not")
    func partialRun() throws {
        var book = try AlarmFixture.book()
        book.sample(100, at: 0)
        book.sample(90, at: 3000)
        book.sample(100, at: 4000)
        book.advance(to: 8999)
        #expect(book.pendingSteps == [Step(.activated, .high, at: 5000)])
        book.advance(to: 9000)
        #expect(book.pendingSteps.last == Step(.escalated, .highHigh, at: 9000))
    }

    @Test("From one side to the other: the first occurrence ends, a second begins")
    func sides() throws {
        var book = try AlarmFixture.book(
            try AlarmFixture.definition(highHigh: nil, low: 10, lowLow: 0, onDelay: 1000, offDelay: 10_000))
        book.sample(90, at: 0)
        book.sample(-5, at: 2000)
        book.advance(to: 100_000)
        let proposals = book.proposals(limit: 10, epoch: 1)
        #expect(
            proposals.map(Step.init) == [
                Step(.activated, .high, at: 1000), Step(.returned, .normal, at: 3000),
                Step(.activated, .lowLow, at: 3001),
            ])
        #expect(proposals.map(\.record.occurrence) == [1, 1, 2])
        #expect(proposals[0].record.eventID == proposals[1].record.eventID)
        #expect(proposals[1].record.eventID != proposals[2].record.eventID)
    }

    @Test("Two messages a millisecond apart are one occurrence")
    func millisecondApart() throws {
        var book = try AlarmFixture.book(try AlarmFixture.definition(highHigh: nil, onDelay: 0, offDelay: 0))
        book.sample(90, at: 1000)
        book.sample(91, at: 1001)
        book.sample(91, at: 1001)
        #expect(book.pendingSteps == [Step(.activated, .high, at: 1000)])
    }

    @Test("Older samples and repetitions are ignored and counted")
    func order() throws {
        var book = try AlarmFixture.book(try AlarmFixture.definition(highHigh: nil, onDelay: 0, offDelay: 0))
        book.sample(90, at: 1000)
        #expect(book.sample(70, at: 999) == false)
        #expect(book.sample(90, at: 1000) == false)
        #expect(book.statistics.samplesIgnored == 2)
        #expect(book.pendingSteps == [Step(.activated, .high, at: 1000)])
    }

    @Test("With one time for several samples the order of arrival counts")
    func coarseClock() throws {
        var book = try AlarmFixture.book(try AlarmFixture.definition(highHigh: nil, onDelay: 0, offDelay: 0))
        book.sample(90, at: 1000)
        book.sample(70, at: 1000)
        book.sample(91, at: 1000)
        let proposals = book.proposals(limit: 10, epoch: 1)
        #expect(
            proposals.map(Step.init) == [
                Step(.activated, .high, at: 1000), Step(.returned, .normal, at: 1001),
                Step(.activated, .high, at: 1002),
            ])
        #expect(proposals[0].record.eventID != proposals[2].record.eventID)
    }

    @Test("A late clearing sample ends an alarm that a timer had activated")
    func lateClear() throws {
        var book = try AlarmFixture.book(try AlarmFixture.definition(highHigh: nil, onDelay: 5000, offDelay: 0))
        book.sample(90, at: 1000, received: 1010)
        #expect(book.advance(to: 6010) == true)
        #expect(book.sample(70, at: 3000, received: 6500) == true)
        #expect(book.pendingSteps == [Step(.activated, .high, at: 6000), Step(.returned, .normal, at: 6001)])
    }

    @Test("Anything but good lets an on-delay go on", arguments: [Quality.bad, .stale, .uncertain])
    func onDelayGoesOn(quality: Quality) throws {
        var book = try AlarmFixture.book()
        book.sample(90, at: 1000)
        book.sample(.nan, at: 4000, quality: quality)
        #expect(book.nextDeadline == 6000)
        #expect(book.advance(to: 5999) == false)
        #expect(book.advance(to: 6000) == true)
        // It raised; what is not good returns nothing.
        book.sample(.nan, at: 7000, quality: quality)
        #expect(book.advance(to: 50_000) == false)
        #expect(book.pendingSteps == [Step(.activated, .high, at: 6000)])
        #expect(book.proposals(limit: 1, epoch: 1)[0].record.sampledAt == 1000)
    }

    @Test("An on-delay ended while nothing was good, whatever the next good value is", arguments: [70.0, 90])
    func onDelayEndsBeforeTheNextGoodValue(value: Double) throws {
        var book = try AlarmFixture.book(try AlarmFixture.definition(highHigh: nil, onDelay: 5000, offDelay: 0))
        book.sample(90, at: 1000)
        book.sample(.nan, at: 4000, quality: .bad)
        book.sample(value, at: 60_000)
        #expect(
            book.pendingSteps == [Step(.activated, .high, at: 6000)]
                + (value < 80 ? [Step(.returned, .normal, at: 60_000)] : []))
    }

    @Test("Anything but good stops an off-delay", arguments: [Quality.bad, .stale, .uncertain])
    func offDelayStandsStill(quality: Quality) throws {
        var book = try AlarmFixture.book(try AlarmFixture.definition(highHigh: nil, onDelay: 0, offDelay: 5000))
        book.sample(90, at: 1000)
        book.sample(70, at: 2000)
        book.sample(.nan, at: 5000, quality: quality)
        #expect(book.advance(to: 50_000) == false)
        book.sample(70, at: 100_000)
        #expect(book.advance(to: 101_999) == false)
        #expect(book.advance(to: 102_000) == true)
        #expect(
            book.pendingSteps == [Step(.activated, .high, at: 1000), Step(.returned, .normal, at: 102_000)])
    }

    @Test("A delay that was over when the quality went had run out")
    func freezeTooLate() throws {
        var book = try AlarmFixture.book()
        book.sample(90, at: 1000)
        #expect(book.sample(0, at: 6000, quality: .bad) == true)
        #expect(book.pendingSteps == [Step(.activated, .high, at: 6000)])
    }

    @Test("A mark of bad quality with our clock does not silence a device whose clock is behind")
    func badMarkKeepsDomain() throws {
        var book = try AlarmFixture.book(try AlarmFixture.definition(highHigh: nil, onDelay: 0, offDelay: 0))
        book.sample(70, at: 1000, received: 3_600_000)
        book.arrival(0, at: 3_600_100, quality: .bad)
        #expect(book.sample(90, at: 1200, received: 3_600_200) == true)
        #expect(book.pendingSteps == [Step(.activated, .high, at: 1200)])
    }

    @Test("A value that is not finite freezes like bad quality")
    func notFinite() throws {
        var book = try AlarmFixture.book(try AlarmFixture.definition(onDelay: 0, offDelay: 0))
        for value in [Double.infinity, -.infinity, .nan] { #expect(book.sample(value, at: 1000) == false) }
        #expect(book.sample(90, at: 1000) == true)
    }

    @Test("A source time far ahead of ours is replaced, and does not silence the tag")
    func futureSourceTime() throws {
        var book = try AlarmFixture.book(try AlarmFixture.definition(highHigh: nil, onDelay: 0, offDelay: 0))
        book.sample(70, at: 4_000_000_000_000, received: 1000)
        #expect(book.sample(90, at: 1500, received: 1600) == true)
        book.sample(70, at: .max, received: 2000)
        book.sample(90, at: .min, received: 2100)
        book.sample(70, at: -1, received: 2200)
        #expect(book.pendingSteps.map(\.transition) == [.activated, .returned, .activated, .returned])
    }

    @Test("Running delays are carried over when a tag loses its source time")
    func domainChange() throws {
        var book = try AlarmFixture.book(try AlarmFixture.definition(highHigh: nil))
        book.sample(90, at: 1000, received: 500_000)
        book.arrival(90, at: 502_000)
        #expect(book.pendingCount == 0)
        #expect(book.advance(to: 504_999) == false)
        #expect(book.advance(to: 505_000) == true)
        #expect(book.proposals(limit: 1, epoch: 1)[0].record.sampledAt == 1000)
    }

    @Test("Without source time nothing is ignored, even when our clock is set back")
    func arrivalOrder() throws {
        var book = try AlarmFixture.book(try AlarmFixture.definition(highHigh: nil, onDelay: 0, offDelay: 0))
        book.arrival(70, at: 10_000)
        #expect(book.arrival(90, at: 9000) == true)
        #expect(book.arrival(70, at: 9000) == true)
        #expect(book.pendingSteps.map(\.transition) == [.activated, .returned])
    }

    @Test("Seeded streams mean what a plain evaluation says they mean", arguments: 0..<60)
    func againstPlainEvaluation(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let path = try AlarmFixture.path()
        for _ in 0..<5 {
            let definition = try AlarmStream.definition(using: &random)
            let points = AlarmStream.points(count: 60, coarse: random.chance(30), using: &random)
            var book = try AlarmFixture.book(definition)
            let withClock = random.chance(50)
            var clock: Milliseconds = 0
            for point in points {
                // The clock of reception runs beside the samples and decides some edges before the next sample would.
                if withClock {
                    while let deadline = book.nextDeadline, deadline < point.time {
                        clock = max(clock, deadline)
                        book.advance(to: clock)
                    }
                }
                book.sample(point.value, at: point.time)
            }
            book.advance(to: 10_000_000)
            let expected = PlainEvaluation.outcomes(of: points, definition, path: path)
            let computed = book.proposals(limit: .max, epoch: 1).map(PlainEvaluation.Outcome.init)
            #expect(computed == expected, "seed \(seed)\n\(definition)\n\(points)")
        }
    }
}
