import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import ZooKeeperRecipes

/// What a death costs: the runners-up have the items before anybody has thought of another plan.
@Suite("Partition takeover", .timeLimit(.minutes(3)))
struct PartitionTakeoverTests {
    /// As many as a gateway has shards.
    private static let items = (0..<64).map { "line \($0 % 3)/device \($0)" }

    private static func begun(_ members: [RunningPartition]) -> Int {
        members.reduce(0) { $0 + $1.begun.value.values.reduce(0, +) }
    }

    /// Returns how long it took until the survivors owned all items.
    private static func untilOwned(by survivors: [RunningPartition]) async throws -> Duration {
        let start = ContinuousClock.now
        try await eventually(
            "taken over", within: .seconds(30), every: .milliseconds(1),
            seen: { "\(survivors.map { ($0.name, $0.items.count) })" }
        ) { survivors.reduce(0) { $0 + $1.items.count } == items.count }
        let took = ContinuousClock.now - start
        try await eventually("at work") { survivors.allSatisfy { $0.working.value == $0.items } }
        return took
    }

    /// Given: three members, each with a session of its own, and a settling time far beyond the test's end.
    /// The fault: one is cut off until its session ends.
    /// What must hold: its runners-up own its items by the plan that stood before; work was begun once for each. When it
    /// is back it has its items again.
    @Test(arguments: TreeKind.allCases)
    func whatASessionOwnedIsAtTheRunnersUpWhenItEnds(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("partition-session")
        let proxy = try FaultProxy(target: port)
        defer { proxy.close() }
        try await withClient(port: port, chroot: chroot) { stable in
            try await stable.ensurePath("/journal")
            try await withClient(port: port, chroot: chroot) { other in
                try await withClient(
                    port: proxy.port, chroot: chroot, configure: { $0.sessionTimeout = .seconds(2) }
                ) { mortal in
                    // The plan is there, and nothing moves by another one.
                    let plan = PartitionPlan(members: ["a", "b", "c"], items: Self.items)
                    try await stable.ensurePath("/shares")
                    try await PartitionNode(client: stable, path: "/shares/plan").write(
                        .init(plan: PartitionRecord.data(plan)), over: nil)
                    let members = zip(["a", "b", "c"], [stable, other, mortal]).map {
                        RunningPartition($1, $0, items: Self.items, settling: .seconds(600), isJournalling: true)
                    }
                    try await RunningPartition.eventuallyShare(Self.items, among: members)
                    try await RunningPartition.eventuallyStandBy(stable, plan)
                    let before = Self.begun(members)
                    proxy.refuse(true)
                    proxy.cut()
                    let survivors = Array(members.prefix(2))
                    let took = try await Self.untilOwned(by: survivors)
                    print("\(kind): session of 2 s lost, all owned again after \(took)")
                    let runnersUp = plan.runnersUp()
                    for item in plan.items["c"] ?? [] {
                        #expect(survivors.first { $0.items.contains(item) }?.name == runnersUp[item])
                    }
                    #expect(Self.begun(members) - before == plan.items["c"]?.count)
                    #expect(members[0].assignment.plan == plan)
                    proxy.heal()
                    #expect(try await RunningPartition.eventuallyShare(Self.items, among: members) == plan)
                    try await RunningPartition.eventuallyStandBy(stable, plan)
                    for member in members { await member.stop() }
                }
            }
            for (item, tokens) in try await RunningPartition.journal(stable) {
                #expect(zip(tokens, tokens.dropFirst()).allSatisfy(<=), "\(item): \(tokens)")
            }
        }
    }

    private static func settled(
        _ clients: [ZooKeeperClient], settling: Duration
    ) async throws -> ([RunningPartition], PartitionPlan) {
        let members = zip(["a", "b", "c"], clients).map {
            RunningPartition($1, $0, items: items, settling: settling, isJournalling: true)
        }
        return (members, try await RunningPartition.eventuallyShare(items, among: members))
    }

    /// Given: three members; one ends like a process that is killed, and another client deletes all nodes of its session
    /// in one transaction, as on the word of a broker.
    /// What must hold: the runners-up have its items at once; the plan that follows confirms each; nothing is begun twice.
    @Test(arguments: TreeKind.allCases)
    func whoDeletesTheNodesOfADeadMemberHandsItsItemsOver(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("partition-deleted")
        let proxy = try FaultProxy(target: port)
        defer { proxy.close() }
        try await withClient(port: port, chroot: chroot) { stable in
            try await stable.ensurePath("/journal")
            try await withClient(port: port, chroot: chroot) { other in
                try await withClient(
                    port: proxy.port, chroot: chroot, configure: { $0.sessionTimeout = .seconds(20) }
                ) { mortal in
                    let (members, plan) = try await Self.settled([stable, other, mortal], settling: .seconds(2))
                    try await RunningPartition.eventuallyStandBy(stable, plan)
                    let before = Self.begun(members)
                    let dead = try #require(mortal.session).id
                    proxy.refuse(true)
                    proxy.cut()
                    var nodes = ["/shares/members/c"]
                    for item in Self.items {
                        let parent = "/shares/items/" + PartitionAssignment.nodeName(item)
                        for child in try await stable.getChildren(parent) {
                            let stat = try await stable.exists(parent + "/" + child)
                            if stat?.ephemeralOwner == dead { nodes.append(parent + "/" + child) }
                        }
                    }
                    let survivors = Array(members.prefix(2))
                    let start = ContinuousClock.now
                    try await stable.transaction(nodes.map { .delete(path: $0, version: -1) })
                    let deleted = ContinuousClock.now - start
                    let took = try await Self.untilOwned(by: survivors)
                    print("\(kind): \(nodes.count) nodes deleted in \(deleted), all owned again \(took) later")
                    #expect(members[0].assignment.plan == plan, "by the plan that stood before")
                    let next = try await RunningPartition.eventuallyShare(Self.items, among: survivors)
                    let runnersUp = plan.runnersUp()
                    for item in plan.items["c"] ?? [] { #expect(next.owner(of: item) == runnersUp[item]) }
                    #expect(next.moved(from: plan) == plan.items["c"]?.count)
                    #expect(Self.begun(survivors) - before + Self.begun([members[2]]) == plan.items["c"]?.count ?? 0)
                    for member in members { await member.stop() }
                    proxy.heal()
                }
            }
        }
    }
}
