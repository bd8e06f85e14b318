import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import ZooKeeperRecipes

@Suite("Partition assignment", .timeLimit(.minutes(2)))
struct PartitionAssignmentTests {
    /// A member on its own task; its work says in the tree, fenced, who owns each item.
    private final class Running: Sendable {
        let assignment: PartitionAssignment
        private let task: Task<Void, any Error>

        init(_ client: ZooKeeperClient, _ name: String, items: [String]) {
            var settings = PartitionAssignment.Settings()
            settings.settling = .milliseconds(100)
            let assignment = PartitionAssignment(
                client: client, path: "/work", name: name, items: items, settings: settings, logger: TestTree.logger
            ) { item, lease in
                // Two owners would add to the journal in the wrong order of tokens.
                try await lease.guarded([
                    .create(
                        path: "/journal/\(PartitionAssignment.nodeName(item))=\(lease.token)=", data: name.bytes,
                        mode: .persistentSequential)
                ])
                try await Task.sleep(for: .seconds(60))
            }
            self.assignment = assignment
            // Ended by ``stop()``.
            task = Task { try await assignment.run() }
        }

        var items: Set<String> { Set(assignment.owned.keys) }

        func stop() async {
            task.cancel()
            _ = await task.result
        }
    }

    @Test(arguments: TreeKind.allCases)
    func itemsAreSharedMovedAndNeverOwnedTwice(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("partition")
        let items = (0..<24).map { "line \($0 % 3)/device \($0)" }
        try await withClient(port: port, chroot: chroot) { first in
            try await first.ensurePath("/journal")
            let one = Running(first, "one", items: items)
            try await eventually("all", seen: { "\(one.items)" }) { one.items.count == 24 }
            try await withClient(port: port, chroot: chroot) { second in
                let two = Running(second, "two", items: items)
                let plan = PartitionPlan(members: ["one", "two"], items: items)
                try await eventually("shared", within: .seconds(20), seen: { "\(one.items.count) \(two.items.count)" })
                {
                    one.items == Set(plan.items["one"] ?? []) && two.items == Set(plan.items["two"] ?? [])
                }
                #expect(one.items.isDisjoint(with: two.items))
                let third = Running(first, "three", items: items)
                let wider = PartitionPlan(members: ["one", "two", "three"], items: items)
                try await eventually("wider", within: .seconds(20)) {
                    third.items == Set(wider.items["three"] ?? []) && two.items == Set(wider.items["two"] ?? [])
                }
                await third.stop()
                try await eventually("back", within: .seconds(20)) { two.items == Set(plan.items["two"] ?? []) }
                // The second one's session ends with its client, without a goodbye of the assignment.
                _ = two
            }
            try await eventually("taken over", within: .seconds(20), seen: { "\(one.items.count)" }) {
                one.items.count == 24
            }
            await one.stop()
            // In the order of writing, each item's tokens only grow.
            var last: [Substring: (sequence: Int32, token: Int64)] = [:]
            let entries = try await first.getChildren("/journal").compactMap { entry in
                QueueOrder.sequence(of: entry).map { (entry, $0) }
            }.sorted { $0.1 < $1.1 }
            for (entry, sequence) in entries {
                let parts = entry.split(separator: "=")
                let token = try #require(Int64(parts[1]))
                #expect(last[parts[0]].map { $0.token < token } ?? true, "\(entry)")
                last[parts[0]] = (sequence, token)
            }
            #expect(last.count == 24)
        }
    }
}
