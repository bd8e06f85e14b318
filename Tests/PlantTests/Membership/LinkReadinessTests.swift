import Testing

@testable import Plant

@Suite("LinkReadiness: whether a gateway counts as one that hears its broker")
struct LinkReadinessTests {
    private func ready() -> LinkReadiness {
        var link = LinkReadiness()
        link.linkChanged(isUp: true, at: 0)
        return link
    }

    @Test("not ready before the first connection, then at once")
    func start() {
        var link = LinkReadiness()
        #expect(!link.isReady && link.nextDeadline == nil)
        link.linkChanged(isUp: false, at: 5)
        #expect(link.state == .absent)
        link.linkChanged(isUp: true, at: 10)
        #expect(link.isReady && link.state == .ready)
    }

    @Test("a break shorter than the patience costs nothing")
    func shortBreak() {
        var link = ready()
        link.linkChanged(isUp: false, at: 100)
        #expect(link.isReady && link.nextDeadline == 2_100)
        link.linkChanged(isUp: false, at: 150)
        #expect(link.nextDeadline == 2_100, "a repetition does not prolong it")
        link.advance(to: 2_099)
        #expect(link.isReady)
        link.linkChanged(isUp: true, at: 2_099)
        #expect(link.state == .ready && link.nextDeadline == nil)
    }

    @Test("a longer one makes it unready, and the return ready at once")
    func longBreak() {
        var link = ready()
        link.linkChanged(isUp: false, at: 100)
        link.advance(to: 2_100)
        #expect(!link.isReady && link.nextDeadline == nil)
        link.linkChanged(isUp: true, at: 3_000)
        #expect(link.isReady)
    }

    @Test("a return that is told after the patience has ended is a return from absence")
    func lateNews() {
        var link = ready()
        for start in [0, 3_000, 6_000] as [Milliseconds] {
            link.linkChanged(isUp: false, at: start)
            link.linkChanged(isUp: true, at: start + 2_500)
        }
        #expect(link.state == .onTrial(until: 18_500))
    }

    @Test("after three losses within a minute it must stand for ten seconds")
    func trial() {
        var link = ready()
        link.linkChanged(isUp: false, at: 1_000)
        link.linkChanged(isUp: true, at: 1_500)
        link.linkChanged(isUp: false, at: 2_000)
        link.linkChanged(isUp: true, at: 2_500)
        link.linkChanged(isUp: false, at: 3_000)
        link.advance(to: 5_000)
        link.linkChanged(isUp: true, at: 6_000)
        #expect(!link.isReady && link.nextDeadline == 16_000)
        link.linkChanged(isUp: false, at: 15_999)
        #expect(link.state == .absent)
        link.linkChanged(isUp: true, at: 16_500)
        #expect(link.nextDeadline == 26_500)
        link.advance(to: 26_500)
        #expect(link.isReady)
    }

    @Test("losses of long ago do not count")
    func oldLosses() {
        var link = ready()
        for start in [0, 30_000, 60_001] as [Milliseconds] {
            link.linkChanged(isUp: true, at: start)
            link.linkChanged(isUp: false, at: start)
        }
        link.advance(to: 62_001)
        link.linkChanged(isUp: true, at: 70_000)
        #expect(link.state == .ready)
    }
}
