import Primitives
import TestFixtures
import Testing

@testable import Gateway

@Suite("When a flush may begin")
struct FlushPacingTests {
    private let start = ContinuousClock.now

    @Test("The first flush does not wait, and the next ones keep their distance from beginning to beginning")
    func spacing() {
        var pacing = FlushPacing(spacing: .milliseconds(5))
        #expect(pacing.wait(at: start) == .zero)
        pacing.flushed(from: start, to: start + .milliseconds(2), succeeded: true)
        #expect(pacing.wait(at: start + .milliseconds(2)) == .milliseconds(3))
        #expect(pacing.wait(at: start + .milliseconds(5)) == .zero)
        #expect(pacing.wait(at: start + .seconds(1)) == .zero, "a lone change leaves at once")
    }

    @Test("One that took longer than the distance is followed at once")
    func slow() {
        var pacing = FlushPacing(spacing: .milliseconds(5))
        pacing.flushed(from: start, to: start + .milliseconds(9), succeeded: true)
        #expect(pacing.wait(at: start + .milliseconds(9)) == .zero)
        var unspaced = FlushPacing(spacing: .zero)
        unspaced.flushed(from: start, to: start + .milliseconds(1), succeeded: true)
        #expect(unspaced.wait(at: start + .milliseconds(1)) == .zero)
    }

    @Test("Failures pause for longer and longer, up to a second, and a success ends that")
    func failures() {
        var pacing = FlushPacing(spacing: .zero)
        var pauses: [Duration] = []
        for _ in 0..<8 {
            pacing.flushed(from: start, to: start, succeeded: false)
            pauses.append(pacing.wait(at: start))
        }
        #expect(pauses == [20, 40, 80, 160, 320, 640, 1000, 1000].map { .milliseconds($0) })
        pacing.flushed(from: start, to: start, succeeded: true)
        #expect(pacing.wait(at: start) == .zero)
        pacing.flushed(from: start, to: start, succeeded: false)
        #expect(pacing.wait(at: start) == .milliseconds(20))
    }

    /// A turn of which the first flush begins `wait` after the change; `others` come before that, and `later` while it is
    /// written. Returns how long the first change waited.
    private func turn(
        _ pacing: inout FlushPacing, at now: ContinuousClock.Instant, batch: inout UInt64, others: UInt64 = 0,
        later: UInt64 = 0
    ) -> Duration {
        batch += 1
        pacing.turnBegan(at: now)
        let wait = pacing.wait(at: now)
        if wait > .zero { pacing.found(heardThrough: batch) }
        batch += others
        let begin = now + wait
        pacing.found(heardThrough: batch)
        pacing.flushed(from: begin, to: begin + .microseconds(800), succeeded: true)
        batch += later
        if later > 0 {
            pacing.found(heardThrough: batch)
            let second = begin + .microseconds(800) + pacing.wait(at: begin + .microseconds(800))
            pacing.found(heardThrough: batch)
            pacing.flushed(from: second, to: second + .microseconds(800), succeeded: true)
        }
        return wait
    }

    @Test("After a burst in two flushes the first change waits for the others, and a change that stays alone ends that")
    func bursts() {
        var pacing = FlushPacing(spacing: .milliseconds(5))
        var batch: UInt64 = 0
        func second(_ number: Int) -> ContinuousClock.Instant { start + .seconds(number) }
        #expect(turn(&pacing, at: second(0), batch: &batch) == .zero)
        #expect(turn(&pacing, at: second(1), batch: &batch, later: 3) == .zero, "nothing is known of bursts yet")
        #expect(turn(&pacing, at: second(2), batch: &batch, others: 3) == .milliseconds(1))
        #expect(turn(&pacing, at: second(3), batch: &batch, others: 1) == .milliseconds(1), "it was a burst again")
        #expect(turn(&pacing, at: second(4), batch: &batch) == .milliseconds(1))
        #expect(turn(&pacing, at: second(5), batch: &batch) == .zero, "the one before has stayed alone")
        #expect(turn(&pacing, at: second(6), batch: &batch) == .zero)
    }

    @Test("A burst that outlasts the gathering is expected again; one that comes only afterwards is not")
    func longBursts() {
        var pacing = FlushPacing(spacing: .milliseconds(5))
        var batch: UInt64 = 0
        _ = turn(&pacing, at: start, batch: &batch, later: 1)
        #expect(turn(&pacing, at: start + .seconds(1), batch: &batch, others: 2, later: 2) == .milliseconds(1))
        #expect(turn(&pacing, at: start + .seconds(2), batch: &batch, later: 2) == .milliseconds(1))
        #expect(turn(&pacing, at: start + .seconds(3), batch: &batch) == .zero, "waiting had gathered nothing")
    }

    @Test("Nothing waits for others without spacing, nor when the spacing has it wait already")
    func gathersNothing() {
        var unspaced = FlushPacing(spacing: .zero)
        var batch: UInt64 = 0
        _ = turn(&unspaced, at: start, batch: &batch, later: 1)
        #expect(turn(&unspaced, at: start + .seconds(1), batch: &batch) == .zero)
        var pacing = FlushPacing(spacing: .milliseconds(5))
        _ = turn(&pacing, at: start, batch: &batch, later: 1)
        // The second flush began 5 ms after the first.
        #expect(turn(&pacing, at: start + .milliseconds(9), batch: &batch) == .milliseconds(1))
        #expect(
            turn(&pacing, at: start + .seconds(1), batch: &batch) == .milliseconds(1), "the burst is still expected")
        var short = FlushPacing(spacing: .milliseconds(2))
        _ = turn(&short, at: start, batch: &batch, later: 1)
        #expect(
            turn(&short, at: start + .seconds(1), batch: &batch) == .microseconds(400), "a fifth of a short spacing")
    }

    @Test("A turn in which nothing was to be written changes nothing")
    func idleTurns() {
        var pacing = FlushPacing(spacing: .milliseconds(5))
        var batch: UInt64 = 0
        for number in 1...3 { pacing.turnBegan(at: start + .seconds(number)) }
        #expect(turn(&pacing, at: start + .seconds(4), batch: &batch, later: 1) == .zero)
        for number in 5...7 { pacing.turnBegan(at: start + .seconds(number)) }
        #expect(turn(&pacing, at: start + .seconds(8), batch: &batch, others: 1) == .milliseconds(1))
    }

    @Test("Whatever came before, the wait is never longer than the spacing and the longest pause")
    func bounded() {
        var generator = SeededRandom(seed: 5)
        var waits: [(still: Duration, next: Duration, limit: Duration)] = []
        for _ in 0..<50 {
            let spacing = Duration.milliseconds(Int.random(in: 0...50, using: &generator))
            var pacing = FlushPacing(spacing: spacing)
            var now = start
            var batch: UInt64 = 0
            for _ in 0..<20 {
                if .random(using: &generator) { pacing.turnBegan(at: now) }
                for _ in 0..<Int.random(in: 0...2, using: &generator) {
                    batch += UInt64.random(in: 0...1, using: &generator)
                    pacing.found(heardThrough: batch)
                }
                now += pacing.wait(at: now)
                let still = pacing.wait(at: now)
                let begin = now
                now += .milliseconds(Int.random(in: 0...100, using: &generator))
                pacing.flushed(from: begin, to: now, succeeded: .random(using: &generator))
                waits.append((still, pacing.wait(at: now), max(spacing, FlushPacing.longestPause)))
            }
        }
        #expect(waits.first { $0.still != .zero || $0.next > $0.limit } == nil)
    }
}
