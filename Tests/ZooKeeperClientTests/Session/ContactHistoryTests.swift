import Primitives
import TestFixtures
import Testing

@testable import ZooKeeperClient

@Suite("Contact history: what the leader has been told of")
struct ContactHistoryTests {
    private let start = Moment.now

    private func history(tick: Duration = .seconds(2)) -> ContactHistory {
        var history = ContactHistory()
        history.begin(sentAt: start, tick: tick)
        return history
    }

    @Test func nothingIsKnownBeforeASession() {
        var history = ContactHistory()
        history.answered(sentAt: start, at: start)
        expect(history.reported(at: start + .seconds(10)) == nil)
    }

    @Test func theGrantItselfCountsUntilAnAnswerIsATickOld() {
        var history = history()
        expect(history.reported(at: start) == start)
        history.answered(sentAt: start + .seconds(1), at: start + .milliseconds(1500))
        expect(history.reported(at: start + .milliseconds(3499)) == start)
        expect(history.reported(at: start + .milliseconds(3500)) == start + .seconds(1))
    }

    @Test func whatWasAnsweredLateCountsFromTheAnswer() {
        var history = history()
        history.answered(sentAt: start + .seconds(1), at: start + .seconds(9))
        expect(history.reported(at: start + .seconds(10)) == start)
        expect(history.reported(at: start + .seconds(11)) == start + .seconds(1))
    }

    @Test func aNewConnectionStartsAnew() {
        var history = history()
        history.answered(sentAt: start + .seconds(1), at: start + .seconds(1))
        history.begin(sentAt: start + .seconds(2), tick: .seconds(1))
        expect(history.reported(at: start + .seconds(2)) == start + .seconds(2))
    }

    /// Against all the contacts, kept: never newer than what they prove, and not much older.
    @Test func keepsFewContactsAndLosesLittle() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        let tick = Duration.seconds(2)
        for _ in 0..<50 {
            var history = history(tick: tick)
            var all = [(sentAt: start, answeredAt: start)]
            var now = start
            let longest = [1_000, 100_000, 3_000_000].randomElement(using: &random) ?? 1
            for _ in 0..<400 {
                now += .microseconds(Int.random(in: 0...longest, using: &random))
                let sentAt = now
                now += .microseconds(Int.random(in: 0...longest / 10, using: &random))
                history.answered(sentAt: sentAt, at: now)
                all.append((sentAt, now))
                let bound = all.last { now - $0.answeredAt >= tick }?.sentAt ?? start
                let least = all.last { now - $0.answeredAt >= tick + tick / 8 }?.sentAt ?? start
                let reported = history.reported(at: now) ?? now
                #expect(reported <= bound && reported >= least, "seed \(seed)")
            }
        }
    }
}
