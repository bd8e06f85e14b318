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

    @Test("Whatever came before, the wait is never longer than the spacing and the longest pause")
    func bounded() {
        var generator = SeededRandom(seed: 5)
        var waits: [(still: Duration, next: Duration, limit: Duration)] = []
        for _ in 0..<50 {
            let spacing = Duration.milliseconds(Int.random(in: 0...50, using: &generator))
            var pacing = FlushPacing(spacing: spacing)
            var now = start
            for _ in 0..<20 {
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
