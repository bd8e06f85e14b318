import Primitives
import TestFixtures
import Testing

@testable import ZooKeeperRecipes

/// Members that keep a plan together, in a tree that each sees late: without a network or a clock.
struct PartitionSimulation {
    private enum Sight {
        case members([Member])
        case plan((content: PartitionNode.Content, version: PartitionNode.Version)?)
    }

    private struct Mind {
        var keeping: PartitionKeeping
        var share: PartitionShare
        var sights: [(at: Int, sight: Sight)] = []
        var lastSight = 0
    }

    private let start = ContinuousClock.now
    private var random: SeededRandom
    private var items: [String]
    private var minds: [String: Mind] = [:]
    private var node: (content: PartitionNode.Content, version: PartitionNode.Version)?
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
        minds[name] = Mind(
            keeping: PartitionKeeping(name: name, items: items, settings: settings), share: PartitionShare(items: items)
        )
    }

    mutating func change() -> String {
        before = node.flatMap { PartitionRecord.plan($0.content.plan, basis: $0.content.basis) }
        isOneComingOrGoing = false
        writes = 0
        let description: String
        switch Int.random(in: 0..<11, using: &random) {
        case 0...2 where minds.count > 1:
            minds[minds.keys.sorted().randomElement(using: &random) ?? ""] = nil
            isOneComingOrGoing = true
            description = "one goes"
        case 0...4:
            come()
            isOneComingOrGoing = true
            description = "one comes"
        case 5:
            node = Bool.random(using: &random) ? nil : (.init(plan: "garbage".bytes), next(node?.version))
            description = "the plan is gone"
        case 6:
            items.append("item \(items.count)")
            come()
            description = "one comes with an item more"
        case 7:
            // All are given the same list, one after another as they look.
            items.removeAll { _ in random.chance(20) }
            items.append("later item \(now)")
            let moment = start + .milliseconds(now)
            for name in minds.keys.sorted() {
                minds[name]?.share.items = items
                minds[name]?.keeping.itemsChanged(items, at: moment)
            }
            description = "other items"
        case 8:
            let name = minds.keys.sorted().randomElement(using: &random) ?? ""
            minds[name]?.share.weight = Int.random(in: 1...3, using: &random)
            description = "one has another weight"
        case 9:
            let name = minds.keys.sorted().randomElement(using: &random) ?? ""
            minds[name]?.share.isDraining.toggle()
            description = "one drains, or stays after all"
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
            minds[name].map { Member(name: name, data: $0.share.data, sessionID: 1) }
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

    private mutating func write(_ name: String, _ content: PartitionNode.Content, over version: PartitionNode.Version?)
    {
        // Some requests get lost, and some answers; who wrote reads again in any case.
        let isLost = Int.random(in: 0..<5, using: &random) == 0
        if !isLost, node?.version == version {
            node = (content, next(version))
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
                if case .write(let content, let version) = step { write(name, content, over: version) }
            }
            if isAtRest { return try verify(what) }
            now += 5
        }
        Issue.record("\(what): no rest after \(writes) writes")
    }

    private func verify(_ what: String) throws {
        let plan = try #require(
            node.flatMap { PartitionRecord.plan($0.content.plan, basis: $0.content.basis) }, "\(what)")
        #expect(Set(plan.items.keys) == Set(minds.keys), "\(what)")
        let digests = Set(minds.values.map { PartitionShare.digest($0.share.items) })
        for mind in minds.values {
            #expect(mind.keeping.plan == plan, "\(what)")
            #expect(mind.share.items.allSatisfy { plan.owner(of: $0) != nil }, "\(what)")
            if digests.count == 1 { #expect(plan.itemCount == mind.share.items.count, "\(what)") }
        }
        #expect(writes <= 2 + minds.count, "\(what): \(writes) writes")
        let staying = minds.values.filter { !$0.share.isDraining }
        let places = staying.reduce(0) { $0 + $1.share.weight }
        for (name, mind) in minds where places > 0 {
            #expect(plan.members[name]?.weight == mind.share.weight, "\(what)")
            let share = 1.5 * Double(plan.itemCount * mind.share.weight) / Double(places)
            let most = mind.share.isDraining ? 0 : max(Int(share.rounded(.up)), 1)
            #expect(plan.items[name]?.count ?? 0 <= most, "\(what)")
        }
        let isUsual = minds.values.allSatisfy { $0.share.weight == 1 && !$0.share.isDraining }
        if isOneComingOrGoing, isUsual, let before,
            before.members.values.allSatisfy({ $0.weight == 1 && !$0.isDraining })
        {
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
