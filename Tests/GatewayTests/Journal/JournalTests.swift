import Plant
import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import Gateway

@Suite("Journal: every commit is applied once")
struct JournalTests {
    private static func journal(_ client: ZooKeeperClient, _ bed: TreeBed, _ seen: Collected<Int64>) -> Journal {
        Journal(
            client: client, known: KnownRecords(), board: DeliveryBoard(channels: [], marks: Wake()),
            health: FailureBoard(clock: .system, logger: bed.logger), clock: .system,
            logger: bed.logger, recorded: { record, _ in seen.append(record.revision) }, forgotten: { _ in })
    }

    @Test("by its sequence number, whichever of reply and watch comes first")
    func once() async throws {
        try await TreeBed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let seen = Collected<Int64>()
                let journal = Self.journal(bed.operatorClient, bed, seen)
                group.addTask { try await journal.run() }
                for revision in 1...50 as ClosedRange<Int64> {
                    let entry = try AlarmTestBed.entry(revision)
                    let path = try await bed.operatorClient.create(
                        TreeLayout.journalEntryPrefix, data: entry.serialized(), mode: .persistentSequential)
                    // Every other one by the watch alone, and some late.
                    if revision % 2 == 0 {
                        journal.committed([.init(path: path, commit: try AlarmCommit(reading: entry))])
                    }
                    if revision % 10 == 0 { try await journal.catchUp() }
                }
                try await journal.catchUp()
                #expect(seen.all.sorted() == Array(1...50))
                #expect(journal.count == 50)
                group.cancelAll()
            }
        }
    }

    @Test("an entry that nobody can read is counted and costs only itself")
    func unreadable() async throws {
        try await TreeBed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let seen = Collected<Int64>()
                let journal = Self.journal(bed.operatorClient, bed, seen)
                group.addTask { try await journal.run() }
                for data in [Array("{".utf8), try AlarmTestBed.entry(1).serialized()] {
                    _ = try await bed.operatorClient.create(
                        TreeLayout.journalEntryPrefix, data: data, mode: .persistentSequential)
                }
                try await journal.catchUp()
                #expect(seen.all == [1] && journal.unreadable == 1)
                group.cancelAll()
            }
        }
    }

    @Test("a journal that was deleted and made again, twice, is followed from its first number")
    func restarted() async throws {
        try await TreeBed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let seen = Collected<Int64>()
                let journal = Self.journal(bed.operatorClient, bed, seen)
                try await journal.prime()
                group.addTask { try await journal.run() }
                for round in 1...3 as ClosedRange<Int64> {
                    let path = try await bed.operatorClient.create(
                        TreeLayout.journalEntryPrefix, data: try AlarmTestBed.entry(round).serialized(),
                        mode: .persistentSequential)
                    #expect(path.hasSuffix("0000000000"))
                    try await eventually("round \(round)", seen: { "\(seen.all)" }) { seen.all.last == round }
                    try await bed.deleteAll(TreeLayout.journal)
                    try await eventually("the journal is made again") {
                        try await bed.operatorClient.exists(TreeLayout.journal) != nil
                    }
                }
                #expect(seen.all == [1, 2, 3])
                group.cancelAll()
            }
        }
    }
}

@Suite("JournalProgress: what to read next")
struct JournalProgressTests {
    @Test("at first the whole journal, then what is created and changed")
    func rounds() {
        var progress = JournalProgress()
        #expect(progress.nextRound() == .init(isListing: true, sequences: [], known: []))
        #expect(
            progress.listed(root: 7, present: [3, 4], known: [], held: [])
                == .init(hasRestarted: false, gone: [], unread: [3, 4]))
        let first = [progress.apply(3), progress.apply(4), progress.apply(3)]
        #expect(first == [true, true, false])
        #expect(progress.nextRound() == nil)
        progress.created(4)
        #expect(progress.nextRound() == nil)
        progress.created(5)
        progress.changed(3, isHeld: true)
        progress.changed(4, isHeld: false)
        #expect(progress.nextRound() == .init(isListing: false, sequences: [3, 5], changed: [3], known: []))
        // 5 is being read, perhaps in the form that it had before this change.
        progress.changed(5, isHeld: false)
        #expect(progress.nextRound()?.sequences == [5])
    }

    @Test("what own writes cause is heard of before their answer, and is read only when that did not tell it all")
    func ownWrites() {
        var progress = JournalProgress()
        _ = progress.nextRound()
        _ = progress.listed(root: 7, present: [1], known: [], held: [])
        _ = progress.apply(1)

        // Ours: its entry, and the change of another, are heard of while it is on its way.
        let first = progress.writeBegins()
        progress.created(2)
        progress.changed(1, isHeld: true)
        // Somebody else's comes meanwhile.
        progress.created(3)
        #expect(progress.nextRound() == nil)
        // A further one of ours holds back what comes after its beginning alone.
        let second = progress.writeBegins()
        progress.created(4)
        _ = progress.apply(2)
        progress.writeEnded(first)
        #expect(progress.nextRound() == .init(isListing: false, sequences: [1, 3], changed: [1], known: []))
        #expect(progress.nextRound() == nil)
        // Its outcome is unknown: what was heard of is read.
        progress.writeEnded(second)
        #expect(progress.nextRound()?.sequences == [4])

        // A list waits for nothing.
        _ = progress.writeBegins()
        progress.eventsMissed()
        #expect(progress.nextRound()?.isListing == true)
    }

    @Test("what is committed while the list is on its way is not taken for trimmed")
    func committedMeanwhile() {
        var progress = JournalProgress()
        _ = progress.listed(root: 7, present: [1, 2], known: [], held: [])
        for sequence in [1, 2] as [Int64] { _ = progress.apply(sequence) }
        progress.eventsMissed()
        let round = progress.nextRound()
        #expect(round?.known == [1, 2])
        _ = progress.apply(3)
        #expect(
            progress.listed(root: 7, present: [2], known: round?.known ?? [], held: [2])
                == .init(hasRestarted: false, gone: [1], unread: [2]))
        #expect(progress.applied == [2, 3])
    }

    @Test("another czxid of the journal: its numbers have begun again")
    func restarted() {
        var progress = JournalProgress()
        _ = progress.listed(root: 7, present: [0, 1], known: [], held: [])
        for sequence in [0, 1] as [Int64] { _ = progress.apply(sequence) }
        #expect(
            progress.listed(root: 9, present: [0], known: [0, 1], held: [])
                == .init(hasRestarted: true, gone: [0, 1], unread: [0]))
        let isFirst = progress.apply(0)
        #expect(isFirst)
    }
}
