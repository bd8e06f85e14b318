import Testing

@testable import ZooKeeperClient

@Suite("Lease clock: the step-down rule")
struct LeaseClockTests {
    private let start = Moment.now

    private func clock(_ rule: LeaseRule, tick: Duration = .seconds(2), timeout: Duration) -> LeaseClock {
        var clock = LeaseClock(rule: rule, serverTick: tick)
        clock.sessionGranted(timeout: timeout, isNew: true)
        return clock
    }

    @Test func standaloneCountsFromTheSendTimeOfAnyAnsweredPacket() throws {
        var clock = clock(.standalone, timeout: .seconds(4))
        #expect(clock.deadline == nil)
        clock.renew(sentAt: start, gap: .seconds(1), .answer)
        #expect(clock.deadline == start + .seconds(4) - .milliseconds(200))
    }

    @Test func ensembleIgnoresWhatAFollowerAnswersByItself() {
        var clock = clock(.ensemble, timeout: .seconds(12))
        clock.renew(sentAt: start, gap: .zero, .answer)
        #expect(clock.deadline == nil)
        clock.renew(sentAt: start, gap: .zero, .leader)
        // T − T/6 − tick.
        #expect(clock.deadline == start + .seconds(12) - .seconds(2) - .seconds(2))
    }

    @Test func ensembleSubtractsOurOwnSilence() {
        var clock = clock(.ensemble, timeout: .seconds(12))
        clock.renew(sentAt: start, gap: .seconds(5), .leader)
        #expect(clock.deadline == start + .seconds(12) - .seconds(5) - .seconds(2))
    }

    @Test func aTickIsAtMostHalfTheSessionTimeout() {
        var clock = clock(.ensemble, tick: .seconds(2), timeout: .milliseconds(1200))
        clock.renew(sentAt: start, gap: .zero, .leader)
        #expect(clock.deadline == start + .milliseconds(1200 - 200 - 600))
    }

    @Test func neverMovesBack() {
        var clock = clock(.standalone, timeout: .seconds(4))
        clock.renew(sentAt: start + .seconds(1), gap: .zero, .answer)
        let deadline = clock.deadline
        clock.renew(sentAt: start, gap: .zero, .answer)
        #expect(clock.deadline == deadline)
    }

    @Test func aSessionThatIsTakenUpAgainKeepsItsDeadlineAndANewOneStartsWithout() {
        var clock = clock(.standalone, timeout: .seconds(4))
        clock.renew(sentAt: start, gap: .zero, .answer)
        clock.sessionGranted(timeout: .seconds(4), isNew: false)
        #expect(clock.deadline != nil)
        clock.sessionGranted(timeout: .seconds(4), isNew: true)
        #expect(clock.deadline == nil)
        clock.renew(sentAt: start, gap: .zero, .answer)
        clock.sessionEnded()
        #expect(clock.deadline == nil)
    }
}
