import Primitives
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import ZooKeeperRecipes

/// Items that come and go while members run.
@Suite("Partition items that change", .timeLimit(.minutes(3)))
struct PartitionItemsTests {
    private static func items(_ range: Range<Int>) -> [String] { range.map { "line \($0 % 3)/device \($0)" } }

    @Test(arguments: TreeKind.allCases)
    func membersAreGivenOtherItemsOneAfterAnother(_ kind: TreeKind) async throws {
        let (old, new) = (Self.items(0..<24), Self.items(4..<32))
        let port = try await TestTree.port(kind)
        try await withClient(port: port, chroot: TestTree.uniquePath("partition-items")) { client in
            let members = ["a", "b", "c"].map { RunningPartition(client, $0, items: old) }
            let plan = try await RunningPartition.eventuallyShare(old, among: members)
            let kept = Set(old).intersection(new)
            for (index, member) in members.enumerated() {
                member.assignment.setItems(new)
                #expect(member.assignment.items == new)
                // What is gone ends at once, where it is gone.
                try await eventually("ended", seen: { "\(member.items)" }) { member.items.isSubset(of: new) }
                if index < 2 {
                    try await eventually("all in the plan") { member.assignment.plan?.itemCount == 32 }
                }
            }
            let next = try await RunningPartition.eventuallyShare(new, among: members)
            #expect(next.moved(from: plan) <= 2, "only what a member has no room for")
            let begunAgain = members.reduce(0) { sum, member in
                sum + member.begun.value.filter { kept.contains($0.key) && $0.value > 1 }.count
            }
            #expect(begunAgain == 0)
            for member in members { await member.stop() }
        }
    }

    /// Lists, weights and draining members that change while members are cut off, lose answers and sessions: in the end all have the last one, each item at
    /// one member, and no item was ever at two.
    @Test(arguments: [(TreeKind.apache, 1), (.embedded, 2), (.embedded, 3)])
    func itemsChangeUnderFaults(_ kind: TreeKind, _ seed: Int) async throws {
        var random = SeededRandom(seed: UInt64(seed))
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("partition-items-faults")
        let proxies = try (0..<2).map { _ in try FaultProxy(target: port) }
        defer { for proxy in proxies { proxy.close() } }
        let expiring: @Sendable (inout ZooKeeperClient.Configuration) -> Void = { $0.sessionTimeout = .seconds(2) }
        try await withClient(port: port, chroot: chroot) { stable in
            try await stable.ensurePath("/journal")
            try await withClient(port: proxies[0].port, chroot: chroot, configure: expiring) { a in
                try await withClient(port: proxies[1].port, chroot: chroot, configure: expiring) { b in
                    var items = Self.items(0..<24)
                    let members = zip(["a", "b", "c"], [a, b, stable]).map {
                        RunningPartition($1, $0, items: items, isJournalling: true)
                    }
                    try await RunningPartition.eventuallyShare(items, among: members)
                    for round in 1...4 {
                        items.removeAll { _ in random.chance(20) }
                        items += Self.items(round * 100..<round * 100 + Int.random(in: 0...8, using: &random))
                        for (index, member) in members.enumerated() {
                            if index < 2, random.chance(70) {
                                if random.chance(50) { proxies[index].refuse(true) }
                                proxies[index].cut()
                            }
                            try await Task.sleep(for: .milliseconds(Int.random(in: 0...200, using: &random)))
                            member.assignment.setItems(items)
                            member.assignment.setDraining(random.chance(20))
                            if random.chance(30) { member.assignment.setWeight(Int.random(in: 1...3, using: &random)) }
                        }
                        try await Task.sleep(for: .milliseconds(round.isMultiple(of: 2) ? 100 : 3500))
                        for proxy in proxies { proxy.heal() }
                        try await RunningPartition.eventuallyShare(items, among: members, within: .seconds(40))
                    }
                    for member in members { await member.stop() }
                }
            }
            for (item, tokens) in try await RunningPartition.journal(stable) {
                #expect(zip(tokens, tokens.dropFirst()).allSatisfy(<=), "seed \(seed) \(item): \(tokens)")
            }
        }
    }
}
