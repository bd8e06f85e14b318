import Primitives
import TestFixtures
import Testing

@testable import ZooKeeperRecipes

@Suite("Partition plan as data", .timeLimit(.minutes(5)))
struct PartitionRecordTests {
    private static let plan = PartitionPlan(
        members: ["one", "two ", "drei ü", "100%"],
        items: ["a/b", "tab\there", "line\nbreak", "%41", "é", "", "x", "y", "\u{7F}", "🙂"])

    @Test func whatIsWrittenIsRead() {
        let read = PartitionRecord.plan(PartitionRecord.data(Self.plan))
        #expect(read == Self.plan)
        let empty = PartitionPlan(members: ["a"], items: [])
        #expect(PartitionRecord.plan(PartitionRecord.data(empty)) == empty)
        let text = "partition 1 2 3\none\n\titem a\n\titem b\ntwo\n\titem c\n"
        let parsed = PartitionRecord.plan(text.bytes)
        #expect(parsed?.items == ["one": ["item a", "item b"], "two": ["item c"]])
        #expect(parsed.map { PartitionRecord.data($0) } == text.bytes)
    }

    @Test(arguments: [
        "", "\n", "partition 1 0 0", "partition 2 0 0\n", "partition 1 1 0\n", "partition 1 1 1\none\n",
        "partition 1 1 1\n\titem\none\n", "partition 1 1 2\none\n\titem\n\titem\n", "partition 1 2 0\none\none\n",
        "partition 1 1 1\none\n\t%4\n", "partition 1 1 1\none\n\t%zz\n", "partition 1 1 1\none\n\t%ff\n",
        "partition 1 1 0\n\n", "partition 1 01 0\none\n", "{\"json\": true}\n",
    ])
    func whatIsNoPlanIsNotRead(_ text: String) {
        #expect(PartitionRecord.plan(text.bytes) == nil)
    }

    /// No shortened record passes for a whole one, and damage is harmless: a plan or none.
    @Test func damagedDataIsNoPlanOrAWholeOne() {
        let data = PartitionRecord.data(Self.plan)
        for length in 0..<data.count { #expect(PartitionRecord.plan(Array(data.prefix(length))) == nil, "\(length)") }
        var random = SeededRandom(seed: 5)
        for _ in 0..<20_000 {
            var damaged = data
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                damaged[Int.random(in: damaged.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            guard let plan = PartitionRecord.plan(damaged) else { continue }
            #expect(PartitionRecord.plan(PartitionRecord.data(plan)) == plan)
        }
    }

    @Test func twoSpellingsOfOneTextAreTwoItemsAndOneMember() {
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        let plan = PartitionPlan(members: ["a", composed, decomposed], items: [composed, decomposed, composed])
        #expect(plan.itemCount == 2 && plan.items.count == 2)
        #expect(PartitionRecord.plan(PartitionRecord.data(plan)) == plan)
        let reversed = PartitionPlan(members: [decomposed, "a", composed], items: [decomposed, composed])
        #expect(PartitionBasis.data(plan) == PartitionBasis.data(reversed))
        for item in [composed, decomposed] { #expect(plan.owner(of: item) == reversed.owner(of: item)) }
        #expect(plan.runnersUpByBytes(slack: 1.5).count == 2 && plan.runnersUp().count == 1)
        #expect(PartitionPlan(members: ["a"], items: [composed]).owner(of: decomposed) == nil)
        let after = PartitionPlan(members: ["a"], items: [decomposed], after: plan)
        #expect(after.items["a"]?.first.map { Array($0.utf8) } == Array(decomposed.utf8))
        #expect(PartitionPlan(members: ["a"], items: [composed]) != PartitionPlan(members: ["a"], items: [decomposed]))
        #expect(PartitionShare(items: [composed]) != PartitionShare(items: [decomposed]))
    }

    /// What would take minutes to follow, whoever wrote it, is no plan.
    @Test func aPlanOfMoreThanAMemberCanFollowIsNotRead() {
        func data(_ members: Int, _ items: Int = 0) -> [UInt8] {
            let names = (0..<members).map { "\($0)\n" }.joined()
            return "partition 1 \(members) \(items)\n\(names)\((0..<items).map { "\t\($0)\n" }.joined())".bytes
        }
        func plan(_ members: Int, weight: Int, items: Int = 0) -> PartitionPlan? {
            let list = (0..<members).map { ("\($0)", PartitionPlan.Member("\($0)", weight: weight)) }
            let plan = PartitionPlan(
                items: Dictionary(uniqueKeysWithValues: list.map { ($0.0, [String]()) })
                    .merging(["0": (0..<items).map { "\($0)" }]) { $1 },
                members: Dictionary(uniqueKeysWithValues: list))
            return PartitionRecord.plan(PartitionRecord.data(plan), basis: PartitionBasis.data(plan))
        }
        #expect(PartitionRecord.plan(data(1000, 1000)) != nil)
        #expect(PartitionRecord.plan(data(1001)) == nil && PartitionRecord.plan(data(90_000)) == nil)
        #expect(plan(100, weight: 100, items: 40_000) != nil)
        #expect(plan(101, weight: 100) == nil)
        #expect(plan(100, weight: 100, items: 40_001) == nil)
    }

    @Test func asManyItemsFitAsTheDocumentationSays() {
        let plan = PartitionPlan(items: [
            "one": (0..<30_000).map { "factory/line/machine-1" + String(10_000_000 + $0) }
        ])
        #expect(PartitionRecord.data(plan).count < PartitionRecord.maximumLength)
    }
}
