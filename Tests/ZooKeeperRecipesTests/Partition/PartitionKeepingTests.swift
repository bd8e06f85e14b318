import TestFixtures
import Testing

@testable import ZooKeeperRecipes

@Suite("Keeping the partition plan", .timeLimit(.minutes(2)))
struct PartitionKeepingTests {
    private static let start = ContinuousClock.now
    private static let items = (0..<16).map { "item \($0)" }

    private static func at(_ milliseconds: Int) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }

    private static func member(_ name: String, _ items: [String] = items) -> Member {
        Member(name: name, data: PartitionKeeping.digest(items), sessionID: 1)
    }

    private static func keeping(_ name: String, _ items: [String] = items, limit: Int = 1_000_000) -> PartitionKeeping {
        var settings = PartitionAssignment.Settings()
        settings.settling = .milliseconds(100)
        settings.patience = .milliseconds(1000)
        return PartitionKeeping(name: name, items: items, settings: settings, maximumLength: limit)
    }

    private static func data(_ members: [String], _ items: [String] = items) -> [UInt8] {
        PartitionRecord.data(PartitionPlan(members: members, items: items))
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
        #expect(Set(PartitionRecord.plan(data)?.items["two"] ?? []) == Set(Self.items))
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
        one.planSeen(("what is this".bytes, 8), at: Self.at(10))
        #expect(one.plan?.items["one"]?.count == 16)
        #expect(one.step(at: Self.at(10)) == .wait(until: Self.at(110)))
        #expect(one.step(at: Self.at(110)) == .write(Self.data(["one"]), over: 8))
        // Whoever never saw a plan does not wait.
        var two = Self.keeping("two")
        two.membersSeen([Self.member("two")], at: Self.at(0))
        two.planSeen(([], 9), at: Self.at(1))
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

    /// Members that see the tree late, each in its own time, and a tree that writes by version. Members come, go, and are
    /// given other items; the node is deleted and filled with garbage; answers are lost.
    @Test(arguments: 0..<60) func membersThatSeeTheTreeLateComeToAgreeAndToRest(_ seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        var simulation = Simulation(itemCount: Int.random(in: 1...64, using: &random), random: random)
        for _ in 0..<12 {
            let change = simulation.change()
            try simulation.runUntilAtRest("seed \(seed): \(change)")
        }
    }
}

private struct Simulation {
    private enum Sight {
        case members([Member])
        case plan((data: [UInt8], version: PartitionNode.Version)?)
    }

    private struct Mind {
        var keeping: PartitionKeeping
        let items: [String]
        var sights: [(at: Int, sight: Sight)] = []
        var lastSight = 0
    }

    private let start = ContinuousClock.now
    private var random: SeededRandom
    private var items: [String]
    private var minds: [String: Mind] = [:]
    private var node: (data: [UInt8], version: PartitionNode.Version)?
    private var incarnations = 0
    private var now = 0
    private var writes = 0
    private var nextName = 0
    /// What an undisturbed change is held against.
    private var before: PartitionPlan?
    private var isOneComingOrGoing = false

    init(itemCount: Int, random: SeededRandom) {
        items = (0..<itemCount).map { "item \($0)" }
        self.random = random
        for _ in 0..<3 { come() }
    }

    private mutating func come() {
        var settings = PartitionAssignment.Settings()
        settings.settling = .milliseconds(100)
        let name = "member \(nextName)"
        nextName += 1
        minds[name] = Mind(keeping: PartitionKeeping(name: name, items: items, settings: settings), items: items)
    }

    mutating func change() -> String {
        before = node.flatMap { PartitionRecord.plan($0.data) }
        isOneComingOrGoing = false
        writes = 0
        let description: String
        switch Int.random(in: 0..<8, using: &random) {
        case 0...2 where minds.count > 1:
            minds[minds.keys.sorted().randomElement(using: &random) ?? ""] = nil
            isOneComingOrGoing = true
            description = "one goes"
        case 0...4:
            come()
            isOneComingOrGoing = true
            description = "one comes"
        case 5:
            node = Bool.random(using: &random) ? nil : ("garbage".bytes, next(node?.version))
            description = "the plan is gone"
        case 6:
            items.append("item \(items.count)")
            come()
            description = "one comes with an item more"
        default:
            let leaving = minds.keys.sorted().shuffled(using: &random).prefix(minds.count / 2)
            for name in leaving { minds[name] = nil }
            come()
            description = "half go, one comes"
        }
        everybodyLooks()
        return description
    }

    /// What follows a version; the first one of another incarnation, when there was no node.
    private mutating func next(_ version: PartitionNode.Version?) -> PartitionNode.Version {
        if var version {
            version.number += 1
            return version
        }
        incarnations += 1
        return PartitionNode.Version(number: 0, incarnation: "\(incarnations)")
    }

    private mutating func everybodyLooks() {
        let list = minds.keys.sorted().compactMap { name in
            minds[name].map { Member(name: name, data: PartitionKeeping.digest($0.items), sessionID: 1) }
        }
        for name in minds.keys.sorted() {
            tell(name, .members(list))
            tell(name, .plan(node))
        }
    }

    /// Later, but in order.
    private mutating func tell(_ name: String, _ sight: Sight) {
        guard var mind = minds[name] else { return }
        mind.lastSight = max(mind.lastSight, now + Int.random(in: 1...80, using: &random))
        mind.sights.append((mind.lastSight, sight))
        minds[name] = mind
    }

    private mutating func write(_ name: String, _ data: [UInt8], over version: PartitionNode.Version?) {
        // Some requests get lost, and some answers; who wrote reads again in any case.
        let isLost = Int.random(in: 0..<5, using: &random) == 0
        if !isLost, node?.version == version {
            node = (data, next(version))
            writes += 1
            for other in minds.keys.sorted() { tell(other, .plan(node)) }
        }
        tell(name, .plan(node))
    }

    mutating func runUntilAtRest(_ what: String) throws {
        let end = now + 20_000
        while now < end {
            var isAtRest = true
            for name in minds.keys.sorted() {
                guard var mind = minds[name] else { continue }
                while let next = mind.sights.first, next.at <= now {
                    mind.sights.removeFirst()
                    switch next.sight {
                    case .members(let list): mind.keeping.membersSeen(list, at: start + .milliseconds(now))
                    case .plan(let seen): mind.keeping.planSeen(seen, at: start + .milliseconds(now))
                    }
                }
                let step = mind.keeping.step(at: start + .milliseconds(now))
                if !mind.sights.isEmpty || step != .wait(until: nil) { isAtRest = false }
                minds[name] = mind
                if case .write(let data, let version) = step { write(name, data, over: version) }
            }
            if isAtRest { return try verify(what) }
            now += 5
        }
        Issue.record("\(what): no rest after \(writes) writes")
    }

    private func verify(_ what: String) throws {
        let plan = try #require(node.flatMap { PartitionRecord.plan($0.data) }, "\(what)")
        #expect(Set(plan.items.keys) == Set(minds.keys), "\(what)")
        let digests = Set(minds.values.map { PartitionKeeping.digest($0.items) })
        for mind in minds.values {
            #expect(mind.keeping.plan == plan, "\(what)")
            #expect(mind.items.allSatisfy { plan.owner(of: $0) != nil }, "\(what)")
            if digests.count == 1 { #expect(plan.itemCount == mind.items.count, "\(what)") }
        }
        #expect(writes <= 2 + minds.count, "\(what): \(writes) writes")
        let limit = Int((1.5 * Double(plan.itemCount) / Double(minds.count)).rounded(.up))
        #expect(plan.items.values.allSatisfy { $0.count <= max(limit, 1) }, "\(what)")
        if isOneComingOrGoing, let before {
            // Of so many as there were when one went, or are when one has come.
            let members = max(before.items.count, minds.count)
            let moved = plan.moved(from: before)
            #expect(moved * members <= 2 * plan.itemCount + members - 1, "\(what): \(moved) of \(plan.itemCount)")
            // Of one that went, its own and no others.
            let gone = before.items.filter { minds[$0.key] == nil }
            if !gone.isEmpty { #expect(moved <= gone.values.reduce(0) { $0 + $1.count }, "\(what): \(moved)") }
        }
    }
}

/// Where only one incarnation counts.
extension PartitionNode.Version: ExpressibleByIntegerLiteral {
    init(integerLiteral number: Int32) { self.init(number: number, incarnation: "the one") }
}
