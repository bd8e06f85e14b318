import JSON
import OrderedCollections
import Plant
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@testable import Gateway

/// A marker in front of entries that its board has read and that nobody follows.
@Suite("Deliveries: marks are written over what they were made from")
struct DeliveryMarkerTests {
    private struct Stage {
        let bed: TreeBed
        let channels = [SlowChannel("mqtt"), SlowChannel("pager")]
        let marks = Wake()
        let board: DeliveryBoard
        let counters = GatewayCounters()

        init(_ bed: TreeBed) {
            self.bed = bed
            board = DeliveryBoard(channels: channels, marks: marks)
        }

        /// An entry that both channels owe, in the tree and on the board.
        func owe(_ revision: Int64) async throws -> String {
            let entry = try AlarmTestBed.entry(revision, owedBy: board.names)
            let path = try await bed.operatorClient.create(
                TreeLayout.journalEntryPrefix, data: entry.serialized(), mode: .persistentSequential)
            board.entryRead(
                try #require(TreeLayout.journalSequence(ofPath: path)), entry,
                try #require(try entry.alarmTransition()), version: 0, age: 0)
            return path
        }

        func settle(_ index: Int, as delivery: Delivery = .delivered) {
            channels[index].settleAll(as: delivery)
            marks.wake()
        }

        func entry(_ path: String) async throws -> JournalEntry {
            try JournalEntry(parsing: try await bed.operatorClient.getData(path).data ?? [])
        }

        /// `delivered owed`, of both channels.
        func outcome(_ path: String) async throws -> String {
            let deliveries = try await entry(path).deliveries
            return board.names.map { name in deliveries[name].map { "\($0)" } ?? "-" }.joined(separator: " ")
        }
    }

    private static func with(_ body: @Sendable (Stage, FakeLease) async throws -> Void) async throws {
        try await TreeBed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let election = LeaderElection(
                    client: bed.operatorClient, path: TreeLayout.alarmProcessor, identity: [], logger: bed.logger)
                group.addTask { try await election.run() }
                let lease = FakeLease()
                lease.set(try await eventuallyValue("the lease") { election.lease })
                let stage = Stage(bed)
                let marker = DeliveryMarker(
                    client: bed.operatorClient, board: stage.board, lease: { lease.value }, counters: stage.counters,
                    health: FailureBoard(clock: .system, logger: bed.logger), clock: .system, logger: bed.logger)
                group.addTask { try await marker.run() }
                try await body(stage, lease)
                group.cancelAll()
            }
        }
    }

    @Test("what another gateway has written since is kept, and not owed any more")
    func writtenMeanwhile() async throws {
        try await Self.with { stage, _ in
            let path = try await stage.owe(1)
            var other = try await stage.entry(path)
            other.deliveries[Channel(rawValue: "pager")] = .delivered
            other.details["note"] = "by another"
            try await stage.bed.operatorClient.setData(path, data: other.serialized())
            stage.settle(0)
            try await eventually("the mark") { try await stage.outcome(path) == "delivered delivered" }
            #expect(try await stage.entry(path).details["note"] == "by another")
            #expect(stage.channels[1].owed == [])
            // The board hears of it with the reply.
            try await eventually("held no more") { stage.board.heldSequences.isEmpty }
            try await eventually("counted") { stage.counters.announced.current == 1 }
        }
    }

    @Test("an entry that was trimmed, and one that nobody can read, hold back no other")
    func goneAndBroken() async throws {
        try await Self.with { stage, lease in
            let held = lease.set(nil)
            let paths = [try await stage.owe(1), try await stage.owe(2), try await stage.owe(3)]
            try await stage.bed.operatorClient.delete(paths[0])
            try await stage.bed.operatorClient.setData(paths[1], data: Array("{".utf8))
            let asked = lease.asked
            stage.settle(0)
            try await eventually("a turn without a lease") { lease.asked > asked }
            #expect(try await stage.outcome(paths[2]) == "owed owed")
            lease.set(held)
            stage.marks.wake()
            try await eventually("the marks") {
                let outcomes = [try? await stage.outcome(paths[1]), try? await stage.outcome(paths[2])]
                return outcomes == ["delivered owed", "delivered owed"]
            }
            stage.settle(1)
            try await eventually("the rest") {
                let outcomes = [try await stage.outcome(paths[1]), try await stage.outcome(paths[2])]
                return outcomes == ["delivered delivered", "delivered delivered"]
            }
            try await eventually("nothing is held") { stage.board.heldSequences.isEmpty }
        }
    }

    @Test("both channels' outcomes of one moment stand in the end, however they fall")
    func atOnce() async throws {
        try await Self.with { stage, _ in
            var paths: [String] = []
            for revision in 1...200 as ClosedRange<Int64> { paths.append(try await stage.owe(revision)) }
            await withTaskGroup(of: Void.self) { group in
                for index in 0...1 { group.addTask { stage.settle(index) } }
            }
            for path in paths {
                try await eventually("both") { try await stage.outcome(path) == "delivered delivered" }
            }
            try await eventually("nothing is held") { stage.board.heldSequences.isEmpty }
        }
    }
}
