import Testing

@testable import linekeeper

@Suite("A tree that is silent while it is followed")
struct TreeSilenceTests {
    @Test("is spoken of after a second, once, and once when it answers again")
    func saidOnce() {
        var silence = TreeSilence()
        let start = ContinuousClock.now
        func look(_ isReached: Bool, _ seconds: Double) -> String? {
            silence.look(isReached, at: start + .seconds(seconds))
        }
        #expect(look(true, 0) == nil)
        #expect(look(false, 1) == nil)
        #expect(look(false, 1.9) == nil)
        #expect(look(false, 2)?.hasPrefix("the tree has not answered for 1s") == true)
        #expect(look(false, 3) == nil)
        #expect(silence.text(at: start + .seconds(15))?.contains("for 14s") == true)
        #expect(look(true, 16) == "the tree answers again")
        #expect(silence.text(at: start + .seconds(17)) == nil)
        #expect(look(false, 20) == nil && look(false, 21) != nil)
    }

    @Test("a connection that is made again at once is not spoken of")
    func short() {
        var silence = TreeSilence()
        let start = ContinuousClock.now
        #expect(silence.look(false, at: start) == nil)
        #expect(silence.look(true, at: start + .milliseconds(900)) == nil)
    }
}
