import Primitives
import TestFixtures
import Testing

@testable import Plant

@Suite("Announcements: random walks")
struct AnnouncementWalkTests {
    /// Whatever the broker does: no message of an alarm overtakes another, no record goes back, only what the broker has
    /// is called delivered, and when it takes everything again, everything goes out.
    @Test("Order, truth and completeness hold", arguments: 0..<40)
    func walk(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        var limits = Announcements.Limits()
        limits.count = 40
        limits.age = 60_000
        var announcements = Announcements(limits: limits)
        var revisions: [String: Int64] = [:]
        var owed: [Int64: (alarm: AlarmPath, revision: Int64)] = [:]
        var underWay: [Announcements.Publication] = []
        var retained: [AlarmPath: Int64] = [:]
        var newest: [AlarmPath: Int64] = [:]
        var lastEvent: [AlarmPath: Int64] = [:]
        var heard: Set<Int64> = []
        var sequence: Int64 = 0
        var now: Milliseconds = 0
        announcements.connected(at: 0)

        func finish(_ publication: Announcements.Publication, _ outcome: Announcements.Outcome) {
            if outcome == .acknowledged {
                switch publication.content {
                case .record(let record), .removal(let record):
                    #expect(record.revision >= retained[record.path] ?? 0, "a record went back, seed \(seed)")
                    retained[record.path] = record.revision
                case .event(let sequence, _):
                    #expect(sequence > lastEvent[publication.alarm] ?? -1, "an event went back, seed \(seed)")
                    lastEvent[publication.alarm] = sequence
                    heard.insert(sequence)
                }
            }
            announcements.ended(publication, outcome, at: now)
        }
        func settle() throws {
            for settlement in announcements.takeSettled() {
                let entry = try #require(owed[settlement.sequence], "settled twice, seed \(seed)")
                owed[settlement.sequence] = nil
                #expect(settlement.delivery.isSettled)
                guard settlement.delivery == .delivered else { continue }
                #expect(heard.contains(settlement.sequence) && retained[entry.alarm] ?? 0 >= entry.revision)
            }
        }

        for _ in 0..<600 {
            now += .random(in: 0..<800, using: &random)
            let name = "press\(Int.random(in: 0..<6, using: &random))"
            if random.chance(35) {
                revisions[name, default: 0] += 1
                let record = try AnnouncementFixture.record(name, revisions[name] ?? 0)
                let transition = ProposedTransition(transition: .activated, record: record, at: now)
                owed[sequence] = (record.path, record.revision)
                newest[record.path] = record.revision
                announcements.entryOwed(sequence, transition, at: now)
                sequence += 1
            }
            if random.chance(2) { announcements.disconnected() }
            if random.chance(5) { announcements.connected(at: now) }
            if random.chance(5), let revision = revisions[name] {
                announcements.recordsLost([try AnnouncementFixture.record(name, revision)])
            }
            if random.chance(1) { announcements.termEnded() }
            underWay += announcements.next(limit: 4, at: now)
            #expect(underWay.count <= 4)
            #expect(Set(underWay.map(\.alarm)).count == underWay.count, "two of one alarm on their way, seed \(seed)")
            if !underWay.isEmpty, random.chance(60) {
                let publication = underWay.remove(at: .random(in: underWay.indices, using: &random))
                let outcomes: [Announcements.Outcome] = [
                    .acknowledged, .refused(concernsTopic: true), .refused(concernsTopic: false), .failed,
                ]
                finish(publication, outcomes.randomElement(using: &random) ?? .failed)
            }
            if random.chance(30) { try settle() }
            // What is on its way is not given up.
            #expect(announcements.entries.count <= limits.count + 4)
        }

        for publication in underWay { finish(publication, .failed) }
        announcements.connected(at: now)
        for _ in 0..<3_000 where announcements.waiting > 0 || !owed.isEmpty {
            now += 100
            for publication in announcements.next(limit: 4, at: now) { finish(publication, .acknowledged) }
            try settle()
        }
        #expect(owed.isEmpty, "left: \(owed), seed \(seed)")
        #expect(retained == newest, "seed \(seed)")
        #expect(announcements.waiting == 0 && announcements.refused == 0 && announcements.obstacle == nil)
    }
}
