import Plant
import Testing

@Suite("OwnershipDesk: leaving and staying")
struct OwnershipDrainTests {
    private typealias B = OwnershipBench

    /// a, at which the desk sits, and b are ready and settled; a owns everything and has been asked to leave.
    private func leaving(_ others: GatewayMember...) -> B {
        var bench = B()
        bench.desk.membersSeen([B.member("a")] + others, at: 0)
        bench.link(true)
        bench.queue("a")
        bench.desk.processorQueueSeen(["a"], at: 0)
        _ = bench.desk.takeNotes()
        bench.desk.leave(at: 0)
        bench.desk.membersSeen([B.member("a", draining: true)] + others, at: 0)
        return bench
    }

    @Test("what it owns is kept until another queues for it, then given up, shards and alarms")
    func handsOver() {
        var bench = leaving(B.member("b", registration: 20))
        #expect(bench.desk.wishes.isDraining && bench.desk.takeNotes() == [.draining])
        #expect(bench.desk.wishes.shards == B.all && bench.desk.wishes.standsForProcessor)
        #expect(bench.desk.holdings == OwnershipHoldings(shards: B.shards, isProcessor: true) && !bench.desk.isDrained)
        #expect(bench.desk.obstacle == nil)
        bench.queue("a", "b")
        bench.desk.processorQueueSeen(["a", "b"], at: 0)
        #expect(bench.desk.wishes.shards.isEmpty && !bench.desk.wishes.standsForProcessor)
        #expect(bench.desk.wishes.isReady && bench.desk.wishes.mayConnect, "it stays warm")
        bench.queue("b")
        #expect(!bench.desk.isDrained)
        bench.desk.processorQueueSeen(["b"], at: 0)
        #expect(bench.desk.isDrained)
        bench.pass(60_000)
        #expect(bench.desk.wishes.shards.isEmpty && !bench.desk.wishes.standsForProcessor, "nothing is taken back")
    }

    @Test("it takes its share again when it is to stay")
    func stays() {
        var bench = leaving(B.member("b", registration: 20))
        bench.queue("b")
        bench.desk.processorQueueSeen(["b"], at: 0)
        bench.desk.stay(at: 0)
        #expect(bench.desk.takeNotes() == [.draining, .staying])
        #expect(bench.desk.wishes.shards.isEmpty, "the others do not know yet")
        bench.see(B.member("a"), B.member("b", registration: 20))
        #expect(bench.desk.wishes.shards == bench.share("a", "b") && bench.desk.wishes.standsForProcessor)
    }

    @Test("one that stands behind an owner is not drained, nor one that has not seen every queue")
    func queued() {
        var bench = B()
        bench.see(B.member("a", draining: true), B.member("b", registration: 20))
        bench.link(true)
        bench.desk.leave(at: 0)
        #expect(!bench.desk.isDrained, "nothing has been seen")
        bench.queue("b")
        #expect(!bench.desk.isDrained, "the alarm processor's queue has not been seen")
        bench.desk.processorQueueSeen(["b"], at: 0)
        #expect(bench.desk.isDrained)
        bench.desk.processorQueueSeen(["b", "a"], at: 0)
        #expect(!bench.desk.isDrained && bench.desk.holdings.isEmpty)
        bench.desk.processorQueueSeen(["b"], at: 0)
        bench.queue("b", "a")
        #expect(!bench.desk.isDrained && bench.desk.holdings.isEmpty)
        bench.queue("b")
        #expect(bench.desk.isDrained)
    }

    @Test("one that is about to queue is not drained")
    func aboutToQueue() {
        var bench = B()
        bench.see(B.member("a"), B.member("b", registration: 20))
        bench.link(true)
        bench.queue("b")
        bench.desk.processorQueueSeen(["b"], at: 0)
        bench.desk.stop(at: 0)
        #expect(!bench.desk.wishes.shards.isEmpty && !bench.desk.isDrained)
        bench.see(B.member("a", draining: true), B.member("b", registration: 20))
        #expect(bench.desk.isDrained)
    }

    @Test("one that is being stopped stays no more, whoever asks")
    func irrevocable() {
        var bench = leaving(B.member("b", registration: 20))
        bench.desk.stop(at: 0)
        bench.desk.stay(at: 0)
        #expect(bench.desk.isStopping && bench.desk.wishes.isDraining)
        bench.desk.leave(at: 0)
        #expect(bench.desk.takeNotes() == [.draining])
    }

    @Test("a plan that was made before leads to the same")
    func plan() {
        var (bench, other) = (B(), B())
        let members = [B.member("a"), B.member("b", registration: 20, weight: 3)]
        bench.desk.membersSeen(members, at: 0)
        other.desk.planSeen(OwnershipPlan(members, shardCount: B.shards), at: 0)
        bench.link(true)
        other.link(true)
        #expect(!bench.desk.wishes.shards.isEmpty && bench.desk.wishes == other.desk.wishes)
    }

    @Test("asked twice, it is said once")
    func twice() {
        var bench = leaving(B.member("b", registration: 20))
        bench.desk.leave(at: 0)
        #expect(bench.desk.takeNotes() == [.draining])
    }

    @Test("where nobody else can serve nothing is given up, whoever queues")
    func nobodyElse() {
        let cases: [(GatewayMember?, String)] = [
            (nil, "no other gateway is registered"),
            (B.member("b", registration: 20, ready: false), "b does not hear the broker"),
            (B.member("b", registration: 20, digest: "r2"), "b has other routes than a"),
            (B.member("b", registration: 20, draining: true), "b drains"),
        ]
        for (other, reason) in cases {
            var bench = leaving()
            bench.desk.membersSeen([B.member("a", draining: true)] + [other].compactMap(\.self), at: 0)
            bench.queue("a", "b")
            bench.desk.processorQueueSeen(["a", "b"], at: 0)
            let isShared = other?.isDraining == true
            #expect(
                bench.desk.wishes.shards == (isShared ? bench.share("a", "b") : B.all)
                    && bench.desk.wishes.standsForProcessor,
                "\(reason)")
            #expect(bench.desk.obstacle.map { "\($0)" } == reason)
        }
    }

    @Test("a newcomer gets nothing before it has settled, but it is waited for")
    func newcomer() {
        var bench = leaving(B.member("b", registration: 20, settled: false))
        bench.queue("a", "b")
        bench.desk.processorQueueSeen(["a", "b"], at: 0)
        #expect(bench.desk.wishes.shards == B.all && bench.desk.wishes.standsForProcessor)
        #expect(bench.desk.obstacle == nil)
        bench.see(B.member("a", draining: true), B.member("b", registration: 20))
        #expect(bench.desk.wishes.shards.isEmpty && !bench.desk.wishes.standsForProcessor)
    }

    @Test("when the last of the others goes, one that drains serves again")
    func lastOneLeft() {
        var bench = leaving(B.member("b", registration: 20))
        bench.queue("b")
        bench.desk.processorQueueSeen(["b"], at: 0)
        bench.see(B.member("a", draining: true))
        bench.queue()
        bench.desk.processorQueueSeen([], at: 0)
        #expect(bench.desk.wishes.shards == B.all && bench.desk.wishes.standsForProcessor)
    }

    @Test("it comes to the rescue of a shard without an owner last of all")
    func lastRescue() {
        var bench = leaving(B.member("b", registration: 20))
        bench.queue()
        bench.pass(4_999)
        #expect(bench.desk.wishes.shards.isEmpty)
        bench.pass(1)
        #expect(bench.desk.wishes.shards == B.all)
    }

    @Test("shards of one that drains fall to the others at once, by their weights")
    func othersTake() {
        var bench = B()
        bench.see(
            B.member("a"), B.member("b", registration: 20, draining: true), B.member("c", registration: 30, weight: 3))
        bench.link(true)
        bench.queue("b")
        let plan = ShardMap.assignment(weights: ["a": 1, "c": 3], shards: B.shards)
        #expect(bench.desk.wishes.shards == Set(plan["a"] ?? []))
    }

    @Test("a shard that a draining gateway keeps because nobody queues is taken after a second, until it is given up")
    func untaken() {
        var bench = B()
        // c is of a version that does not know about draining, and waits for b.
        bench.see(B.member("a"), B.member("b", registration: 20, draining: true), B.member("c", registration: 30))
        bench.link(true)
        bench.queue("b")
        let share = bench.share("a", "c")
        #expect(bench.desk.wishes.shards == share)
        bench.pass(999)
        #expect(bench.desk.wishes.shards == share)
        bench.pass(1)
        #expect(bench.desk.wishes.shards == B.all)
        bench.queue("b", "a")
        #expect(bench.desk.wishes.shards == B.all, "it is about to get them")
        bench.queue("b", "c", "a")
        #expect(bench.desk.wishes.shards == share, "c gets them")
        bench.queue("a")
        #expect(bench.desk.wishes.shards == B.all, "nobody else takes them")
        bench.queue("a", "c")
        #expect(bench.desk.wishes.shards == share)
    }

    @Test("a member of weight 0 owns nothing beside another, and may process alarms")
    func weightZero() {
        var bench = B()
        bench.see(B.member("a", weight: 0), B.member("b", registration: 20))
        bench.link(true)
        bench.queue("b")
        #expect(bench.desk.wishes.shards.isEmpty && bench.desk.wishes.standsForProcessor)
        bench.see(B.member("a", weight: 0))
        bench.queue()
        #expect(bench.desk.wishes.shards == B.all)
    }
}
