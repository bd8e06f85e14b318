import Primitives
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import ZooKeeperRecipes

/// What really runs when members come and go: how much moves, and what faults leave behind.
@Suite("Partition assignment while members change", .timeLimit(.minutes(4)))
struct PartitionChangeTests {
    private static func items(_ count: Int) -> [String] { (0..<count).map { "line \($0 % 3)/device \($0)" } }

    private static func plan(_ client: ZooKeeperClient) async throws -> PartitionPlan? {
        PartitionRecord.plan(try await client.getData("/shares/plan").data ?? [])
    }

    private static func deletePlan(_ client: ZooKeeperClient) async throws {
        let marks = try await client.getChildren("/shares/plan")
        try await client.transaction(
            marks.map { .delete(path: "/shares/plan/" + $0) } + [.delete(path: "/shares/plan")])
    }

    private static func ceiling(_ numerator: Int, _ denominator: Int) -> Int {
        (numerator + denominator - 1) / denominator
    }

    /// From two members to eight and back at random; of n members (those before one left, those after one came) at most
    /// 2/n of the items move, and the work of no other item is disturbed.
    @Test(arguments: [(TreeKind.apache, 16, 1), (.apache, 64, 2), (.embedded, 16, 3), (.embedded, 64, 4)])
    func oneOfFewMembersMovesLittle(_ kind: TreeKind, _ count: Int, _ seed: Int) async throws {
        var random = SeededRandom(seed: UInt64(seed))
        let items = Self.items(count)
        let port = try await TestTree.port(kind)
        try await withClient(port: port, chroot: TestTree.uniquePath("partition-change")) { client in
            var members = [
                RunningPartition(client, "first", items: items),
                RunningPartition(client, "second", items: items),
            ]
            var plan = try await RunningPartition.eventuallyShare(items, among: members)
            // To eight, somewhere in between, and back to two.
            let course = [6, -3, 2, -5].flatMap { Array(repeating: $0.signum(), count: abs($0)) }
            for (step, direction) in course.enumerated() {
                // Or a member that is on its way out of an item's queue might have the item for a moment.
                try await RunningPartition.eventuallyStandBy(client, plan)
                let others = members.map { ($0, $0.begun.value.values.reduce(0, +)) }
                var most = Self.ceiling(2 * count, members.count + max(0, direction))
                if direction > 0 {
                    members.append(
                        RunningPartition(
                            client, "late \(Int.random(in: 0..<1_000_000, using: &random))", items: items))
                } else {
                    let leaver = members.remove(at: Int.random(in: members.indices, using: &random))
                    await leaver.stop()
                    // Its own and no others.
                    most = min(most, plan.items[leaver.name]?.count ?? 0)
                }
                let next = try await RunningPartition.eventuallyShare(items, among: members)
                let moved = next.moved(from: plan)
                let what = "seed \(seed) step \(step): \(moved) of \(count) moved, now \(members.count) members"
                #expect(moved <= most, "\(what)")
                // What ran is what the plan says: work was begun where an item came, and nowhere else.
                let begun = members.map { member in
                    let before = others.first { $0.0 === member }?.1 ?? 0
                    return member.begun.value.values.reduce(0, +) - before
                }
                #expect(begun.reduce(0, +) == moved, "\(what); begun \(begun)")
                plan = next
            }
            for member in members { await member.stop() }
        }
    }

    @Test(arguments: TreeKind.allCases)
    func aNewcomerReadsThePlanAndAllWhoComeBackFindTheirItems(_ kind: TreeKind) async throws {
        let items = Self.items(16)
        let port = try await TestTree.port(kind)
        try await withClient(port: port, chroot: TestTree.uniquePath("partition-back")) { client in
            var members: [RunningPartition] = []
            for name in ["c", "a", "b"] {
                members.append(RunningPartition(client, name, items: items, settling: .seconds(1)))
                try await RunningPartition.eventuallyShare(items, among: members)
            }
            let plan = try #require(try await Self.plan(client))
            // Grown step by step, this is not what they would compute from nothing.
            #expect(plan.moved(from: PartitionPlan(members: ["a", "b", "c"], items: items)) > 0)
            await withDiscardingTaskGroup { group in
                for member in members { group.addTask { await member.stop() } }
            }
            #expect(try await Self.plan(client) == plan)
            members = ["b", "c", "a"].map { RunningPartition(client, $0, items: items, settling: .seconds(2)) }
            let again = try await RunningPartition.eventuallyShare(items, among: members)
            #expect(again == plan)
            #expect(members.allSatisfy { $0.begun.value.values.allSatisfy { $0 == 1 } })
            for member in members { await member.stop() }
        }
    }

    @Test(arguments: TreeKind.allCases)
    func garbageInTheNodeAndItsLossAreMended(_ kind: TreeKind) async throws {
        let items = Self.items(16)
        let port = try await TestTree.port(kind)
        try await withClient(port: port, chroot: TestTree.uniquePath("partition-garbage")) { client in
            try await client.ensurePath("/shares")
            try await client.create("/shares/plan", data: "not a plan".bytes)
            let members = ["a", "b", "c"].map { RunningPartition(client, $0, items: items) }
            try await RunningPartition.eventuallyShare(items, among: members)
            for garbage in ["", "partition 1 9 9\n", "partition 1 1 1\nnobody\n\tnothing\n", "\u{0}\u{1}"] {
                try await client.setData("/shares/plan", data: garbage.bytes)
                try await eventually("mended", seen: { "\(String(describing: try? await Self.plan(client)))" }) {
                    try await Self.plan(client).map { Set($0.items.keys) == ["a", "b", "c"] && $0.itemCount == 16 }
                        ?? false
                }
                try await RunningPartition.eventuallyShare(items, among: members)
            }
            try await Self.deletePlan(client)
            try await eventually("made again") { try await client.exists("/shares/plan") != nil }
            try await RunningPartition.eventuallyShare(items, among: members)
            for member in members { await member.stop() }
        }
    }

    /// A node that was deleted and made again has the version that somebody read before; its plan is not replaced by one
    /// that follows another.
    @Test(arguments: TreeKind.allCases)
    func aPlanThatWasMadeAgainIsNotTakenForTheOneBefore(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        try await withClient(port: port, chroot: TestTree.uniquePath("partition-aba")) { client in
            let node = PartitionNode(client: client, path: "/shares/plan")
            try await client.ensurePath("/shares")
            try await node.write(.init(plan: "one".bytes), over: nil)
            let (first, watch) = try await node.read()
            let before = try #require(first)
            #expect(before.content.plan == "one".bytes)
            try await Self.deletePlan(client)
            try await eventually("told") { watch.hasFired }
            try await node.write(.init(plan: "two".bytes), over: nil)
            #expect(try await client.getData("/shares/plan").stat.version == before.version.number)
            try await node.write(.init(plan: "after one".bytes), over: before.version)
            let now = try #require(try await node.read().0)
            #expect(now.content.plan == "two".bytes && now.version != before.version)
            try await node.write(.init(plan: "after two".bytes), over: now.version)
            #expect(try await client.getData("/shares/plan").data.text == "after two")
            // By somebody who knows nothing of marks.
            try await Self.deletePlan(client)
            try await client.create("/shares/plan", data: "three".bytes)
            let third = try #require(try await node.read().0)
            try await node.write(.init(plan: "after three".bytes), over: third.version)
            #expect(try await client.getData("/shares/plan").data.text == "after three")
        }
    }

    /// Who may not have what the plan gives it says so instead of leaving the items alone.
    @Test func whoMayNotTakeItsItemsIsTold() async throws {
        try await withClient(
            port: TestTree.port(.embedded), chroot: TestTree.uniquePath("partition-denied")
        ) { client in
            try await client.ensurePath("/shares")
            try await client.create(
                "/shares/items", data: nil, acl: [ACL(permissions: [.read], scheme: "world", id: "anyone")])
            let assignment = PartitionAssignment(
                client: client, path: "/shares", name: "one", items: Self.items(2), logger: TestTree.logger
            ) { _, _ in }
            let running = Task { try await assignment.run() }
            let isOver = Shared(false)
            let watching = Task {
                let result = await running.result
                isOver.change { $0 = true }
                return result
            }
            try await eventually("told") { isOver.value }
            running.cancel()
            let result = await watching.value
            let error = #expect(throws: ZooKeeperError.self) { try result.get() }
            #expect(error?.code == .noAuth)
        }
    }

    /// Lists that differ: the plan has the items of all and comes to rest; who gets the same list again, and the items that
    /// nobody has any more are gone.
    @Test(arguments: TreeKind.allCases)
    func membersWithDifferentItemsDoNotFight(_ kind: TreeKind) async throws {
        let (old, new) = (Self.items(16), Array(Self.items(20).dropFirst(2)))
        let port = try await TestTree.port(kind)
        try await withClient(port: port, chroot: TestTree.uniquePath("partition-lists")) { client in
            let one = RunningPartition(client, "one", items: old)
            let two = RunningPartition(client, "two", items: new)
            try await eventually("all in one plan", seen: { "\(String(describing: one.assignment.plan))" }) {
                one.assignment.plan?.itemCount == 20 && one.assignment.plan == two.assignment.plan
                    && one.assignment.plan?.items.count == 2
            }
            let version = try await client.getData("/shares/plan").stat.version
            // Several times as long as either waits before it writes.
            try await Task.sleep(for: .milliseconds(600))
            #expect(try await client.getData("/shares/plan").stat.version == version)
            await one.stop()
            let three = RunningPartition(client, "three", items: new)
            try await RunningPartition.eventuallyShare(new, among: [two, three])
            await two.stop()
            await three.stop()
        }
    }

    /// Members whose sessions end, whose answers get lost, and who are cut off, at random moments of a change.
    @Test(arguments: [(TreeKind.apache, 1), (.apache, 2), (.embedded, 3), (.embedded, 4), (.embedded, 5)])
    func faultsDuringAChangeLeaveAConsistentPlan(_ kind: TreeKind, _ seed: Int) async throws {
        var random = SeededRandom(seed: UInt64(seed))
        let items = Self.items(24)
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("partition-faults")
        let proxies = try (0..<3).map { _ in try FaultProxy(target: port) }
        defer { for proxy in proxies { proxy.close() } }
        let expiring: @Sendable (inout ZooKeeperClient.Configuration) -> Void = { $0.sessionTimeout = .seconds(2) }
        try await withClient(port: port, chroot: chroot) { stable in
            try await stable.ensurePath("/journal")
            try await withClient(port: proxies[0].port, chroot: chroot, configure: expiring) { a in
                try await withClient(port: proxies[1].port, chroot: chroot, configure: expiring) { b in
                    try await withClient(port: proxies[2].port, chroot: chroot, configure: expiring) { c in
                        let members = zip(["a", "b", "c"], [a, b, c]).map { name, client in
                            RunningPartition(client, name, items: items, isJournalling: true)
                        }
                        try await RunningPartition.eventuallyShare(items, among: members)
                        for round in 0..<4 {
                            // A change of the members, and faults of those who follow it.
                            let extra = RunningPartition(stable, "extra \(round)", items: items, isJournalling: true)
                            for proxy in proxies where Int.random(in: 0..<3, using: &random) > 0 {
                                try await Task.sleep(for: .milliseconds(Int.random(in: 0...150, using: &random)))
                                switch Int.random(in: 0..<3, using: &random) {
                                case 0: proxy.cut()
                                case 1: proxy.discard(.toClient)
                                default:
                                    proxy.refuse(true)
                                    proxy.cut()
                                }
                            }
                            // Sometimes long enough for sessions to end.
                            try await Task.sleep(for: .milliseconds(round.isMultiple(of: 2) ? 200 : 3500))
                            for proxy in proxies {
                                proxy.heal()
                                // Or the answers that were lost leave a hole in the stream.
                                proxy.cut()
                            }
                            let plan = try await RunningPartition.eventuallyShare(
                                items, among: members + [extra], within: .seconds(40))
                            #expect(try await Self.plan(stable) == plan, "seed \(seed) round \(round)")
                            await extra.stop()
                            try await RunningPartition.eventuallyShare(items, among: members, within: .seconds(40))
                        }
                        for member in members { await member.stop() }
                    }
                }
            }
            for (item, tokens) in try await RunningPartition.journal(stable) {
                #expect(zip(tokens, tokens.dropFirst()).allSatisfy(<=), "seed \(seed) \(item): \(tokens)")
            }
        }
    }
}
