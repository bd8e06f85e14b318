import Primitives
import TestFixtures
import Testing

@testable import ZooKeeperRecipes

/// Who has an item next, and that the plan after a death says the same.
@Suite("Partition runners-up", .timeLimit(.minutes(5)))
struct PartitionRunnerUpTests {
    private typealias Plan = PartitionPlan

    private static func items(_ count: Int) -> [String] { (0..<count).map { "item/\($0)" } }

    private static func members(_ count: Int, weights: Bool, using random: inout SeededRandom) -> [Plan.Member] {
        (0..<count).map { index in
            Plan.Member(
                "member \(Int.random(in: 0..<100_000, using: &random)) \(index)",
                weight: weights ? Int.random(in: 1...4, using: &random) : 1)
        }
    }

    private static func capacity(_ members: [Plan.Member], _ items: Int, of name: String) -> Int {
        let members = members.sorted { $0.name < $1.name }
        let capacities = Capacity.all(members, items: items, slack: 1.5) { _ in Capacity.roundingUp }
        return members.firstIndex { $0.name == name }.map { capacities[$0] } ?? 0
    }

    private static func verify(_ plan: Plan, _ members: [Plan.Member], _ what: String) {
        let runnersUp = plan.runnersUp()
        for (owner, owned) in plan.items {
            let survivors = members.filter { $0.name != owner && !$0.isDraining }
            guard !survivors.isEmpty else {
                #expect(owned.allSatisfy { runnersUp[$0] == nil }, "\(what)")
                continue
            }
            var parts: [String: Int] = [:]
            for item in owned {
                guard let next = runnersUp[item] else { return #expect(Bool(false), "\(what): none of \(item)") }
                #expect(next != owner && survivors.contains { $0.name == next }, "\(what)")
                parts[next, default: 0] += 1
            }
            // Nobody's part is more than even, but for what others have no room for.
            let places = survivors.reduce(0) { $0 + $1.weight }
            var lacking = 0
            for survivor in survivors {
                let even = (owned.count * survivor.weight + places - 1) / places
                let room =
                    capacity(survivors, plan.itemCount, of: survivor.name) - (plan.items[survivor.name]?.count ?? 0)
                lacking += max(0, even - max(0, room))
            }
            for survivor in survivors {
                let even = (owned.count * survivor.weight + places - 1) / places
                #expect(parts[survivor.name] ?? 0 <= even + lacking, "\(what): \(parts) of \(owned.count)")
            }
        }
    }

    /// A plan of its own for every number of members: each death gives the items to the runners-up, moves no other, and loads
    /// no survivor with more than its part.
    @Test(arguments: 1...24) func afterADeathThePlanConfirmsTheRunnersUp(_ count: Int) {
        var random = SeededRandom(seed: UInt64(count))
        for itemCount in [0, 1, count - 1, count, 2 * count + 1, 9 * count + 4] {
            for weights in [false, true] {
                let members = Self.members(count, weights: weights, using: &random)
                let items = Self.items(itemCount)
                let plan = Plan(members: members, items: items)
                let what = "\(count) members \(itemCount) items, weights \(weights)"
                Self.verify(plan, members, what)
                #expect(plan.runnersUp() == Plan(members: members.shuffled(using: &random), items: items).runnersUp())
                for dead in members where count > 1 {
                    let runnersUp = plan.runnersUp()
                    let next = Plan(members: members.filter { $0 != dead }, items: items, after: plan)
                    for item in items {
                        let expected = plan.owner(of: item) == dead.name ? runnersUp[item] : plan.owner(of: item)
                        #expect(next.owner(of: item) == expected, "\(what)")
                    }
                }
            }
        }
    }

    /// Members come, die, drain, stay after all, change their weights, and the items change: after each step one owner for each
    /// item, capacities held, runners-up that can be, and no movement without a reason.
    @Test(arguments: 0..<60) func aWalkKeepsItsPromises(_ seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var members = Self.members(
            Int.random(in: 1...6, using: &random), weights: seed.isMultiple(of: 2), using: &random)
        var items = Self.items(Int.random(in: 1...120, using: &random))
        var nextItem = items.count
        var plan = Plan(members: members, items: items)
        for step in 0..<40 {
            let before = members
            let itemsBefore = Set(items)
            var dead: Set<String> = []
            var isTraitOfOne: String?
            switch Int.random(in: 0..<8, using: &random) {
            case 0, 1:
                members.append(Self.members(1, weights: seed.isMultiple(of: 2), using: &random)[0])
            case 2 where members.count > 1:
                dead = [members.remove(at: Int.random(in: members.indices, using: &random)).name]
            case 3 where members.count > 1:
                for _ in 0..<Int.random(in: 1..<members.count, using: &random) {
                    dead.insert(members.remove(at: Int.random(in: members.indices, using: &random)).name)
                }
            case 4:
                let index = Int.random(in: members.indices, using: &random)
                members[index].isDraining.toggle()
                isTraitOfOne = members[index].name
            case 5 where seed.isMultiple(of: 2):
                let index = Int.random(in: members.indices, using: &random)
                members[index].weight = Int.random(in: 1...4, using: &random)
                isTraitOfOne = members[index].name
            default:
                items.removeAll { _ in random.chance(10) }
                for _ in 0..<Int.random(in: 0...10, using: &random) {
                    items.append("item/\(nextItem)")
                    nextItem += 1
                }
                items.shuffle(using: &random)
            }
            let next = Plan(members: members.shuffled(using: &random), items: items, after: plan)
            let what = "seed \(seed) step \(step)"
            #expect(next == Plan(members: members, items: items, after: plan), "\(what)")
            #expect(next.itemCount == items.count && items.allSatisfy { next.owner(of: $0) != nil }, "\(what)")
            #expect(next.members == Dictionary(uniqueKeysWithValues: members.map { ($0.name, $0) }), "\(what)")
            #expect(next == Plan(members: members, items: items, after: next), "\(what): not at rest")
            let staying = members.filter { !$0.isDraining }
            for member in members where !staying.isEmpty {
                let count = next.items[member.name]?.count ?? 0
                #expect(
                    count <= (member.isDraining ? 0 : Self.capacity(staying, items.count, of: member.name)), "\(what)")
            }
            Self.verify(next, members, what)
            Self.judge(
                plan, next, before, members, dead: dead, traitOf: isTraitOfOne,
                isOfItems: itemsBefore != Set(items), what)
            plan = next
        }
    }

    /// What may move, and to where.
    private static func judge(
        _ plan: Plan, _ next: Plan, _ before: [Plan.Member], _ members: [Plan.Member], dead: Set<String>,
        traitOf changed: String?, isOfItems: Bool, _ what: String
    ) {
        let staying = members.filter { !$0.isDraining }
        let runnersUp = plan.runnersUp()
        let moved = plan.items.flatMap { owner, items in
            items.filter { item in next.owner(of: item).map { $0 != owner } ?? false }
        }
        if !dead.isEmpty, !staying.isEmpty {
            for item in moved { #expect(dead.contains(plan.owner(of: item) ?? ""), "\(what): \(item)") }
            for name in dead {
                for item in plan.items[name] ?? [] {
                    let heir = runnersUp[item] ?? ""
                    // One that has died as well, or has no room beside what others left it.
                    let mayMiss =
                        dead.contains(heir)
                        || dead.count > 1 && next.items[heir]?.count == capacity(staying, next.itemCount, of: heir)
                    #expect(next.owner(of: item) == heir || mayMiss, "\(what): \(item)")
                }
            }
        }
        if let changed, let old = before.first(where: { $0.name == changed }),
            let new = members.first(where: { $0.name == changed })
        {
            if staying.isEmpty {
                #expect(moved.isEmpty, "\(what): all drain, \(moved)")
            } else if new.isDraining, !old.isDraining {
                for item in moved { #expect(plan.owner(of: item) == changed, "\(what)") }
                for item in plan.items[changed] ?? [] { #expect(next.owner(of: item) == runnersUp[item], "\(what)") }
            } else if new.weight < old.weight, !new.isDraining {
                // What it gives up, and what others may no longer keep: nothing, since their parts grow.
                for item in moved { #expect(plan.owner(of: item) == changed, "\(what)") }
                let places = staying.reduce(0) { $0 + $1.weight }
                #expect(
                    next.items[changed]?.count ?? 0 <= (plan.itemCount * new.weight + places - 1) / places, "\(what)")
            } else if new.weight > old.weight, !new.isDraining {
                let places = staying.reduce(0) { $0 + $1.weight }
                #expect(next.items[changed]?.count ?? 0 >= plan.itemCount * new.weight / places, "\(what)")
            }
        }
        if isOfItems, !staying.isEmpty {
            // Of those that remain, only what its member may not keep.
            for member in staying {
                let kept = (plan.items[member.name] ?? []).filter { next.owner(of: $0) != nil }
                let gone = kept.filter { next.owner(of: $0) != member.name }.count
                let capacity = capacity(staying, next.itemCount, of: member.name)
                #expect(gone == max(0, kept.count - capacity), "\(what): \(gone) of \(member)")
            }
        }
    }

    @Test func newItemsGoWhereTheyAreWantedWhileThereIsRoom() {
        let members = ["a", "b", "c", "d"].map { Plan.Member($0) }
        var items = Self.items(100)
        var plan = Plan(members: members, items: items)
        let first = plan
        var wanted = 0
        for index in 100..<160 {
            items.append("item/\(index)")
            plan = Plan(members: members, items: items, after: plan)
            let affinity = Affinity(members: members, items: ["item/\(index)"])
            let most = members.indices.max { affinity.weight(0, $0) < affinity.weight(0, $1) }
            if plan.owner(of: "item/\(index)") == most.map({ members[$0].name }) { wanted += 1 }
        }
        #expect(plan.moved(from: first) == 0)
        #expect(wanted >= 50, "\(wanted) of 60")
    }

    @Test func theHandfulOfCasesThatPeopleAskAbout() {
        let items = Self.items(12)
        let alone = Plan(members: [.init("a")], items: items)
        #expect(alone.runnersUp().isEmpty)
        let two = Plan(members: [.init("a"), .init("b")], items: items)
        #expect(two.items["a"].map { $0.allSatisfy { two.runnersUp()[$0] == "b" } } == true)
        // One drains: everything at the other, which has no runner-up; both drain: nothing moves.
        let one = Plan(members: [.init("a"), .init("b", isDraining: true)], items: items, after: two)
        #expect(one.items["a"]?.count == 12 && one.items["b"] == [] && one.runnersUp().isEmpty)
        let both = Plan(
            members: [.init("a", isDraining: true), .init("b", isDraining: true)], items: items, after: two)
        #expect(both.moved(from: two) == 0 && both.runnersUp().isEmpty)
        // It stays after all: its even part.
        let back = Plan(members: [.init("a"), .init("b")], items: items, after: one)
        #expect(back.items["b"]?.count == 6)
        // Three times the weight: three quarters.
        let heavy = Plan(members: [.init("a"), .init("b", weight: 3)], items: items, after: back)
        #expect(heavy.items["b"]?.count == 9 && heavy.moved(from: back) == 3)
        let light = Plan(members: [.init("a"), .init("b")], items: items, after: heavy)
        #expect(light.items["b"]?.count == 6 && light.moved(from: heavy) == 3)
        // The only one that does not drain dies: those that drain have to have them.
        let left = Plan(members: [.init("b", isDraining: true)], items: items, after: one)
        #expect(left.items["b"]?.count == 12)
    }
}
