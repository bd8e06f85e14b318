import Primitives
import TestFixtures
import Testing

@testable import ZooKeeperRecipes

@Suite("Keeping the partition plan", .timeLimit(.minutes(5)))
struct PartitionKeepingTests {
    private static let start = ContinuousClock.now
    private static let items = (0..<16).map { "item \($0)" }

    private static func at(_ milliseconds: Int) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }

    private static func member(
        _ name: String, _ items: [String] = items, weight: Int = 1, isDraining: Bool = false
    ) -> Member {
        Member(
            name: name, data: PartitionShare(items: items, weight: weight, isDraining: isDraining).data, sessionID: 1)
    }

    private static func keeping(_ name: String, _ items: [String] = items, limit: Int = 1_000_000) -> PartitionKeeping {
        var settings = PartitionAssignment.Settings()
        settings.settling = .milliseconds(100)
        settings.patience = .milliseconds(1000)
        return PartitionKeeping(name: name, items: items, settings: settings, maximumLength: limit)
    }

    private static func data(_ members: [String], _ items: [String] = items) -> PartitionNode.Content {
        .init(plan: PartitionRecord.data(PartitionPlan(members: members, items: items)))
    }

    @Test func theFirstMemberMakesThePlanAtOnce() {
        var one = Self.keeping("one")
        #expect(one.step(at: Self.at(0)) == .wait(until: nil))
        one.planSeen(nil, at: Self.at(0))
        #expect(one.step(at: Self.at(0)) == .wait(until: nil), "it is not there yet itself")
        one.membersSeen([Self.member("one")], at: Self.at(5))
        #expect(one.step(at: Self.at(5)) == .write(Self.data(["one"]), over: nil))
        // Unanswered and not made: again, but not at once.
        #expect(one.step(at: Self.at(6)) == .wait(until: Self.at(105)))
        one.planSeen((Self.data(["one"]), 0), at: Self.at(10))
        #expect(one.step(at: Self.at(10)) == .wait(until: nil))
        #expect(one.plan?.items["one"]?.count == 16)
    }

    @Test func aPlanThatFitsIsTakenAtOnceAndOneThatDoesNotAfterSettling() throws {
        var two = Self.keeping("two")
        let both = Self.data(["one", "two"])
        two.planSeen((both, 3), at: Self.at(0))
        two.membersSeen([Self.member("two"), Self.member("one")], at: Self.at(0))
        #expect(two.step(at: Self.at(0)) == .wait(until: nil))
        let mine = try #require(two.plan?.items["two"])
        #expect(!mine.isEmpty)
        // Gone, and back in another session: nothing happens.
        two.membersSeen([Self.member("two")], at: Self.at(10))
        #expect(two.step(at: Self.at(10)) == .wait(until: Self.at(110)))
        var back = Self.member("one")
        back.sessionID = 2
        two.membersSeen([back, Self.member("two")], at: Self.at(109))
        #expect(two.step(at: Self.at(500)) == .wait(until: nil))
        // Gone for good.
        two.membersSeen([Self.member("two")], at: Self.at(500))
        #expect(two.step(at: Self.at(599)) == .wait(until: Self.at(600)))
        guard case .write(let data, over: 3) = two.step(at: Self.at(600)) else { throw FixtureError("no write") }
        #expect(Set(PartitionRecord.plan(data.plan)?.items["two"] ?? []) == Set(Self.items))
        // Until it is there, the old one counts.
        #expect(two.plan?.items["two"] == mine)
    }

    @Test func aListThatNeverSettlesIsFollowedWhenPatienceEnds() {
        var one = Self.keeping("one")
        one.planSeen((Self.data(["one"]), 0), at: Self.at(0))
        one.membersSeen([Self.member("one")], at: Self.at(0))
        for step in 1...18 {
            let others = [Self.member("x\(step)"), Self.member("two")]
            one.membersSeen([Self.member("one")] + others, at: Self.at(50 * step))
            guard case .wait(.some) = one.step(at: Self.at(50 * step)) else { return #expect(Bool(false), "\(step)") }
        }
        one.membersSeen([Self.member("one"), Self.member("three")], at: Self.at(1049))
        guard case .write = one.step(at: Self.at(1050)) else { return #expect(Bool(false)) }
    }

    @Test func garbageIsWrittenOverAndWorkGoesOnMeanwhile() {
        var one = Self.keeping("one")
        one.planSeen((Self.data(["one"]), 7), at: Self.at(0))
        one.membersSeen([Self.member("one")], at: Self.at(0))
        one.planSeen((.init(plan: "what is this".bytes), 8), at: Self.at(10))
        #expect(one.plan?.items["one"]?.count == 16)
        #expect(one.step(at: Self.at(10)) == .wait(until: Self.at(110)))
        #expect(one.step(at: Self.at(110)) == .write(Self.data(["one"]), over: 8))
        // Whoever never saw a plan does not wait.
        var two = Self.keeping("two")
        two.membersSeen([Self.member("two")], at: Self.at(0))
        two.planSeen((.init(plan: []), 9), at: Self.at(1))
        #expect(two.plan == nil)
        #expect(two.step(at: Self.at(1)) == .write(Self.data(["two"]), over: 9))
    }

    @Test func whatDoesNotFitIntoANodeIsComputedAlike() {
        var one = Self.keeping("one", limit: 50)
        one.planSeen(nil, at: Self.at(0))
        one.membersSeen([Self.member("one"), Self.member("two")], at: Self.at(0))
        #expect(one.step(at: Self.at(0)) == .wait(until: nil))
        #expect(one.plan == PartitionPlan(members: ["one", "two"], items: Self.items))
        one.membersSeen([Self.member("one")], at: Self.at(50))
        #expect(one.step(at: Self.at(50)) == .wait(until: Self.at(150)))
        #expect(one.step(at: Self.at(150)) == .wait(until: nil))
        #expect(one.plan?.items["one"]?.count == 16)
    }

    @Test func morePlacesThanAPlanMayHaveAreNotWritten() {
        var one = Self.keeping("m 0")
        one.planSeen(nil, at: Self.at(0))
        one.membersSeen((0..<101).map { Self.member("m \($0)", weight: 100) }, at: Self.at(0))
        #expect(one.step(at: Self.at(0)) == .wait(until: nil))
        #expect(one.plan?.items.count == 101 && one.plan?.itemCount == 16)
    }

    @Test func twoSpellingsOfOneMembersNameComeToRest() throws {
        var one = Self.keeping("caf\u{E9}")
        one.planSeen(nil, at: Self.at(0))
        one.membersSeen([Self.member("caf\u{E9}"), Self.member("cafe\u{301}")], at: Self.at(0))
        guard case .write(let content, over: nil) = one.step(at: Self.at(0)) else { throw FixtureError("no write") }
        one.planSeen((content, 1), at: Self.at(10))
        #expect(one.step(at: Self.at(10)) == .wait(until: nil))
        // The same text in another spelling is another item.
        one.itemsChanged(["caf\u{E9}"], at: Self.at(20))
        guard case .wait(.some) = one.step(at: Self.at(20)) else { throw FixtureError("no change") }
        var two = Self.keeping("two", ["caf\u{E9}"])
        two.itemsChanged(["cafe\u{301}"], at: Self.at(0))
        two.membersSeen([Self.member("two", ["caf\u{E9}"])], at: Self.at(0))
        #expect(!two.isAgreedOnItems)
    }

    @Test func aPlanThatEachComputesNamesRunnersUpWhileAllHaveTheSameItems() {
        var one = Self.keeping("one", limit: 50)
        one.planSeen(nil, at: Self.at(0))
        one.membersSeen([Self.member("one"), Self.member("two")], at: Self.at(0))
        #expect(one.step(at: Self.at(0)) == .wait(until: nil) && one.plan != nil && one.namesRunnersUp)
        one.membersSeen([Self.member("one"), Self.member("two", ["other"])], at: Self.at(10))
        #expect(!one.namesRunnersUp, "by the plan computed before, too")
        one.membersSeen([Self.member("one"), Self.member("two")], at: Self.at(20))
        #expect(one.namesRunnersUp)
        // A plan that is read is the same for all.
        one.membersSeen([Self.member("one"), Self.member("two", ["other"])], at: Self.at(30))
        one.planSeen((Self.data(["one", "two"]), 1), at: Self.at(40))
        #expect(one.namesRunnersUp)
    }

    @Test func weightsAndLeavingMembersArePartOfWhatThePlanIsMadeFor() throws {
        var one = Self.keeping("one")
        let equal = Self.data(["one", "two"])
        one.planSeen((equal, 1), at: Self.at(0))
        one.membersSeen([Self.member("one"), Self.member("two")], at: Self.at(0))
        #expect(one.step(at: Self.at(0)) == .wait(until: nil))
        one.membersSeen([Self.member("one"), Self.member("two", weight: 3)], at: Self.at(0))
        guard case .write(let heavy, over: 1) = one.step(at: Self.at(100)) else { throw FixtureError("no write") }
        #expect(String(decoding: heavy.basis, as: UTF8.self).hasSuffix("\ntwo\n\tweight 3\n"))
        one.planSeen((heavy, 2), at: Self.at(110))
        #expect(one.step(at: Self.at(110)) == .wait(until: nil))
        #expect(one.plan?.items["two"]?.count == 12 && one.plan?.members["two"]?.weight == 3)
        one.membersSeen([Self.member("one"), Self.member("two", weight: 3, isDraining: true)], at: Self.at(200))
        guard case .write(let draining, over: 2) = one.step(at: Self.at(300)) else { throw FixtureError("no write") }
        one.planSeen((draining, 3), at: Self.at(310))
        #expect(one.plan?.items["two"] == [] && one.plan?.items["one"]?.count == 16)
        #expect(one.step(at: Self.at(310)) == .wait(until: nil))
        // The version that knows no weights writes the plan and leaves the rest as it is.
        one.planSeen((.init(plan: equal.plan, basis: draining.basis), 4), at: Self.at(400))
        guard case .write(let again, over: 4) = one.step(at: Self.at(500)) else { throw FixtureError("no write") }
        #expect(PartitionRecord.plan(again.plan, basis: again.basis)?.items["two"] == [])
    }

    @Test func ownItemsThatChangeAreAddedAtOnceAndTakenAwayWhenAllAgree() throws {
        let new = Array(Self.items.dropFirst(2)) + ["later"]
        var one = Self.keeping("one")
        one.planSeen((Self.data(["one", "two"]), 1), at: Self.at(0))
        one.membersSeen([Self.member("one"), Self.member("two")], at: Self.at(0))
        one.itemsChanged(new, at: Self.at(0))
        guard case .write(let both, over: 1) = one.step(at: Self.at(100)) else { throw FixtureError("no write") }
        one.planSeen((both, 2), at: Self.at(110))
        #expect(one.plan?.itemCount == 17)
        #expect(one.step(at: Self.at(110)) == .wait(until: nil))
        one.membersSeen([Self.member("one", new), Self.member("two")], at: Self.at(300))
        #expect(one.step(at: Self.at(500)) == .wait(until: nil))
        one.membersSeen([Self.member("one", new), Self.member("two", new)], at: Self.at(600))
        guard case .write(let rest, over: 2) = one.step(at: Self.at(700)) else { throw FixtureError("no write") }
        let plan = try #require(PartitionRecord.plan(rest.plan))
        #expect(
            plan.itemCount == 15 && plan.moved(from: PartitionPlan(members: ["one", "two"], items: Self.items)) == 0)
    }

    /// Members that see the tree late, each in its own time, and a tree that writes by version. Members come, go, and are
    /// given other items; the node is deleted and filled with garbage; answers are lost.
    @Test(arguments: 0..<60) func membersThatSeeTheTreeLateComeToAgreeAndToRest(_ seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        var simulation = PartitionSimulation(itemCount: Int.random(in: 1...64, using: &random), random: random)
        for _ in 0..<12 {
            let change = simulation.change()
            try simulation.runUntilAtRest("seed \(seed): \(change)")
        }
    }
}
