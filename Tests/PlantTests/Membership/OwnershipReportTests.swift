import Plant
import Primitives
import Testing

@Suite("Who owns what, and why")
struct OwnershipReportTests {
    private typealias B = OwnershipBench
    private static let all = ["a", "b", "c"].map { B.member($0, registration: $0 == "a" ? 10 : 20) }

    private static func report(_ members: [GatewayMember], _ queue: [String], processor: [String] = [])
        -> OwnershipReport
    {
        OwnershipReport(
            members: members, queues: Array(repeating: queue, count: B.shards), processorQueue: processor)
    }

    private static func plan(_ names: String...) -> [String: [Int]] {
        ShardMap.assignment(members: names, shards: B.shards)
    }

    @Test("each shard falls to its owner, is on its way to another, or is kept until that one queues")
    func fallsTo() throws {
        let plan = Self.plan("a", "b", "c")
        let kept = Self.report(Self.all, ["a"])
        #expect(kept.ownedCount == B.shards && kept.holdings(of: "a").shards == B.shards)
        for (name, shards) in plan {
            for number in shards {
                let shard = kept.shard(number)
                #expect(shard.owner == "a" && shard.planned == name)
                #expect(shard.reason == (name == "a" ? .part : .waiting(for: name)))
            }
        }
        #expect(kept.waiting.map(\.for) == ["b", "c"])
        #expect(kept.waiting.map(\.shards) == [plan["b"]?.count, plan["c"]?.count])
        // The first that may serve gets it, whomever it falls to.
        let passing = Self.report(Self.all, ["a", "x", "c", "b"])
        for number in plan["b"] ?? [] { #expect(passing.shard(number).reason == .passing(to: "c")) }
        for number in plan["a"] ?? [] { #expect(passing.shard(number).reason == .part) }
    }

    @Test("a part that would be another's, which does not serve, is said to be in its place")
    func inPlace() {
        let deaf = B.member("c", registration: 20, ready: false)
        let settling = B.member("c", registration: 20, settled: false)
        let cases: [(GatewayMember, ServingGroup.Hindrance)] = [(deaf, .unready), (settling, .settling)]
        for (c, hindrance) in cases {
            let report = Self.report([Self.all[0], Self.all[1], c], ["a"])
            for number in Self.plan("a", "b", "c")["c"] ?? []
            where Self.plan("a", "b")["a"]?.contains(number) == true {
                #expect(report.shard(number).reason == .inPlace(of: "c", hindrance))
            }
        }
        // One that drains, or has other routes, is not expected back.
        for c in [
            B.member("c", registration: 20, draining: true), B.member("c", registration: 20, digest: "r2"),
        ] {
            let report = Self.report([Self.all[0], Self.all[1], c], ["a"])
            for number in Self.plan("a", "b")["a"] ?? [] { #expect(report.shard(number).reason == .part) }
        }
    }

    @Test("nobody ready, nobody registered, nobody there")
    func exceptions() {
        let deaf = B.member("a", ready: false)
        #expect(Self.report([deaf, B.member("b", ready: false)], ["a", "b"]).shard(0).reason == .nobodyReady)
        #expect(Self.report(Self.all, ["gone", "a"]).shard(0).reason == .unregistered)
        #expect(Self.report([], []).shard(0).reason == .ownerless(fallsTo: nil))
        let number = Self.plan("a", "b", "c")["b"]?.first ?? 0
        #expect(Self.report(Self.all, []).shard(number).reason == .ownerless(fallsTo: "b"))
        // A number that there is no shard of, from anywhere.
        #expect(Self.report(Self.all, ["a"]).shard(99).reason == .ownerless(fallsTo: nil))
    }

    @Test("why the alarms are where they are")
    func processor() {
        let drains = B.member("a", draining: true)
        let deaf = B.member("a", ready: false)
        func reason(_ members: [GatewayMember], _ queue: String...) -> OwnershipReport.ProcessorReason {
            Self.report(members, [], processor: queue).processorReason
        }
        #expect(reason(Self.all, "a", "b") == .first)
        #expect(reason([drains, Self.all[1]], "a", "b") == .passing(to: "b"))
        #expect(reason([drains, Self.all[1]], "a") == .nobodyElse(.draining))
        #expect(reason([deaf, Self.all[1]], "a") == .nobodyElse(.unready))
        #expect(reason([deaf], "a") == .nobodyReady)
        #expect(reason(Self.all, "gone") == .unregistered)
        #expect(reason(Self.all) == .vacant)
    }

    @Test("who has taken what one had")
    func taken() throws {
        let before = Self.report(Self.all, ["a"], processor: ["a", "b", "c"])
        let plan = Self.plan("b", "c")
        let queues = (0..<B.shards).map { plan["b"]?.contains($0) == true ? ["b"] : ["c"] }
        let after = OwnershipReport(members: Self.all, queues: queues, processorQueue: ["c"])
        let taken = after.taken(from: "a", since: before)
        #expect(taken.map(\.by) == ["b", "c"])
        #expect(taken.map(\.1.shards) == [plan["b"]?.count, plan["c"]?.count])
        #expect(taken.map(\.1.isProcessor) == [false, true])
        #expect(before.taken(from: "a", since: before).isEmpty)
    }

    @Test("the report says what a desk does, whatever it sees", arguments: 0..<20)
    func agrees(seed: Int) {
        var dice = SeededRandom(seed: UInt64(seed))
        for _ in 0..<50 {
            let members =
                ["a", "b", "c", "d"].filter { _ in Bool.random(using: &dice) }.map { name in
                    B.member(
                        name, registration: Int64.random(in: 1...9, using: &dice), ready: Bool.random(using: &dice),
                        settled: Bool.random(using: &dice), digest: Bool.random(using: &dice) ? "r1" : "r2",
                        weight: Int.random(in: 0...3, using: &dice), draining: Bool.random(using: &dice))
                } + [B.member("m", registration: 5, draining: Bool.random(using: &dice))]
            let queues = (0..<B.shards).map { _ in
                Array(["m", "a", "b", "c", "x"].shuffled(using: &dice).prefix(Int.random(in: 0...4, using: &dice)))
            }
            let report = OwnershipReport(members: members, queues: queues, processorQueue: queues[0])
            var desk = OwnershipDesk(
                me: GatewayLife(gateway: "m", key: "1"), started: 100, routesDigest: "r1", shardCount: B.shards, at: 0)
            desk.linkChanged(isUp: true, at: 0)
            desk.membersSeen(members, at: 0)
            desk.queuesSeen(queues, at: 0)
            desk.processorQueueSeen(queues[0], at: 0)
            for shard in report.shards where shard.owner == "m" {
                let isLeft = if case .passing = shard.reason { true } else { false }
                #expect(
                    desk.wishes.shards.contains(shard.number) != isLeft, "\(shard) \(queues[shard.number]) \(members)")
            }
            for shard in report.shards where shard.owner == nil {
                #expect(desk.wishes.shards.contains(shard.number) == (shard.planned == "m"), "\(shard) \(members)")
            }
            if queues[0].first == "m" {
                let isLeft = if case .passing = report.processorReason { true } else { false }
                #expect(desk.wishes.standsForProcessor != isLeft, "\(report.processorReason) \(queues[0]) \(members)")
            }
        }
    }
}
