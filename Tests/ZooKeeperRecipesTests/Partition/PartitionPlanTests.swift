import Primitives
import TestFixtures
import Testing

@testable import ZooKeeperRecipes

@Suite("Partition plan", .timeLimit(.minutes(5)))
struct PartitionPlanTests {
    private func names(_ count: Int, seed: Int) -> [String] { (0..<count).map { "member-\(seed)-\($0)" } }
    private func items(_ count: Int) -> [String] { (0..<count).map { "item/\($0)" } }

    private static func ceiling(_ slack: Double, _ items: Int, _ members: Int) -> Int {
        Int((slack * Double(items) / Double(members)).rounded(.up))
    }

    @Test(arguments: [
        (1, 10), (2, 7), (3, 48), (5, 400), (7, 112), (12, 192), (16, 640), (24, 384), (40, 640), (64, 2048),
    ])
    func aLeavingMemberMovesAboutItsShareAndNeverTwice(_ count: Int, _ itemCount: Int) {
        let items = items(itemCount)
        var total = 0.0
        var trials = 0
        for seed in 0..<(count > 20 ? 1 : 6) {
            let members = names(count, seed: seed)
            let plan = PartitionPlan(members: members, items: items)
            #expect(plan.items.values.reduce(0) { $0 + $1.count } == itemCount && plan.items.count == count)
            let limit = Self.ceiling(1.5, itemCount, count)
            #expect(plan.items.values.allSatisfy { $0.count <= limit })
            guard count > 1 else { continue }
            for leaving in members.indices where count <= 20 || leaving.isMultiple(of: 4) {
                var rest = members
                rest.remove(at: leaving)
                let after = PartitionPlan(members: rest, items: items)
                let moved = after.moved(from: plan)
                #expect(plan.moved(from: after) == moved)
                #expect(moved >= plan.items[members[leaving]]?.count ?? 0)
                if itemCount >= 16 * count {
                    #expect(moved * count <= 2 * itemCount, "\(moved) of \(itemCount) moved, \(count) members, \(seed)")
                }
                total += Double(moved * count) / Double(itemCount)
                trials += 1
            }
        }
        if trials > 10 { #expect((0.8...1.4).contains(total / Double(trials)), "\(total / Double(trials)) times 1/n") }
    }

    @Test func weightsAndSlacksThatMakeNoSenseCountAsTheNearest() {
        var member = PartitionPlan.Member("a")
        member.weight = -1
        #expect(member.weight == 1)
        member.weight = .max
        #expect(member.weight == 100 && PartitionPlan.Member("a", weight: 0).weight == 1)
        let (names, items) = (names(5, seed: 1), items(33))
        let before = PartitionPlan(members: Array(names.dropFirst()), items: items)
        for (slack, same) in [(Double.infinity, 2.0), (1e300, 2), (0, 1), (-.infinity, 1), (.nan, 1)] {
            let plan = PartitionPlan(members: names, items: items, slack: slack)
            #expect(plan == PartitionPlan(members: names, items: items, slack: same))
            #expect(plan.runnersUp(slack: slack) == plan.runnersUp(slack: same))
            #expect(
                PartitionPlan(members: names, items: items, after: before, slack: slack)
                    == PartitionPlan(members: names, items: items, after: before, slack: same))
        }
    }

    @Test func theOrderOfMembersAndItemsDoesNotMatter() {
        var random = SeededRandom(seed: 3)
        let members = names(9, seed: 0)
        let items = items(300)
        let plan = PartitionPlan(members: members, items: items)
        for _ in 0..<5 {
            let other = PartitionPlan(
                members: members.shuffled(using: &random) + members.prefix(2), items: items.shuffled(using: &random))
            #expect(items.allSatisfy { other.owner(of: $0) == plan.owner(of: $0) })
        }
        // The same on every machine and in every version.
        #expect(PartitionPlan(members: ["a", "b", "c"], items: ["1", "2", "3", "4"]).owner(of: "1") != nil)
    }

    @Test(arguments: [1.0, 1.1, 1.25, 2.0]) func theBoundHoldsForEverySlackAndEverybodyFindsRoom(_ slack: Double) {
        for members in 1...14 {
            for count in [0, 1, 2, members - 1, members, members + 1, 5 * members + 3, 100] {
                let plan = PartitionPlan(members: names(members, seed: count), items: items(count), slack: slack)
                let limit = Self.ceiling(slack, count, members)
                #expect(plan.items.values.allSatisfy { $0.count <= limit }, "\(members) \(count)")
                #expect(items(count).allSatisfy { plan.owner(of: $0) != nil })
            }
        }
        #expect(PartitionPlan(members: [String](), items: items(3)).owner(of: "item/0") == nil)
    }

    @Test func aHeavierMemberGetsMore() {
        let plan = PartitionPlan(
            members: [.init("small"), .init("large", weight: 3), .init("other")], items: items(1000), slack: 1.2)
        let counts = plan.items.mapValues(\.count)
        #expect((500...720).contains(counts["large"] ?? 0) && (counts["small"] ?? 0) <= 240, "\(counts)")
    }

    /// Every number of members to 64, six or more of them leaving in turn, few items and many; from a plan of its own and from
    /// one that has followed others.
    @Test(arguments: 2...64) func afterAPlanALeavingMemberMovesItsItemsOnlyAndNeverTwiceItsShare(_ count: Int) {
        let members = names(count, seed: 1)
        for itemCount in [1, count / 2, count - 1, count, count + 1, count + count / 3, 2 * count + 1, 5 * count + 2] {
            let items = items(itemCount)
            let first = PartitionPlan(members: members, items: items)
            let grown = PartitionPlan(
                members: members, items: items,
                after: PartitionPlan(members: Array(members.dropLast(count / 2)), items: items))
            for plan in [first, grown] {
                for leaving in members.indices where leaving.isMultiple(of: max(1, count / 6)) {
                    var rest = members
                    rest.remove(at: leaving)
                    let after = PartitionPlan(members: rest, items: items, after: plan)
                    let moved = after.moved(from: plan)
                    #expect(moved == plan.items[members[leaving]]?.count, "\(count) \(itemCount)")
                    if itemCount >= count {
                        #expect(moved * count <= 2 * itemCount, "\(count) \(itemCount) \(moved)")
                    } else {
                        #expect(moved <= 1)
                    }
                    let limit = max(Self.ceiling(1.5, itemCount, count - 1), 1)
                    #expect(after.items.values.allSatisfy { $0.count <= limit })
                    #expect(after.items.values.reduce(0) { $0 + $1.count } == itemCount)
                }
            }
        }
    }

    @Test(arguments: 0..<30) func whoComesTakesItsPartAndTheBoundHoldsForEver(_ seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let items = items(Int.random(in: 1...200, using: &random))
        var members = names(Int.random(in: 1...12, using: &random), seed: seed)
        var plan = PartitionPlan(members: members, items: items)
        for step in 0..<40 {
            let comes = members.count == 1 || members.count < 20 && Bool.random(using: &random)
            if comes {
                members.append("late-\(step)")
            } else {
                members.remove(at: Int.random(in: members.indices, using: &random))
            }
            let next = PartitionPlan(
                members: members.shuffled(using: &random), items: items.shuffled(using: &random), after: plan)
            #expect(next.items.values.reduce(0) { $0 + $1.count } == items.count && next.items.count == members.count)
            #expect(next.items.values.allSatisfy { $0.count <= Self.ceiling(1.5, items.count, members.count) })
            let moved = next.moved(from: plan)
            if !comes, items.count > members.count {
                #expect(moved * (members.count + 1) <= 2 * items.count, "seed \(seed) step \(step): \(moved)")
            }
            // One that comes takes its part, and makes the others give up little beside.
            if comes {
                #expect(moved * members.count <= 2 * items.count + members.count - 1, "\(seed) \(step): \(moved)")
            }
            if comes { #expect(next.items["late-\(step)"]?.count ?? 0 >= items.count / members.count) }
            #expect(PartitionPlan(members: members, items: items, after: plan).moved(from: next) == 0)
            plan = next
        }
    }
}
