import Testing

@testable import Gateway

@Suite("Messages that are shed")
struct SheddingWatchTests {
    @Test("said while it lasts and for a minute after, with what was lost in that time")
    func looks() {
        var watch = SheddingWatch()
        let start = ContinuousClock.now
        func look(_ total: UInt64, _ seconds: Int) -> UInt64? { watch.look(total, now: start + .seconds(seconds)) }
        #expect(look(0, 0) == nil)
        #expect(look(10, 1) == 10)
        #expect(look(10, 2) == 10)
        #expect(look(15, 50) == 15)
        #expect(look(15, 109) == 15)
        #expect(look(15, 110) == nil)
        #expect(look(18, 111) == 3)
        // A number that falls is none of this client's.
        #expect(look(2, 112) == 3)
        #expect(look(2, 200) == nil)
    }
}
