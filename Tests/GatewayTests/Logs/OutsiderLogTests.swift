import TestFixtures
import Testing

@testable import Gateway

@Suite("Log lines that outsiders cause")
struct OutsiderLogTests {
    @Test("a few lines of a kind at once, then one now and then, and what was left out is said; other kinds go on")
    func bounded() {
        let (lines, clock) = (LogLines(), FakeClock())
        let log = OutsiderLog(lines.logger, clock: GatewayClock(clock))
        for number in 0..<10_000 { log.warning("refused", ["number": "\(number)"]) }
        #expect(lines.all.count == LineAllowance.burst)
        log.info("something else")
        #expect(lines.all.count == LineAllowance.burst + 1)
        clock.advance(by: LineAllowance.interval)
        for _ in 0..<10_000 { log.warning("refused") }
        #expect(lines.all.count == LineAllowance.burst + 2)
        #expect(lines.all.last?.contains("\(10_000 - LineAllowance.burst)") == true, "\(lines.all)")
        // An hour of it.
        for _ in 0..<3_600 {
            clock.advance(by: .seconds(1))
            log.warning("refused")
        }
        #expect(lines.all.count <= 2 * LineAllowance.burst + 3_600 / 6 + 2)
    }

    @Test("a line now and then saves up no further ones")
    func rare() {
        let (lines, clock) = (LogLines(), FakeClock())
        let log = OutsiderLog(lines.logger, clock: GatewayClock(clock))
        for _ in 0..<60 {
            clock.advance(by: .seconds(60))
            log.warning("refused")
        }
        #expect(lines.all.count == 60)
        for _ in 0..<1_000 { log.warning("refused") }
        #expect(lines.all.count <= 60 + LineAllowance.burst)
    }

    @Test("a long value is cut, also in the middle of a character")
    func length() {
        let lines = LogLines()
        let log = OutsiderLog(lines.logger, clock: GatewayClock(FakeClock()))
        log.warning("refused", ["value": "x" + String(repeating: "é", count: 40_000)])
        #expect(lines.all.first?.utf8.count ?? .max < OutsiderLog.valueLimit + 100)
        #expect(lines.all.first?.contains("80001 bytes") == true)
    }
}
