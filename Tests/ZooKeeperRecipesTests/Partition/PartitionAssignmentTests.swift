import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import ZooKeeperRecipes

@Suite("Partition assignment", .timeLimit(.minutes(5)))
struct PartitionAssignmentTests {
    @Test(arguments: TreeKind.allCases)
    func itemsAreSharedMovedAndNeverOwnedTwice(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("partition")
        let items = (0..<24).map { "line \($0 % 3)/device \($0)" }
        try await withClient(port: port, chroot: chroot) { first in
            try await first.ensurePath("/journal")
            let one = RunningPartition(first, "one", items: items, isJournalling: true)
            try await eventually("all", seen: { "\(one.items)" }) { one.items.count == 24 }
            try await withClient(port: port, chroot: chroot) { second in
                let two = RunningPartition(second, "two", items: items, isJournalling: true)
                try await RunningPartition.eventuallyShare(items, among: [one, two])
                #expect(one.items.isDisjoint(with: two.items))
                let third = RunningPartition(first, "three", items: items, isJournalling: true)
                try await RunningPartition.eventuallyShare(items, among: [one, two, third])
                await third.stop()
                try await RunningPartition.eventuallyShare(items, among: [one, two])
                // The second one's session ends with its client, without a goodbye of the assignment.
                _ = two
            }
            try await eventually("taken over", within: .seconds(20), seen: { "\(one.items.count)" }) {
                one.items.count == 24
            }
            await one.stop()
            // In the order of writing, each item's tokens only grow.
            let journal = try await RunningPartition.journal(first)
            for (item, tokens) in journal {
                #expect(zip(tokens, tokens.dropFirst()).allSatisfy(<=), "\(item): \(tokens)")
            }
            #expect(journal.count == 24)
        }
    }
}
