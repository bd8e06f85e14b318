import Plant
import TestFixtures
import Testing

@testable import Gateway

@Suite("Leaps of the wall clock")
struct ClockLeapsTests {
    private static let leap: Milliseconds = 311_040_000_000

    @Test("a leap of more than two seconds between two looks puts the clock in doubt for a minute")
    func doubt() {
        let start = ContinuousClock.now
        var leaps = ClockLeaps(wall: 0, now: start)
        #expect(leaps.look(wall: 3_000, now: start + .seconds(1)).doubt == nil)
        #expect(leaps.look(wall: 6_001, now: start + .seconds(2)).doubt == 2_001)
        #expect(leaps.look(wall: 7_001, now: start + .seconds(3)).doubt == 2_001, "in doubt for a while")
        #expect(leaps.look(wall: -9_000_000, now: start + .seconds(4)).doubt == -9_008_001)
        #expect(leaps.look(wall: .max, now: start + .seconds(5)).doubt == .max)
        #expect(leaps.look(wall: .min, now: start + .seconds(6)).doubt == .min)
        #expect(leaps.look(wall: .min + 60_000, now: start + .seconds(66)).doubt == nil)
    }

    @Test("what is more than drift counts in total, also where it puts nothing in doubt")
    func total() {
        let start = ContinuousClock.now
        var leaps = ClockLeaps(wall: 0, now: start)
        #expect(leaps.look(wall: 1_499, now: start + .seconds(1)).total == 0)
        #expect(leaps.look(wall: 3_100, now: start + .seconds(2)).total == 1_100)
        #expect(leaps.look(wall: 4_100 + Self.leap, now: start + .seconds(3)).total == 1_100 + Self.leap)
        #expect(leaps.look(wall: 5_100, now: start + .seconds(4)).total == 1_100)
    }

    @Test("a clock that stands still, or runs wrong a little at a time, is found out by the sum")
    func slowly() {
        let start = ContinuousClock.now
        var still = ClockLeaps(wall: 0, now: start)
        var fast = ClockLeaps(wall: 0, now: start)
        var drifting = ClockLeaps(wall: 0, now: start)
        var sights: [ClockLeaps.Sight] = []
        for look in 1...200 {
            let now = start + .milliseconds(50 * look)
            sights = [
                still.look(wall: 0, now: now), fast.look(wall: Int64(look) * 60, now: now),
                drifting.look(wall: Int64(look) * 51, now: now),
            ]
        }
        #expect((-10_000 ... -9_501).contains(sights[0].total))
        #expect((1_501...2_000).contains(sights[1].total) && sights[2].total == 0)
    }

    @Test("a clock that comes back has been away: by what, and what it showed meanwhile")
    func excursion() {
        let start = ContinuousClock.now
        var leaps = ClockLeaps(wall: 0, now: start)
        #expect(leaps.look(wall: 1_000, now: start + .seconds(1)).away == nil)
        #expect(leaps.look(wall: 2_000 + Self.leap, now: start + .seconds(2)).away == 1)
        var sight = leaps.look(wall: 80_000 + Self.leap, now: start + .seconds(80))
        #expect(sight.away == 1 && sight.doubt == nil && sight.excursions.isEmpty)
        // Back, and three minutes of its own right on the way.
        sight = leaps.look(wall: 261_000, now: start + .seconds(81))
        #expect(sight.away == nil && sight.doubt == 180_000 - Self.leap)
        let first = ClockExcursion(
            number: 1, correction: 180_000 - Self.leap, dates: Self.leap + 1_000...Self.leap + 81_000)
        #expect(sight.excursions == [first])
        // The next one is another, also in the other direction.
        #expect(leaps.look(wall: 262_000 - 3_600_000, now: start + .seconds(82)).away == 2)
        sight = leaps.look(wall: 263_000, now: start + .seconds(83))
        #expect(sight.away == nil && sight.excursions.first == first && sight.excursions.count == 2)
        #expect(sight.excursions.last?.number == 2 && sight.excursions.last?.correction == 3_600_000)
    }

    @Test("a clock that comes back in two steps has been away for as long as both took, each by its own")
    func twoSteps() {
        let start = ContinuousClock.now
        var leaps = ClockLeaps(wall: 0, now: start)
        #expect(leaps.look(wall: 3_610_000, now: start + .seconds(10)).away == 1)
        let between = leaps.look(wall: 1_820_000, now: start + .seconds(20))
        #expect(between.away == 2 && between.excursions.isEmpty)
        let sight = leaps.look(wall: 30_000, now: start + .seconds(30))
        #expect(sight.away == nil)
        #expect(
            sight.excursions == [
                .init(number: 1, correction: -3_600_000, dates: 3_609_000...3_620_000),
                .init(number: 2, correction: -1_800_000, dates: 1_819_000...1_830_000),
            ])
    }

    @Test(
        "a clock that takes back its last leap has been away by that alone, wherever it was before",
        arguments: [
            [600_000, 3_600_000, -3_600_000], [63_072_000_000, 3_600_000, -3_600_000], [-5_000, 20_000, -20_000],
            [600_000, 3_600_000, -3_400_000],
        ] as [[Milliseconds]])
    func lastTakenBack(leaps steps: [Milliseconds]) {
        let start = ContinuousClock.now
        var leaps = ClockLeaps(wall: 0, now: start)
        var wall: Milliseconds = 0
        var sight = ClockLeaps.Sight(wall: 0)
        for (index, step) in steps.enumerated() {
            wall += step + 10_000
            sight = leaps.look(wall: wall, now: start + .seconds(10 * (index + 1)))
        }
        let second = steps[0] + steps[1] + 20_000
        #expect(
            sight.excursions == [.init(number: 2, correction: steps[2], dates: second - 1_000...second + 10_000)])
        #expect(sight.away == 1 && sight.open == [1])
        // And it may still have been wrong since the first.
        sight = leaps.look(wall: wall + 10_000 - steps[0], now: start + .seconds(40))
        #expect(sight.away == nil && sight.excursions.count == 2)
        #expect(sight.excursions.last?.number == 1 && sight.excursions.last?.correction == 0 - steps[0])
    }

    @Test("a clock that has been set many times and not come back is where it should be")
    func manySteps() {
        let start = ContinuousClock.now
        var leaps = ClockLeaps(wall: 0, now: start)
        var wall: Milliseconds = 0
        for step in 1...(ClockLeaps.mostSteps + 1) {
            wall += 61_000
            _ = leaps.look(wall: wall, now: start + .seconds(step))
        }
        let back = leaps.look(wall: 10_000, now: start + .seconds(10))
        #expect(back.excursions.isEmpty && back.away == ClockLeaps.mostSteps + 2)
    }

    @Test(
        "a clock that is set once, or twice in one direction, or back by half, has not been away and back",
        arguments: [
            [leap], [leap, leap], [leap, 0 - leap / 2], [0 - leap, 0 - leap], [5_000, -4_000],
        ])
    func noExcursion(steps: [Milliseconds]) {
        let start = ContinuousClock.now
        var leaps = ClockLeaps(wall: 0, now: start)
        var wall: Milliseconds = 0
        for (index, step) in steps.enumerated() {
            wall += step + 1_000
            let sight = leaps.look(wall: wall, now: start + .seconds(index + 1))
            #expect(sight.excursions.isEmpty && sight.away == index + 1)
        }
    }

    @Test(
        "at a start the clock is sound, unless it lies before the newest entry of the journal",
        arguments: [
            (-3_600_000, false), (0, false), (2_000, false), (2_001, true), (leap, true),
        ] as [(Milliseconds, Bool)])
    func start(newest: Milliseconds, isInDoubt: Bool) {
        let fake = FakeClock()
        let clock = GatewayClock(fake)
        clock.watch.started(after: nil)
        #expect(clock.look().doubt == nil)
        clock.watch.started(after: fake.wall + newest)
        #expect((clock.look().doubt != nil) == isInDoubt)
        #expect(clock.look().total == 0 && clock.look().away == nil)
        fake.advance(by: .seconds(61))
        #expect(clock.look().doubt == nil)
    }

    @Test("a pause between the readings of the two clocks is no leap")
    func pauseBetween() {
        let fake = FakeClock()
        let isPausing = IngestLoopTests.Flag(true)
        let clock = GatewayClock(
            wall: {
                let wall = fake.wall
                if isPausing.value {
                    isPausing.set(false)
                    fake.advance(by: .seconds(30))
                }
                return wall
            }, now: { fake.now }, sleep: { try await fake.sleep(for: $0) })
        isPausing.set(true)
        let sight = clock.look()
        #expect(sight.doubt == nil && sight.total == 0)
    }
}
