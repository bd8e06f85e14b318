import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import ZooKeeperRecipes

/// What ends and is begun again and again is slowed down.
@Suite("Partition repetition", .timeLimit(.minutes(5)))
struct PartitionRepetitionTests {
    @Test func theFirstTimeIsFreeAndWhatLastedStartsFromZero() {
        var repetition = Repetition()
        let short = (0..<9).map { _ in repetition.delay(after: .milliseconds(5)) }
        #expect(short == [0, 10, 20, 40, 80, 160, 320, 640, 1000].map { .milliseconds($0) })
        #expect(repetition.delay(after: .seconds(2)) == .zero)
        #expect(repetition.delay(after: .zero) == .milliseconds(10))
    }

    /// Given: two members that go by swapped plans, each of which names the other as the owner.
    /// What must hold: they hand the item to each other, but not as fast as the tree writes.
    @Test func membersWithSwappedPlansHandAnItemOverMoreSlowlyEachTime() async throws {
        let port = try await TestTree.port(.embedded)
        try await withClient(port: port, chroot: TestTree.uniquePath("partition-swapped")) { client in
            try await client.ensurePath("/shares")
            let begun = Shared(0)
            let (failures, failing) = AsyncThrowingStream.makeStream(of: Never.self)
            _ = failures
            let members = ["a", "b"].map { name in
                PartitionAssignment(
                    client: client, path: "/shares", name: name, items: ["x"], logger: TestTree.logger
                ) { _, _ in
                    begun.change { $0 += 1 }
                    try await Task.sleep(for: .seconds(600))
                }
            }
            let standings = [PartitionStanding(.own), PartitionStanding(.standBy(for: "a"))]
            let tasks = zip(members, standings).map { member, standing in
                // Ended below.
                Task { await member.stand(for: "x", standing, failing) }
            }
            let queue = PartitionItemQueue(client: client, path: "/shares/items/item-x")
            try await eventually("both in the queue") { try await queue.read().names == ["a", "b"] }
            _ = standings[0].change(to: .standBy(for: "b"))
            try await eventually("handed to and fro") { begun.value > 4 }
            // More time than this makes it no more: a starved machine hands over less often.
            try await Task.sleep(for: .seconds(1))
            #expect(begun.value < 40)
            for task in tasks { task.cancel() }
            for task in tasks { await task.value }
        }
    }

    /// Given: an owner whose work ends at once, with a runner-up behind it.
    /// What must hold: the work is begun again under the same lease, and never at the runner-up.
    @Test(arguments: [false, true]) func workThatEndsIsBegunAgainUnderTheSameLease(_ throwing: Bool) async throws {
        let port = try await TestTree.port(.embedded)
        try await withClient(port: port, chroot: TestTree.uniquePath("partition-work-ends")) { client in
            let items = (0..<4).map { "item \($0)" }
            let begun = Shared<[String: [Int64]]>([:])
            var settings = PartitionAssignment.Settings()
            // By no other plan than the one that is there.
            settings.settling = .seconds(600)
            settings.patience = .seconds(600)
            let members = ["a", "b"].map { name in
                PartitionAssignment(
                    client: client, path: "/shares", name: name, items: items, settings: settings,
                    logger: TestTree.logger
                ) { item, lease in
                    begun.change { $0["\(item) at \(name)", default: []].append(lease.token) }
                    if throwing { throw FixtureError("no work today") }
                }
            }
            let plan = PartitionPlan(members: ["a", "b"], items: items)
            try await client.ensurePath("/shares")
            try await PartitionNode(client: client, path: "/shares/plan").write(
                .init(plan: PartitionRecord.data(plan)), over: nil)
            let tasks = members.map { member in Task { try await member.run() } }
            try await eventually("begun again", seen: { "\(begun.value)" }) {
                begun.value.count >= 4 && begun.value.values.allSatisfy { $0.count > 6 }
            }
            #expect(begun.value.count == 4 && begun.value.values.allSatisfy { Set($0).count == 1 }, "\(begun.value)")
            for task in tasks { task.cancel() }
            for task in tasks { _ = await task.result }
        }
    }
}
