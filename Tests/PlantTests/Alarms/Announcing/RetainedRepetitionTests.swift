import Testing

@testable import Plant

@Suite("Retained alarm records that the broker has lost")
struct RetainedRepetitionTests {
    typealias Fixture = AnnouncementFixture

    @Test("Those that differ or are missing, the most urgent first")
    func comparison() throws {
        let same = try Fixture.record("press1", 1, priority: .critical)
        let older = try Fixture.record("press2", 1, priority: .low)
        let newer = try Fixture.record("press2", 2, priority: .low)
        let missing = try Fixture.record("press3", 1, priority: .critical)
        var normal = try Fixture.record("press0", 4, priority: .critical)
        normal.lifeCycle.condition = .normal
        var comparison = RetainedComparison()
        for record in [same, older] { comparison.retained(record.path.description, payload: record.serialized()) }
        comparison.retained("factory/line1/orphan/temperature/overtemperature", payload: [])
        #expect(comparison.count == 3)
        #expect(comparison.differing(from: [newer, same, normal, missing]) == [missing, normal, newer])
    }

    /// Given a broker that retains more than there is room for, then what came first is compared and the rest is missing.
    @Test("What there is no room for counts as missing, and a message that is replaced makes room")
    func bounded() throws {
        let records = try (1...3).map { try Fixture.record("press\($0)", 1) }
        var comparison = RetainedComparison(maximumBytes: 2 * (records[0].serialized().count + 200))
        for _ in 1...10 {
            for record in records.prefix(2) {
                comparison.retained(record.path.description, payload: record.serialized())
            }
        }
        #expect(comparison.count == 2 && comparison.overflowed == 0)
        comparison.retained(records[2].path.description, payload: records[2].serialized())
        #expect(comparison.differing(from: records) == [records[2]] && comparison.overflowed == 1)
        // The broker retains another message now, which is longer: the one before it is none that it retains.
        comparison.retained(records[0].path.description, payload: [UInt8](repeating: 0, count: 10_000))
        #expect(comparison.differing(from: records) == [records[0], records[2]] && comparison.count == 1)
    }

    @Test("They leave in their order, at a bounded rate, without events")
    func rate() throws {
        var world = Fixture()
        var records: [AlarmRecord] = []
        for number in 0..<700 { records.append(try Fixture.record("press\(number)", 3)) }
        world.announcements.recordsLost(records)
        #expect(world.announcements.waiting == 700)
        var left: [String] = []
        var perSecond: [Milliseconds: Int] = [:]
        for now in stride(from: Milliseconds(0), through: 2_000, by: 20) {
            let step = world.runAll(at: now)
            perSecond[now / 1_000, default: 0] += step.count
            left += step
        }
        #expect(left == (0..<700).map { "press\($0) record 3" })
        #expect(perSecond == [0: 500, 1: 200, 2: 0])
        #expect(world.settled() == [] && world.announcements.waiting == 0)
    }

    @Test("A record never overwrites a newer one: neither one that is owed nor one that is out")
    func neverOlder() throws {
        var world = Fixture()
        try world.owe(0, "press1", 5)
        world.announcements.recordsLost([try Fixture.record("press1", 4)])
        #expect(world.runAll(at: 0) == ["press1 record 5", "press1 event 0"])
        world.announcements.recordsLost([try Fixture.record("press1", 4)])
        #expect(world.runAll(at: 1_000) == [])
        // The broker has lost the very one that we had published.
        world.announcements.recordsLost([try Fixture.record("press1", 5)])
        #expect(world.runAll(at: 2_000) == ["press1 record 5"])
    }

    @Test("A transition that comes meanwhile takes its place")
    func overtaken() throws {
        var world = Fixture()
        world.announcements.recordsLost([try Fixture.record("press1", 4)])
        try world.owe(0, "press1", 5)
        #expect(world.runAll(at: 0) == ["press1 record 5", "press1 event 0"])
    }

    @Test("Refused ones are tried again with pauses; with the term they are forgotten")
    func refused() throws {
        var world = Fixture()
        world.announcements.recordsLost([try Fixture.record("press1", 4)])
        #expect(world.refuseAll(at: 0) == ["press1 record 4"])
        #expect(world.refuseAll(at: 499) == [])
        #expect(world.refuseAll(at: 500) == ["press1 record 4"])
        #expect(world.announcements.refused == 1)
        world.announcements.termEnded()
        #expect(world.announcements.refused == 0 && world.announcements.waiting == 0)
        #expect(world.runAll(at: 10_000) == [])
    }
}
