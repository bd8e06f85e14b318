import Logging
import TestFixtures
import Testing

@testable import Gateway

@Suite("LastingFailure: said once, and once when it ends")
struct LastingFailureTests {
    let start = ContinuousClock.now

    @Test("what passes within the patience is not mentioned")
    func short() {
        var failure = LastingFailure()
        let reports = [
            failure.failed("a", at: start), failure.failed("b", at: start + .seconds(5)),
            failure.succeeded(at: start + .seconds(5)), failure.failed("c", at: start + .seconds(6)),
            failure.failed("d", at: start + .seconds(11)),
        ]
        #expect(reports.allSatisfy { $0 == nil })
    }

    @Test("what lasts is reported with the latest cause, once; its end once")
    func lasting() {
        var failure = LastingFailure()
        _ = failure.failed("a", at: start)
        let began = failure.failed("b", at: start + .seconds(6))
        #expect(began == .began(cause: "b", after: .seconds(6)))
        let again = failure.failed("c", at: start + .seconds(60))
        #expect(again == nil && failure.isReported)
        let ended = failure.succeeded(at: start + .seconds(61))
        #expect(ended == .ended(after: .seconds(61)))
        let nothing = failure.succeeded(at: start + .seconds(62))
        #expect(nothing == nil)
    }

    @Test("a duty that was given up neither fails nor succeeds")
    func withdrawn() {
        var failure = LastingFailure()
        _ = failure.failed("a", at: start)
        failure.withdrawn()
        let late = failure.failed("b", at: start + .seconds(60))
        #expect(late == nil)
    }

    @Test("the log says it at warning, with the cause")
    func log() {
        let clock = FakeClock()
        let lines = LogLines()
        let board = FailureBoard(clock: GatewayClock(clock), logger: lines.logger)
        let log = board.log(.tags, began: "it does not work", ended: "it works")
        for _ in 0..<10 {
            log.failed("no disk")
            clock.advance(by: .seconds(1))
        }
        log.succeeded()
        log.succeeded()
        #expect(lines.all.count == 2, "\(lines.all)")
        #expect(lines.count("warning it does not work") == 1 && lines.count("no disk") == 1)
        #expect(lines.count("notice it works") == 1)
    }
}
