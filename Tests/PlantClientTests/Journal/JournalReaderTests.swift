import JSON
import Plant
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import PlantClient

@Suite("The journal's end", .timeLimit(.minutes(2)))
struct JournalReaderTests {
    private static func record(_ kind: String, _ tree: ZooKeeperClient) async throws {
        let entry = #"{"kind":"\#(kind)","at":1767225600000,"gateway":"gw1","transition":"T"}"#
        try await tree.create(TreeLayout.journalEntryPrefix, data: Array(entry.utf8), mode: .persistentSequential)
    }

    @Test("the latest entries of a kind, in the order of recording; a journal without entries says so")
    func latest() async throws {
        try await withPlantTree("journal") { tree in
            let plant = PlantClient(tree: tree)
            #expect(try await plant.journal(last: 5).isJournalEmpty)
            for kind in ["alarm", "command", "alarm", "ownership"] { try await Self.record(kind, tree) }
            #expect(try await plant.journal(last: 2).entries.map(\.number) == [2, 3])
            #expect(try await plant.journal(last: nil).entries.count == 4)
            #expect(try await plant.journal(last: 1, kind: .command).entries.map(\.number) == [1])
            let none = try await plant.journal(last: 1, kind: .operator)
            #expect(none.entries.isEmpty && !none.isJournalEmpty)
            #expect(try await plant.journal(last: 1).entries.first?.json["sequence"] == 3)
        }
    }

    @Test("a follower gets the latest entries, then each new one of its kind, once")
    func following() async throws {
        try await withPlantTree("journal-follow") { tree in
            for kind in ["alarm", "alarm"] { try await Self.record(kind, tree) }
            let seen = Collected<Int64>()
            let follower = Task {
                try await PlantClient(tree: tree).followJournal(last: 1, kind: .alarm) { entries in
                    for entry in entries { seen.append(entry.number) }
                }
            }
            try await eventually("the latest", seen: { "\(seen.all)" }) { seen.all == [1] }
            for kind in ["command", "alarm"] { try await Self.record(kind, tree) }
            try await eventually("the new one", seen: { "\(seen.all)" }) { seen.all == [1, 3] }
            follower.cancel()
            _ = await follower.result
        }
    }
}
