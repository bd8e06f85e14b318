import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

/// Containers and nodes with a time to live, swept without looking at all of them.
@Suite struct SweepTests {
    @Test func whatHasChildrenIsLeftAlone() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        try client.create("/c", mode: .container)
        try client.create("/c/child")
        try client.create("/t", mode: .persistentTTL, ttl: 1000)
        try client.create("/t/child")
        for _ in 0..<10 {
            harness.pass(milliseconds: 5000)
            harness.engine.sweep(now: harness.now)
        }
        #expect(try client.children("/") == ["c", "t", "zookeeper"])
        try client.delete("/c/child")
        try client.delete("/t/child")
        harness.engine.sweep(now: harness.now)
        #expect(try client.children("/") == ["zookeeper"])
    }

    @Test func eachChangeOfTheDataGivesTheWholeTimeAgain() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        try client.create("/t", mode: .persistentTTL, ttl: 1000)
        for _ in 0..<20 {
            harness.pass(milliseconds: 900)
            harness.engine.sweep(now: harness.now)
            try client.set("/t", [1])
        }
        harness.pass(milliseconds: 1000)
        harness.engine.sweep(now: harness.now)
        #expect(try client.children("/") == ["t", "zookeeper"])
        harness.pass(milliseconds: 1)
        harness.engine.sweep(now: harness.now)
        #expect(try client.children("/") == ["zookeeper"])
    }

    @Test func aFailedTransactionChangesNothing() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        try client.create("/c", mode: .container)
        try client.create("/c/child")
        _ = try client.multi([
            .delete(path: "/c/child"), .create(path: "/n", data: nil, mode: .container), .check(path: "/no"),
        ])
        harness.engine.sweep(now: harness.now)
        #expect(try client.children("/") == ["c", "zookeeper"])
        #expect(try client.children("/c") == ["child"])
    }

    /// A sweep removes a bounded number; the next ones remove the rest.
    @Test func aSweepIsBounded() throws {
        var settings = Engine.Settings()
        settings.sweepLimit = 3
        let harness = try EngineHarness(settings: settings)
        let client = try harness.connected()
        for index in 0..<8 { try client.create("/t\(index)", mode: .persistentTTL, ttl: 1) }
        harness.pass(milliseconds: 1000)
        for left in [5, 2, 0] {
            harness.engine.sweep(now: harness.now)
            #expect(try client.children("/").count == left + 1)
        }
    }

    /// On a full disk it removes what can still be recorded; the rest goes when there is room.
    @Test func aSweepEndsWhereTheDiskHasNoRoom() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        for index in 0..<20 { try client.create("/t\(index)", mode: .persistentTTL, ttl: 1) }
        harness.pass(milliseconds: 1000)
        harness.engine.storageAllowance = 4096 + 200
        harness.engine.sweep(now: harness.now)
        let left = try client.children("/").count - 1
        #expect((1..<20).contains(left))
        harness.engine.storageAllowance = .max
        harness.engine.sweep(now: harness.now)
        #expect(try client.children("/").count == 1)
    }

    @Test func nothingIsDueWhenNothingCanGo() {
        var schedule = SweepSchedule()
        #expect(schedule.take(now: 1000).isEmpty)
        schedule.add(PathKey("/a"), after: 1000)
        #expect(schedule.take(now: 999).isEmpty)
        #expect(schedule.take(now: 1000) == [PathKey("/a")])
        #expect(schedule.take(now: 2000).isEmpty)
    }
}
