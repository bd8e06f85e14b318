import Logging
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import ZooKeeperRecipes

/// Members that say that they are about to leave, and members of another weight.
@Suite("Partition draining and weights", .timeLimit(.minutes(3)))
struct PartitionDrainTests {
    private static let items = (0..<24).map { "line \($0 % 3)/device \($0)" }

    private static func nodePath(_ item: String) -> String { "/shares/items/" + PartitionAssignment.nodeName(item) }

    /// Members at work, one of which drains and leaves: what it owned is begun once elsewhere, nothing else is disturbed,
    /// and its leaving moves nothing.
    @Test(arguments: TreeKind.allCases)
    func aMemberThatDrainsLeavesWithoutMovingAnything(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        try await withClient(port: port, chroot: TestTree.uniquePath("partition-drain")) { client in
            try await client.ensurePath("/journal")
            let members = ["a", "b", "c"].map {
                RunningPartition(client, $0, items: Self.items, isJournalling: true)
            }
            let plan = try await RunningPartition.eventuallyShare(Self.items, among: members)
            try await RunningPartition.eventuallyStandBy(client, plan)
            let before = members.map { $0.begun.value.values.reduce(0, +) }
            try await members[1].assignment.drain()
            #expect(members[1].items.isEmpty && members[1].working.value.isEmpty)
            let drained = try await RunningPartition.eventuallyShare(Self.items, among: members)
            #expect(drained.items["b"] == [] && drained.moved(from: plan) == plan.items["b"]?.count)
            await members[1].stop()
            let rest = [members[0], members[2]]
            let left = try await RunningPartition.eventuallyShare(Self.items, among: rest)
            #expect(left.moved(from: drained) == 0)
            let begun = zip(members, before).map { $0.begun.value.values.reduce(0, +) - $1 }
            #expect(begun[1] == 0 && begun[0] + begun[2] == plan.items["b"]?.count, "\(begun)")
            for member in rest { await member.stop() }
            for (item, tokens) in try await RunningPartition.journal(client) {
                #expect(zip(tokens, tokens.dropFirst()).allSatisfy(<=), "\(item): \(tokens)")
            }
        }
    }

    /// Every item is written all the time by its owner, while members drain and leave one after another: by what
    /// its owners have written no item is left alone for long, and tokens only grow.
    @Test(arguments: TreeKind.allCases)
    func drainingUnderLoadLeavesNoItemAlone(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("partition-load")
        try await withClient(port: port, chroot: chroot) { client in
            try await client.ensurePath("/load")
            for item in Self.items { try await client.create("/load/" + PartitionAssignment.nodeName(item), data: nil) }
            let writes = Shared<[String: [(at: ContinuousClock.Instant, token: Int64)]]>([:])
            var settings = PartitionAssignment.Settings()
            settings.settling = .milliseconds(100)
            let members = ["a", "b", "c", "d"].map { name in
                PartitionAssignment(
                    client: client, path: "/shares", name: name, items: Self.items, settings: settings,
                    logger: TestTree.logger
                ) { item, lease in
                    let path = "/load/" + PartitionAssignment.nodeName(item)
                    while true {
                        try await lease.guarded([.setData(path: path, data: name.bytes, version: -1)])
                        writes.change { $0[item, default: []].append((.now, lease.token)) }
                        try await Task.sleep(for: .milliseconds(5))
                    }
                }
            }
            let running = members.map { member in Task { try await member.run() } }
            try await eventually("shared", within: .seconds(60), seen: { "\(members.map(\.owned.count))" }) {
                members.allSatisfy { member in
                    member.plan?.items.count == 4
                        && Set(member.owned.keys) == Set(member.plan?.items[member.name] ?? [])
                }
            }
            for (member, task) in zip(members, running).prefix(3) {
                try await member.drain()
                #expect(member.owned.isEmpty)
                task.cancel()
                try await task.value
            }
            try await eventually("all at the last one") { members[3].owned.count == 24 }
            running[3].cancel()
            try await running[3].value
            var longest = Duration.zero
            for (item, entries) in writes.value {
                #expect(zip(entries, entries.dropFirst()).allSatisfy { $0.token <= $1.token }, "\(item)")
                for (before, after) in zip(entries, entries.dropFirst()) where before.token != after.token {
                    longest = max(longest, after.at - before.at)
                }
            }
            let handovers = writes.value.values.map { Set($0.map(\.token)).count - 1 }.reduce(0, +)
            print("\(kind): \(handovers) items handed over, the longest pause \(longest)")
            #expect(longest < .seconds(5))
        }
    }

    /// The other member is registered but takes nothing up: nothing is given up for it, item by item.
    @Test(arguments: TreeKind.allCases)
    func anItemStaysUntilItsNextOwnerWaitsForIt(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        try await withClient(port: port, chroot: TestTree.uniquePath("partition-slow")) { client in
            let one = RunningPartition(client, "one", items: Self.items)
            try await RunningPartition.eventuallyShare(Self.items, among: [one])
            try await client.create(
                "/shares/members/slow", data: PartitionShare(items: Self.items).data, mode: .ephemeral)
            try await eventually("part of the plan") { one.assignment.plan?.items["slow"]?.count == 12 }
            let drained = Shared(false)
            let draining = Task {
                try await one.assignment.drain()
                drained.change { $0 = true }
            }
            try await eventually("all by the plan") { one.assignment.plan?.items["slow"]?.count == 24 }
            for (index, item) in Self.items.enumerated() {
                #expect(one.items.count == 24 - index && !drained.value)
                try await client.create(
                    Self.nodePath(item) + "/slow-lock-", data: "slow".bytes, mode: .ephemeralSequential)
                try await eventually("given up", seen: { "\(one.items)" }) { !one.items.contains(item) }
            }
            try await eventually("drained") { drained.value }
            try await draining.value
            #expect(one.begun.value.values.allSatisfy { $0 == 1 })
            await one.stop()
        }
    }

    /// Given: a member that drains and has nobody to give its items to.
    /// What must hold: when somebody says that it stays, nothing waits for it to be drained.
    @Test func whoWaitsForADrainedMemberIsToldThatItStays() async throws {
        let port = try await TestTree.port(.embedded)
        try await withClient(port: port, chroot: TestTree.uniquePath("partition-stays")) { client in
            let one = RunningPartition(client, "one", items: Self.items)
            try await RunningPartition.eventuallyShare(Self.items, among: [one])
            let outcome = Shared<Result<Void, any Error>?>(nil)
            let waiting = Task {
                let result: Result<Void, any Error>
                do { result = .success(try await one.assignment.drain()) } catch { result = .failure(error) }
                outcome.change { $0 = result }
            }
            try await eventually("draining") { one.assignment.plan?.members["one"]?.isDraining == true }
            one.assignment.setDraining(false)
            try await eventually("told") { outcome.value != nil }
            await waiting.value
            #expect(throws: CancellationError.self) { try outcome.value?.get() }
            await one.stop()
        }
    }

    @Test func whileAllDrainEachKeepsWhatItHasAndOneThatStaysTakesAll() async throws {
        let port = try await TestTree.port(.embedded)
        try await withClient(port: port, chroot: TestTree.uniquePath("partition-all-drain")) { client in
            let members = ["a", "b"].map { RunningPartition(client, $0, items: Self.items) }
            let plan = try await RunningPartition.eventuallyShare(Self.items, among: members)
            // At one moment for both: the plan may be made for one alone, and then for both.
            for member in members { member.assignment.setDraining(true) }
            try await eventually("said") {
                members[0].assignment.plan?.members.values.allSatisfy(\.isDraining) ?? false
            }
            let both = try await RunningPartition.eventuallyShare(Self.items, among: members)
            #expect(both.itemCount == 24 && both.runnersUp().isEmpty)
            if both.moved(from: plan) > 0 { print("one of two was seen to drain first") }
            members[0].assignment.setDraining(false)
            try await eventually("all at one") { members[0].items.count == 24 && members[1].items.isEmpty }
            members[1].assignment.setDraining(false)
            try await eventually("even", seen: { "\(members.map(\.items.count))" }) {
                members.allSatisfy { $0.items.count == 12 }
            }
            // Given up by the caller, not by the member.
            let draining = Task { try await members[0].assignment.drain() }
            draining.cancel()
            await #expect(throws: CancellationError.self) { try await draining.value }
            #expect(members[0].assignment.isDraining)
            for member in members { await member.stop() }
            try await members[0].assignment.drain()
        }
    }

    @Test(arguments: TreeKind.allCases)
    func theShareFollowsTheWeight(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        try await withClient(port: port, chroot: TestTree.uniquePath("partition-weight")) { client in
            let light = RunningPartition(client, "light", items: Self.items)
            try await RunningPartition.eventuallyShare(Self.items, among: [light])
            let heavy = RunningPartition(client, "heavy", items: Self.items, weight: 2)
            try await eventually("two thirds", seen: { "\(heavy.items.count)" }) {
                heavy.isWorking(on: 16) && light.isWorking(on: 8)
            }
            var begun = light.begun.value.values.reduce(0, +)
            heavy.assignment.setWeight(1)
            try await eventually("half", seen: { "\(heavy.items.count)" }) {
                heavy.isWorking(on: 12) && light.isWorking(on: 12)
            }
            #expect(light.begun.value.values.reduce(0, +) - begun == 4)
            begun = light.begun.value.values.reduce(0, +)
            light.assignment.setWeight(3)
            try await eventually("a quarter", seen: { "\(heavy.items.count)" }) {
                heavy.isWorking(on: 6) && light.isWorking(on: 18)
            }
            #expect(light.begun.value.values.reduce(0, +) - begun == 6)
            // It stands beside the plan, and a member that comes reads it.
            let content = try await PartitionNode(client: client, path: "/shares/plan").read().0?.content
            let basis = String(decoding: content?.basis ?? [], as: UTF8.self)
            #expect(basis.hasSuffix("\nlight\n\tweight 3\n"))
            let late = RunningPartition(client, "late", items: Self.items)
            try await eventually("a fifth", seen: { "\(late.items.count)" }) { late.items.count == 4 }
            #expect(late.assignment.plan?.members["light"]?.weight == 3)
            await late.stop()
            try await eventually("a quarter again") { heavy.isWorking(on: 6) && light.isWorking(on: 18) }
            // A member of the version that knows no weights writes a plan: the node alone, its child as it was.
            let equal = PartitionPlan(members: ["heavy", "light"], items: Self.items)
            try await client.setData("/shares/plan", data: PartitionRecord.data(equal))
            try await eventually("a quarter once more", seen: { "\(heavy.items.count)" }) {
                heavy.assignment.plan?.members["light"]?.weight == 3 && heavy.isWorking(on: 6)
                    && light.isWorking(on: 18)
            }
            for member in [light, heavy] { await member.stop() }
        }
    }

    @Test func aWeightThatIsNoneIsATrap() async {
        await #expect(processExitsWith: .failure) {
            let client = ZooKeeperClient(
                configuration: try .init(connectString: "127.0.0.1:1"), logger: Logger(label: "test"))
            let assignment = PartitionAssignment(
                client: client, path: "/shares", name: "one", items: [], logger: Logger(label: "test")
            ) { _, _ in }
            assignment.setWeight(0)
        }
    }
}
