import SparkplugB
import Testing

@testable import Gateway

@Suite("ForeignHostWatch: whether somebody else is this host")
struct ForeignHostWatchTests {
    private let start = ContinuousClock.now

    // Assertions: operational-behavior-host-application-host-id
    @Test("each kind is said at once, and for a minute after the last message")
    func kinds() {
        let kinds: [(WritableKeyPath<HostState.Counters, UInt64>, String)] = [
            (\.newerOffline, "it says offline, with a newer timestamp"), (\.foreignOnline, "it says online"),
            (\.unreadable, "it says what cannot be read, or nothing"),
        ]
        for (kind, text) in kinds {
            var (watch, counters) = (ForeignHostWatch(), HostState.Counters())
            #expect(watch.look(counters, now: start) == nil)
            counters[keyPath: kind] = 1
            #expect(watch.look(counters, now: start) == text)
            counters[keyPath: kind] = 2
            #expect(watch.look(counters, now: start + .seconds(30)) == text)
            #expect(watch.look(counters, now: start + .seconds(89)) == text)
            #expect(watch.look(counters, now: start + .seconds(90)) == nil)
            #expect(watch.look(counters, now: start + .seconds(91)) == nil)
        }
    }

    @Test("one older offline is the will of a connection before; a second one within a minute is somebody else")
    func olderOffline() {
        var (watch, counters) = (ForeignHostWatch(), HostState.Counters())
        counters.olderOffline = 1
        #expect(watch.look(counters, now: start) == nil)
        counters.olderOffline = 2
        #expect(watch.look(counters, now: start + .seconds(60)) == nil)
        counters.olderOffline = 3
        #expect(watch.look(counters, now: start + .seconds(119)) == "it says offline, again and again")
        var other = ForeignHostWatch()
        #expect(other.look(counters, now: start) == "it says offline, again and again")
    }
}
