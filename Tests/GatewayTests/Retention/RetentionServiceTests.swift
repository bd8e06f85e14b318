import Plant
import PlantClient
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@testable import Gateway

@Suite("Retention of the journal, and the clock of it")
struct RetentionServiceTests {
    /// Lets somebody own the role in whose name the journal is trimmed.
    private static func lease(_ bed: TreeBed, _ group: inout ThrowingTaskGroup<Void, any Error>) async throws -> Lease {
        let election = LeaderElection(
            client: bed.operatorClient, path: TreeLayout.alarmProcessor, identity: [], logger: bed.logger)
        group.addTask { try await election.run() }
        return try await eventuallyValue("the lease") { election.lease }
    }

    private static func fill(_ bed: TreeBed, count: Int, owed: Range<Int>) async throws {
        for number in 0..<count {
            var entry = JournalEntry(kind: .alarm, at: Int64(number), gateway: "g", transition: "ACT")
            entry.deliveries[.mqtt] = owed.contains(number) ? .owed : .delivered
            _ = try await bed.operatorClient.create(
                TreeLayout.journalEntryPrefix, data: entry.serialized(), mode: .persistentSequential)
        }
    }

    private static func left(_ bed: TreeBed) async throws -> [Int64] {
        try await bed.operatorClient.getChildren(TreeLayout.journal).compactMap(TreeLayout.journalSequence(ofNode:))
            .sorted()
    }

    @Test("what is owed stays beyond the number that is kept, for a day and an hour, and then goes")
    func owed() async throws {
        try await TreeBed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let lease = try await Self.lease(bed, &group)
                try await Self.fill(bed, count: 20, owed: 2..<6)
                var retention = HistoryRetention()
                retention.count = 5
                let clock = FakeClock(wall: WallClock.now())
                let trimmer = HistoryTrimmer(
                    client: bed.operatorClient, retention: retention, channels: [.mqtt], clock: GatewayClock(clock),
                    logger: bed.logger)
                _ = try await trimmer.step(lease: lease)
                #expect(try await Self.left(bed) == [2, 3, 4, 5] + Array(15..<20))
                // A leap of years is no time that has passed.
                clock.setWall(clock.wall + 311_040_000_000)
                for _ in 0..<3 {
                    clock.advance(by: .seconds(61))
                    _ = try await trimmer.step(lease: lease)
                }
                clock.setWall(clock.wall - 311_040_000_000)
                _ = try await trimmer.step(lease: lease)
                clock.advance(by: .seconds(61))
                _ = try await trimmer.step(lease: lease)
                #expect(try await Self.left(bed) == [2, 3, 4, 5] + Array(15..<20))
                clock.advance(by: .seconds(26 * 3_600))
                _ = try await trimmer.step(lease: lease)
                #expect(try await Self.left(bed) == Array(15..<20))
                group.cancelAll()
            }
        }
    }

    @Test("an entry stays for each channel of this gateway that owes it, and for no other")
    func channels() async throws {
        try await TreeBed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let lease = try await Self.lease(bed, &group)
                let entries = [
                    #""deliveries":{"mqtt":{"state":"owed"}}"#,
                    #""deliveries":{"mqtt":{"state":"delivered"},"pager":{"state":"owed"}}"#,
                    #""deliveries":{"mqtt":{"state":"delivered"},"pager":{"state":"givenUp","reason":"refused"}}"#,
                    #""announced":false"#,
                    #""announcement":"unannounced""#,
                    // None of these: a channel that nobody here has, an older gateway's mark, and what is out everywhere.
                    #""deliveries":{"siren":{"state":"owed"},"mqtt":{"state":"delivered"}}"#,
                    #""announced":true,"deliveries":{"mqtt":{"state":"owed"}}"#,
                    #""deliveries":{"mqtt":{"state":"delivered"},"pager":{"state":"delivered"}}"#,
                ]
                for entry in entries {
                    _ = try await bed.operatorClient.create(
                        TreeLayout.journalEntryPrefix, data: Array(#"{"kind":"alarm",\#(entry)}"#.utf8),
                        mode: .persistentSequential)
                }
                try await Self.fill(bed, count: 5, owed: 0..<0)
                var retention = HistoryRetention()
                retention.count = 5
                let clock = FakeClock(wall: WallClock.now())
                let trimmer = HistoryTrimmer(
                    client: bed.operatorClient, retention: retention,
                    channels: [.mqtt, Channel(rawValue: "pager")], clock: GatewayClock(clock), logger: bed.logger)
                _ = try await trimmer.step(lease: lease)
                #expect(try await Self.left(bed) == [0, 1, 2, 3, 4] + Array(8..<13))
                // What was given up goes after an hour.
                clock.advance(by: .seconds(3_601))
                _ = try await trimmer.step(lease: lease)
                #expect(try await Self.left(bed) == [0, 1, 3] + Array(8..<13))
                group.cancelAll()
            }
        }
    }

    @Test("beyond what is kept stay so many that are owed, however much is kept: the oldest goes", arguments: [5, 20])
    func maximum(kept: Int) async throws {
        try await TreeBed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let lease = try await Self.lease(bed, &group)
                try await Self.fill(bed, count: 30, owed: 0..<30)
                var retention = HistoryRetention()
                retention.count = kept
                let trimmer = HistoryTrimmer(
                    client: bed.operatorClient, retention: retention, channels: [.mqtt], owedMaximum: 7,
                    logger: bed.logger)
                _ = try await trimmer.step(lease: lease)
                #expect(try await Self.left(bed) == Array(Int64(30 - kept - 7)..<30))
                group.cancelAll()
            }
        }
    }

    @Test("a request goes an hour after it was last touched, whatever the wall clock shows; then its mailbox")
    func requests() async throws {
        try await TreeBed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let lease = try await Self.lease(bed, &group)
                let mailbox = TreeLayout.requests + "/ann"
                try await bed.operatorClient.ensurePath(mailbox)
                for name in ["a", "b"] { _ = try await bed.operatorClient.create(mailbox + "/" + name, data: []) }
                // Somebody has made this one for somebody.
                let guarded = TreeLayout.requests + "/bob"
                _ = try await bed.operatorClient.create(
                    guarded, data: [], acl: ACL.worldRead + [ACL(permissions: .all, scheme: "digest", id: "bob:x")])
                let clock = FakeClock(wall: WallClock.now())
                let trimmer = HistoryTrimmer(
                    client: bed.operatorClient, channels: [.mqtt], clock: GatewayClock(clock), logger: bed.logger)
                func left() async throws -> [String] {
                    _ = try await trimmer.step(lease: lease)
                    guard try await bed.operatorClient.exists(mailbox) != nil else { return [] }
                    return try await bed.operatorClient.getChildren(mailbox).sorted()
                }
                #expect(try await left() == ["a", "b"])
                clock.setWall(clock.wall + 311_040_000_000)
                clock.advance(by: .seconds(3_000))
                #expect(try await left() == ["a", "b"])
                try await bed.operatorClient.setData(mailbox + "/b", data: [1])
                #expect(try await left() == ["a", "b"])
                clock.advance(by: .seconds(601))
                #expect(try await left() == ["b"])
                clock.advance(by: .seconds(3_000))
                #expect(try await left() == [])
                #expect(try await bed.operatorClient.exists(mailbox) != nil)
                // The hour begins with what this process sees of it.
                _ = try await left()
                clock.advance(by: .seconds(3_601))
                _ = try await left()
                #expect(
                    try await bed.operatorClient.getChildren(TreeLayout.requests).sorted() == [
                        TreeLayout.mqttMailbox, "bob",
                    ])
                group.cancelAll()
            }
        }
    }

    @Test("it trims every minute by its clock, and sooner when the journal grows; a failure that lasts is said once")
    func clock() async throws {
        try await TreeBed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let lease = try await Self.lease(bed, &group)
                try await Self.fill(bed, count: 20, owed: 0..<0)
                var retention = HistoryRetention()
                retention.count = 10
                let clock = FakeClock(wall: WallClock.now())
                let log = LogLines()
                let seen = Collected<Int>()
                let service = RetentionService(
                    trimmer: HistoryTrimmer(
                        client: bed.operatorClient, retention: retention, channels: [.mqtt], logger: bed.logger),
                    client: bed.operatorClient, capacity: 10, counts: { [seen.all.last ?? 0] }, lease: { lease },
                    health: FailureBoard(clock: GatewayClock(clock), logger: log.logger), clock: GatewayClock(clock),
                    logger: log.logger)
                group.addTask { try await service.run() }
                for _ in 0..<19 {
                    try await eventually("it waits") { clock.sleeperCount == 1 }
                    clock.advance(by: .seconds(3))
                }
                try await eventually("it waits") { clock.sleeperCount == 1 }
                #expect(try await Self.left(bed).count == 20)
                clock.advance(by: .seconds(3))
                try await eventually("the minute is over") { try await Self.left(bed).count == 10 }
                // Grown by more than a quarter.
                try await Self.fill(bed, count: 9, owed: 0..<0)
                seen.append(19)
                try await eventually("it does not wait for the minute") {
                    clock.advance(by: .seconds(3))
                    return try await Self.left(bed).count == 10
                }
                // A root that has gone is made again.
                try await bed.deleteAll(TreeLayout.commands)
                try await eventually("the root") {
                    clock.advance(by: .seconds(60))
                    return try await bed.operatorClient.exists(TreeLayout.commands) != nil
                }
                // The lease's node goes: no step can be done any more.
                try await bed.operatorClient.delete(lease.path)
                try await Self.fill(bed, count: 9, owed: 0..<0)
                try await eventually("the warning", seen: { "\(log.all)" }) {
                    clock.advance(by: .seconds(3))
                    return log.count("cannot be trimmed") == 1
                }
                group.cancelAll()
            }
        }
    }
}
