import Testing

@testable import Plant

@Suite("Announcements: what to publish next")
struct AnnouncementsTests {
    typealias Fixture = AnnouncementFixture

    @Test("A transition's record leaves, then its event; then it is delivered, which is said once")
    func oneTransition() throws {
        var world = Fixture()
        try world.owe(0, "press1", 1)
        #expect(world.step(at: 0) == ["press1 record 1"])
        #expect(world.announcements.next(limit: 10, at: 0) == [])
        world.end("press1 record 1", .acknowledged, at: 1)
        #expect(world.settled() == [])
        #expect(world.step(at: 1) == ["press1 event 0"])
        world.end("press1 event 0", .acknowledged, at: 2)
        #expect(world.settled() == ["0 delivered"])
        #expect(world.announcements.waiting == 0)
        #expect(world.settled() == [])
    }

    @Test("Records conflate to the newest, events keep their order and leave one after the other")
    func conflation() throws {
        var world = Fixture()
        for (sequence, revision) in [(5, 3), (3, 1), (4, 2)] {
            try world.owe(Int64(sequence), "press1", Int64(revision))
        }
        #expect(world.runAll(at: 0) == ["press1 record 3", "press1 event 3", "press1 event 4", "press1 event 5"])
        #expect(world.settled() == ["3 delivered", "4 delivered", "5 delivered"])
    }

    @Test("A record that became newer while the older one was on its way follows it")
    func newerMeanwhile() throws {
        var world = Fixture()
        try world.owe(0, "press1", 1)
        #expect(world.step(at: 0) == ["press1 record 1"])
        try world.owe(1, "press1", 2)
        world.end("press1 record 1", .acknowledged, at: 1)
        #expect(world.runAll(at: 1) == ["press1 record 2", "press1 event 0", "press1 event 1"])
        #expect(world.settled() == ["0 delivered", "1 delivered"])
    }

    @Test("An alarm that was removed leaves the broker without a record; one that comes back since brings its own")
    func removal() throws {
        var world = Fixture()
        try world.owe(0, "press1", 1)
        try world.owe(1, "press1", 2, .forgotten)
        #expect(world.runAll(at: 0) == ["press1 removal 2", "press1 event 0", "press1 event 1"])
        #expect(world.settled() == ["0 delivered", "1 delivered"])
        // A comparison that read the tree before does not bring it back.
        world.announcements.recordsLost([try Fixture.record("press1", 1)])
        #expect(world.runAll(at: 1) == [])

        try world.owe(2, "press2", 5, .forgotten)
        try world.owe(3, "press2", 6)
        #expect(world.runAll(at: 2) == ["press2 record 6", "press2 event 2", "press2 event 3"])
    }

    @Test("A refused record is tried again with growing pauses up to the longest; its events and other alarms leave")
    func refusedRecord() throws {
        var world = Fixture()
        try world.owe(0, "press1", 1)
        try world.owe(1, "press2", 1)
        var attempts: [Milliseconds] = []
        var other: [String] = []
        for now in stride(from: Milliseconds(0), through: 200_000, by: 100) {
            for publication in world.step(at: now) {
                if publication == "press1 record 1" {
                    attempts.append(now)
                    world.end(publication, .refused(concernsTopic: true), at: now)
                } else {
                    other.append(publication)
                    world.end(publication, .acknowledged, at: now)
                }
            }
        }
        #expect(attempts.prefix(4) == [0, 500, 1_500, 3_500])
        #expect(zip(attempts.dropFirst(), attempts).map { $0 - $1 }.max() == 30_000)
        #expect(Set(other) == ["press1 event 0", "press2 record 1", "press2 event 1"])
        #expect(world.settled() == ["1 delivered"])
        #expect(world.announcements.refused == 1 && world.announcements.obstacle == .refusals)
        // Mended: it goes out, and the entry is delivered.
        #expect(world.runAll(at: 300_000) == ["press1 record 1"])
        #expect(world.settled() == ["0 delivered"])
        #expect(world.announcements.refused == 0 && world.announcements.obstacle == nil)
    }

    @Test(
        "A topic of events that the broker refuses is probed with one message at a time, and all leave when it is open")
    func gate() throws {
        var world = Fixture()
        for number in 0..<100 { try world.owe(Int64(number), "press\(number)", 1) }
        var probes: [Milliseconds: Int] = [:]
        for now in stride(from: Milliseconds(0), through: 100_000, by: 100) {
            while true {
                let step = world.step(at: now, limit: 8)
                if step.isEmpty { break }
                for publication in step {
                    let isEvent = publication.contains(" event ")
                    if isEvent { probes[now, default: 0] += 1 }
                    world.end(publication, isEvent ? .refused(concernsTopic: true) : .acknowledged, at: now)
                }
            }
        }
        // Those that were on their way when the first one was refused; then one at a time.
        let times = probes.keys.sorted()
        #expect(probes.values.dropFirst(0).filter { $0 > 8 }.isEmpty)
        #expect(times.dropFirst().allSatisfy { probes[$0] == 1 }, "\(probes)")
        #expect(zip(times.dropFirst(), times).map { $0 - $1 }.max() ?? 0 <= 30_000)
        #expect(times.count < 15)
        #expect(world.announcements.refused == 100)
        let end = world.runAll(at: 200_000)
        #expect(end.count == 100 && Set(end).count == 100)
        #expect(world.settled().count == 100)
        #expect(world.announcements.refused == 0)
    }

    @Test("An event that is refused for its own sake holds back only its own alarm")
    func poison() throws {
        var world = Fixture()
        try world.owe(0, "press1", 1)
        try world.owe(1, "press1", 2)
        try world.owe(2, "press2", 1)
        var left: [String] = []
        for now in stride(from: Milliseconds(0), through: 5_000, by: 100) {
            for publication in world.step(at: now) {
                let isPoison = publication == "press1 event 0"
                if !isPoison { left.append(publication) }
                world.end(publication, isPoison ? .refused(concernsTopic: false) : .acknowledged, at: now)
            }
        }
        #expect(left == ["press1 record 2", "press2 record 1", "press2 event 2"])
    }

    @Test(
        "What was not announced within its time is given up as refused, never as delivered; the record goes out all the same"
    )
    func tooOld() throws {
        var world = Fixture()
        try world.owe(0, "press1", 1, age: 1_000)
        world.refuseAll(at: 0)
        world.refuseAll(at: world.announcements.limits.age - 1_000)
        #expect(world.settled() == [])
        _ = world.refuseAll(at: world.announcements.limits.age)
        #expect(world.settled() == ["0 refused"])
        #expect(world.announcements.givenUp == 1)
        #expect(world.runAll(at: world.announcements.limits.age * 2) == ["press1 record 1"])
        #expect(world.announcements.waiting == 0 && world.announcements.refused == 0)
    }

    @Test("While the broker is away nothing leaves; what is given up then is unannounced")
    func away() throws {
        var world = Fixture()
        world.announcements.disconnected()
        try world.owe(0, "press1", 1)
        #expect(world.step(at: 10) == [])
        #expect(world.announcements.obstacle == .noConnection)
        #expect(world.step(at: world.announcements.limits.age + 1) == [])
        #expect(world.settled() == ["0 unannounced"])
        let now = world.announcements.limits.age + 2
        world.announcements.connected(at: now)
        #expect(world.runAll(at: now) == ["press1 record 1"])
    }

    @Test("Of too many, the oldest are given up")
    func tooMany() throws {
        var limits = Announcements.Limits()
        limits.count = 10
        var world = Fixture(limits: limits)
        world.announcements.disconnected()
        for number in 0..<25 { try world.owe(Int64(number), "press1", Int64(number + 1)) }
        #expect(world.settled() == (0..<15).map { "\($0) unannounced" })
        world.announcements.connected(at: 1)
        #expect(world.runAll(at: 1) == ["press1 record 25"] + (15..<25).map { "press1 event \($0)" })
    }

    @Test("A reconnection tries at once what was refused")
    func reconnected() throws {
        var world = Fixture()
        try world.owe(0, "press1", 1)
        for now in [0, 500, 1_500, 3_500, 7_500] as [Milliseconds] { world.refuseAll(at: now) }
        #expect(world.step(at: 7_600) == [])
        world.announcements.disconnected()
        world.announcements.connected(at: 7_700)
        #expect(world.runAll(at: 7_700) == ["press1 event 0", "press1 record 1"])
    }

    @Test("A failed publication is tried again soon")
    func failed() throws {
        var world = Fixture()
        try world.owe(0, "press1", 1)
        for publication in world.step(at: 0) { world.end(publication, .failed, at: 0) }
        // The event does not wait for the record.
        #expect(world.runAll(at: 50) == ["press1 event 0"])
        #expect(world.runAll(at: 100) == ["press1 record 1"])
    }

    @Test("What another gateway has settled or removed is not published; what was delivered was its record, too")
    func elsewhere() throws {
        var world = Fixture()
        try world.owe(0, "press1", 1)
        try world.owe(1, "press1", 2)
        try world.owe(2, "press2", 1)
        try world.owe(3, "press3", 1)
        world.announcements.entrySettled(0, as: .delivered)
        world.announcements.entrySettled(1, as: .delivered)
        world.announcements.entrySettled(2, as: .givenUp(.refused))
        world.announcements.entryRemoved(3)
        #expect(world.runAll(at: 0) == ["press2 record 1", "press3 record 1"])
        #expect(world.settled() == [])
    }

    @Test("A journal that begins again brings other entries under the old numbers")
    func restarted() throws {
        var world = Fixture()
        try world.owe(0, "press1", 1)
        _ = world.runAll(at: 0)
        try world.owe(1, "press1", 2)
        world.announcements.journalRestarted()
        // Nor is what was settled before said of the new ones.
        #expect(world.settled() == [])
        try world.owe(0, "press1", 3)
        #expect(world.runAll(at: 1) == ["press1 record 3", "press1 event 0"])
        #expect(world.settled() == ["0 delivered"])
    }
}
