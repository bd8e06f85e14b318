import Testing

@testable import EmbeddedZooKeeper

@Suite("The pace of the disk")
struct DiskPaceTests {
    @Test func isQuickOnceItHasProvedToBe() {
        var pace = DiskPace()
        #expect(!pace.isQuick)
        for _ in 0..<32 { pace.note(.microseconds(120)) }
        #expect(pace.isQuick)
        for _ in 0..<32 { pace.note(.milliseconds(1)) }
        #expect(!pace.isQuick)
    }

    @Test func oneStallIsRememberedForAWhile() {
        var pace = DiskPace()
        for _ in 0..<32 { pace.note(.microseconds(120)) }
        pace.note(.seconds(1))
        #expect(!pace.isQuick)
        for _ in 0..<63 { pace.note(.microseconds(120)) }
        #expect(!pace.isQuick)
        pace.note(.microseconds(120))
        #expect(pace.isQuick)
    }
}
