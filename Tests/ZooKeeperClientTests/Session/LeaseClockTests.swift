import Testing

@testable import ZooKeeperClient

@Suite("Lease clock: the step-down rule")
struct LeaseClockTests {
    private let start = Moment.now

    private func clock(_ rule: LeaseRule, timeout: Duration) -> LeaseClock {
        var clock = LeaseClock(rule: rule)
        clock.sessionGranted(timeout: timeout, isNew: true)
        return clock
    }

    @Test func standaloneCountsFromTheSendTimeOfAnyAnsweredPacket() throws {
        var clock = clock(.standalone, timeout: .seconds(4))
        #expect(clock.deadline == nil)
        clock.renew(sentAt: start, .answer)
        #expect(clock.deadline == start + .seconds(4) - .milliseconds(200))
        clock.renew(sentAt: start + .seconds(1), .leader(reported: start))
        #expect(clock.deadline == start + .seconds(5) - .milliseconds(200))
    }

    @Test func ensembleIgnoresWhatAFollowerAnswersByItself() {
        var clock = clock(.ensemble, timeout: .seconds(12))
        clock.renew(sentAt: start, .answer)
        #expect(clock.deadline == nil)
        clock.renew(sentAt: start, .leader(reported: start))
        #expect(clock.deadline == start + .seconds(12) - .milliseconds(600))
    }

    @Test func ensembleCountsFromWhatTheLeaderHadBeenToldOf() {
        var clock = clock(.ensemble, timeout: .seconds(12))
        clock.renew(sentAt: start + .seconds(5), .leader(reported: start))
        #expect(clock.deadline == start + .seconds(12) - .milliseconds(600))
    }

    @Test func neverMovesBack() {
        var clock = clock(.standalone, timeout: .seconds(4))
        clock.renew(sentAt: start + .seconds(1), .answer)
        let deadline = clock.deadline
        clock.renew(sentAt: start, .answer)
        #expect(clock.deadline == deadline)
    }

    @Test func aSessionThatIsTakenUpAgainKeepsItsDeadlineAndANewOneStartsWithout() {
        var clock = clock(.standalone, timeout: .seconds(4))
        clock.renew(sentAt: start, .answer)
        clock.sessionGranted(timeout: .seconds(4), isNew: false)
        #expect(clock.deadline != nil)
        clock.sessionGranted(timeout: .seconds(4), isNew: true)
        #expect(clock.deadline == nil)
        clock.renew(sentAt: start, .answer)
        clock.sessionEnded()
        #expect(clock.deadline == nil)
    }
}
