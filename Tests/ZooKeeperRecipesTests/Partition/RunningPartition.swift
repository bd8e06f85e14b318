import Logging
import TestFixtures
import ZooKeeperClient
import ZooKeeperProtocol

@testable import ZooKeeperRecipes

/// A member on its own task; its work may say in the tree, fenced, who owns each item.
final class RunningPartition: Sendable {
    let name: String
    let assignment: PartitionAssignment
    /// How often the work of an item was begun.
    let begun: Shared<[String: Int]>
    /// The items whose work is going on.
    let working: Shared<Set<String>>
    private let task: Task<Void, any Error>

    /// - Parameter isJournalling: Whether its work adds to `/journal`, which the test makes.
    init(
        _ client: ZooKeeperClient, _ name: String, items: [String], settling: Duration = .milliseconds(100),
        weight: Int = 1, isJournalling: Bool = false
    ) {
        var settings = PartitionAssignment.Settings()
        settings.settling = settling
        settings.weight = weight
        let begun = Shared<[String: Int]>([:])
        let working = Shared<Set<String>>([])
        let assignment = PartitionAssignment(
            client: client, path: "/shares", name: name, items: items, settings: settings, logger: TestTree.logger
        ) { item, lease in
            if isJournalling {
                // Two owners would add to the journal in the wrong order of tokens.
                try await lease.guarded([
                    .create(
                        path: "/journal/\(PartitionAssignment.nodeName(item))=\(lease.token)=", data: name.bytes,
                        mode: .persistentSequential)
                ])
            }
            begun.change { $0[item, default: 0] += 1 }
            working.change { _ = $0.insert(item) }
            defer { working.change { _ = $0.remove(item) } }
            try await Task.sleep(for: .seconds(600))
        }
        self.name = name
        self.assignment = assignment
        self.begun = begun
        self.working = working
        // Ended by ``stop()``, or with its client.
        task = Task { try await assignment.run() }
    }

    var items: Set<String> { Set(assignment.owned.keys) }

    func stop() async {
        task.cancel()
        _ = await task.result
    }

    /// Waits until the members go by one plan, which is theirs, and each owns what that gives it.
    @discardableResult
    static func eventuallyShare(
        _ items: [String], among members: [RunningPartition], within deadline: Duration = .seconds(30)
    ) async throws -> PartitionPlan {
        try await eventuallyValue(
            "\(items.count) items shared among \(members.map(\.name))", within: deadline,
            seen: {
                members.map { "\($0.name) has \($0.items.count): \(String(describing: $0.assignment.plan))" }
                    .description
            }
        ) {
            guard let plan = members.first?.assignment.plan, plan.itemCount == items.count,
                Set(plan.items.keys) == Set(members.map(\.name))
            else { return nil }
            let isReached = members.allSatisfy {
                $0.assignment.plan == plan && $0.items == Set(plan.items[$0.name] ?? []) && $0.working.value == $0.items
            }
            return isReached ? plan : nil
        }
    }

    /// Whether it owns so many items and is at work on each.
    func isWorking(on count: Int) -> Bool { items.count == count && working.value == items }

    /// Waits until behind the owner of each item there stands its runner-up, and nobody else.
    static func eventuallyStandBy(_ client: ZooKeeperClient, _ plan: PartitionPlan) async throws {
        let runnersUp = plan.runnersUp()
        var wanted: [String: [String]] = [:]
        for (owner, items) in plan.items {
            for item in items { wanted[item] = [owner] + (runnersUp[item].map { [$0] } ?? []) }
        }
        let seen = Shared<[String: [String]]>([:])
        try await eventually("runners-up wait", within: .seconds(30), seen: { "\(seen.value)" }) {
            var queues: [String: [String]] = [:]
            for item in wanted.keys {
                let path = "/shares/items/" + PartitionAssignment.nodeName(item)
                queues[item] = try await PartitionItemQueue(client: client, path: path).read().names
            }
            seen.change { $0 = queues }
            return queues == wanted
        }
    }

    /// Each item's tokens in the journal, in the order of writing. Work that is begun again under the same lease writes its
    /// token again; none comes after a later owner's.
    static func journal(_ client: ZooKeeperClient) async throws -> [Substring: [Int64]] {
        var tokens: [Substring: [Int64]] = [:]
        let entries = try await client.getChildren("/journal").compactMap { entry in
            QueueOrder.sequence(of: entry).map { (entry, $0) }
        }.sorted { $0.1 < $1.1 }
        for (entry, _) in entries {
            let parts = entry.split(separator: "=")
            guard parts.count == 3, let token = Int64(parts[1]) else { throw FixtureError("\(entry)") }
            tokens[parts[0], default: []].append(token)
        }
        return tokens
    }
}
