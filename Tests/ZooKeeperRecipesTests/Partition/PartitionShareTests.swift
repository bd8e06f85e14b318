import Primitives
import TestFixtures
import Testing

@testable import ZooKeeperRecipes

/// What members show of themselves, and what stands beside the plan.
@Suite("Partition shares as data", .timeLimit(.minutes(5)))
struct PartitionShareTests {
    @Test func aMemberAsUsualShowsWhatTheVersionBeforeShowed() {
        let share = PartitionShare(items: ["b", "a", "b"])
        #expect(share.items == ["b", "a"])
        #expect(share.data == PartitionShare.digest(["a", "b"]).bytes)
        let shown = PartitionShare.shown(share.data, name: "one")
        #expect(shown == .init(digest: PartitionShare.digest(["a", "b"]), member: .init("one")))
    }

    @Test func whatIsShownIsRead() {
        for weight in [1, 2, 100] {
            for isDraining in [false, true] {
                let share = PartitionShare(items: ["x"], weight: weight, isDraining: isDraining)
                let shown = PartitionShare.shown(share.data, name: "one")
                #expect(shown.digest == PartitionShare.digest(["x"]))
                #expect(shown.member == .init("one", weight: weight, isDraining: isDraining))
            }
        }
    }

    @Test(arguments: [
        ("", "", 1, false), ("items", "items", 1, false), ("items 1 weight", "items 1", 1, false),
        ("items 1 weight 5", "items 1", 5, false), ("items 1 colour red draining true weight 2", "items 1", 2, true),
        ("items 1 weight 0 draining yes", "items 1", 1, false), ("items 1 weight 99999", "items 1", 100, false),
        ("items 1 weight x", "items 1", 1, false), ("items 1 weight 99999999999999999999", "items 1", 1, false),
        ("{\"json\": true}", "{\"json\": true}", 1, false),
    ])
    func whatMakesNoSenseCountsAsUsual(_ text: String, _ digest: String, _ weight: Int, _ isDraining: Bool) {
        let shown = PartitionShare.shown(text.bytes, name: "one")
        #expect(shown == .init(digest: digest, member: .init("one", weight: weight, isDraining: isDraining)))
    }

    @Test func theBasisIsReadAndUnknownLinesAreSkipped() {
        let members = [
            PartitionPlan.Member("tab\tand % and ü", weight: 7), .init("usual"), .init("leaving", isDraining: true),
            .init("both", weight: 2, isDraining: true),
        ]
        let plan = PartitionPlan(members: members, items: (0..<20).map { "\($0)" })
        #expect(PartitionRecord.plan(PartitionRecord.data(plan), basis: PartitionBasis.data(plan)) == plan)
        #expect(PartitionBasis.data(PartitionPlan(members: ["a"], items: ["x"])).isEmpty)
        let empty = "partition 1 1 0\none\n".bytes
        let basis = PartitionBasis.data(PartitionPlan(members: [.init("one", weight: 2)], items: []))
        let hash = String(decoding: basis.dropFirst(8).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        #expect(String(decoding: basis, as: UTF8.self) == "basis 1 \(hash)\none\n\tweight 2\n")
        let text = "basis 1 \(hash)\none\n\tcolour red\n\tweight 3\n\n\tdraining true\nnobody\n\tweight 2\n"
        let read = PartitionRecord.plan(empty, basis: text.bytes)
        #expect(read?.members == ["one": .init("one", weight: 3)])
        for garbage in [
            "", "basis 1\none\n\tweight 3\n", "basis 2 \(hash)\none\n\tweight 3\n", "\tweight 3\n",
            "basis 1 \(hash)\n\tweight 3\n%zz\n\tweight 2\n", "basis 1 abc\none\n\tweight 3\n",
        ] {
            #expect(PartitionBasis.members(garbage.bytes, ofPlan: empty).isEmpty, "\(garbage)")
        }
    }

    @Test func damagedBasesAreReadWithoutATrap() {
        let plan = PartitionPlan(
            members: [.init("one", weight: 3), .init("two", isDraining: true)], items: ["a", "b", "c"])
        var random = SeededRandom(seed: 11)
        let data = PartitionBasis.data(plan)
        for _ in 0..<3_000 {
            var damaged = Array(data.prefix(Int.random(in: 0...data.count, using: &random)))
            for _ in 0..<3 where !damaged.isEmpty {
                damaged[Int.random(in: damaged.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            for member in PartitionBasis.members(damaged, ofPlan: PartitionRecord.data(plan)).values {
                #expect(PartitionPlan.Member.weights.contains(member.weight))
            }
        }
    }
}
