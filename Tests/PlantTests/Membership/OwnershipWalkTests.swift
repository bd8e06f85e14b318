import Plant
import Primitives
import TestFixtures
import Testing

/// A tree, a broker and some gateways' ownership desks: who is told what comes late, links break, processes die and return.
private struct OwnershipWorld {
    static let shards = 6

    struct Gateway {
        var desk: OwnershipDesk
        var life: GatewayLife
        var registration: Int64?
        var started: Milliseconds
        var record: (ready: Bool, settled: Bool, draining: Bool) = (false, false, false)
        var isLinkUp = true
        var digest: String
        var weight = 1
        /// Whether it is of a version that knows about weights and draining.
        var isNew = true
    }

    var dice: SeededRandom
    var now: Milliseconds = 0
    var zxid: Int64 = 1
    var lives = 0
    var gateways: [String: Gateway] = [:]
    var queues = [[String]](repeating: [], count: OwnershipWorld.shards)
    var processorQueue: [String] = []
    /// Since when a shard has had this owner, or none, that does not hear, though some settled, equal gateway did all the time.
    var uncovered = [(owner: String?, since: Milliseconds)?](repeating: nil, count: OwnershipWorld.shards)
    var violations: [String] = []
    var handovers = 0
    /// How often each shard has got another owner.
    var moves = [Int](repeating: 0, count: OwnershipWorld.shards)
    var lastOwners = [String?](repeating: nil, count: OwnershipWorld.shards)

    init(seed: UInt64, count: Int, digests: [String]) {
        dice = SeededRandom(seed: seed)
        for index in 0..<count { start("g\(index)", digest: digests[index % digests.count]) }
    }

    mutating func start(_ name: String, digest: String, weight: Int = 1, isNew: Bool = true) {
        lives += 1
        zxid += 1
        let life = GatewayLife(gateway: name, key: "\(lives)")
        gateways[name] = Gateway(
            desk: OwnershipDesk(me: life, started: now, routesDigest: digest, shardCount: Self.shards, at: now),
            life: life,
            registration: zxid, started: now, digest: digest, weight: weight, isNew: isNew)
    }

    mutating func kill(_ name: String) {
        gateways[name] = nil
        for shard in queues.indices { queues[shard].removeAll { $0 == name } }
        processorQueue.removeAll { $0 == name }
    }

    var members: [GatewayMember] {
        gateways.compactMap { name, gateway in
            gateway.registration.map {
                GatewayMember(
                    name: name, life: gateway.life, registration: $0, isReady: gateway.record.ready,
                    isSettled: gateway.record.settled, routesDigest: gateway.digest, started: gateway.started,
                    weight: gateway.weight, isDraining: gateway.record.draining)
            }
        }.sorted { $0.name < $1.name }
    }

    /// Lets one gateway see how things stand, and do what it wishes.
    mutating func turn(_ name: String) {
        guard var gateway = gateways[name] else { return }
        gateway.desk.membersSeen(gateway.isNew ? members : members.map(Self.asOlderOnesSee), at: now)
        gateway.desk.queuesSeen(queues, at: now)
        gateway.desk.processorQueueSeen(processorQueue, at: now)
        gateway.desk.linkChanged(isUp: gateway.isLinkUp, at: now)
        let wishes = gateway.desk.wishes
        gateway.record = (wishes.isReady, wishes.isSettled, wishes.isDraining)
        gateways[name] = gateway
        let group = ServingGroup(members)
        for shard in queues.indices {
            let stands = queues[shard].contains(name)
            if wishes.shards.contains(shard), !stands {
                queues[shard].append(name)
            } else if stands, !wishes.shards.contains(shard) {
                if queues[shard].first == name {
                    handovers += 1
                    let others = queues[shard].dropFirst()
                    if !others.contains(where: { group.serving.contains($0) }) {
                        violations.append("\(now): \(name) gave shard \(shard) to nobody who may serve: \(others)")
                    }
                }
                queues[shard].removeAll { $0 == name }
            }
        }
        if wishes.standsForProcessor != processorQueue.contains(name) {
            if wishes.standsForProcessor {
                processorQueue.append(name)
            } else {
                if processorQueue.first == name, !processorQueue.dropFirst().contains(where: group.eligible.contains) {
                    violations.append("\(now): \(name) resigned with nobody to follow")
                }
                processorQueue.removeAll { $0 == name }
            }
        }
    }

    private static func asOlderOnesSee(_ member: GatewayMember) -> GatewayMember {
        GatewayMember(
            name: member.name, life: member.life, registration: member.registration, isReady: member.isReady,
            isSettled: member.isSettled, routesDigest: member.routesDigest, started: member.started)
    }

    /// Everybody gets a turn, in any order, every 50 ms.
    mutating func round() {
        for name in gateways.keys.sorted().shuffled(using: &dice) { turn(name) }
        check()
        for shard in queues.indices where queues[shard].first != lastOwners[shard] {
            moves[shard] += 1
            lastOwners[shard] = queues[shard].first
        }
        now += 50
    }

    mutating func fault() {
        guard let name = gateways.keys.sorted().randomElement(using: &dice) else { return }
        switch Int.random(in: 0..<15, using: &dice) {
        case 12..<14: gateways[name]?.desk.leave(at: now)
        case 14: gateways[name]?.desk.stay(at: now)
        case 0..<6: gateways[name]?.isLinkUp.toggle()
        case 10..<12: gateways[name]?.desk.sessionBeganAnew(at: now)
        case 6..<8:
            let digest = gateways[name]?.digest ?? "r"
            kill(name)
            start(name, digest: digest, weight: Int.random(in: 0...3, using: &dice))
        default:
            // Its registration was removed by a false hint, and it registers again.
            for shard in queues.indices { queues[shard].removeAll { $0 == name } }
            processorQueue.removeAll { $0 == name }
            zxid += 1
            gateways[name]?.registration = zxid
        }
    }

    /// No shard is without a ready owner for longer than the rules say: 2 s until a lost link counts, 1 s until anybody takes
    /// it, some rounds on top.
    private mutating func check() {
        let canServe = gateways.values.contains { $0.isLinkUp && $0.record.ready && $0.record.settled }
        for shard in queues.indices {
            let name = queues[shard].first
            let owner = name.flatMap { gateways[$0] }
            if !canServe || owner.map({ $0.isLinkUp && $0.record.ready }) == true {
                uncovered[shard] = nil
            } else if case let (before, since)? = uncovered[shard], before == name {
                if now - since > 3_500 {
                    violations.append("\(now): shard \(shard) is frozen since \(since): \(queues[shard])")
                }
            } else {
                uncovered[shard] = (name, now)
            }
        }
    }
}

/// They yield, because tests that wait for real servers run beside them on the same few threads.
@Suite("OwnershipDesk: seeded walks of some gateways")
struct OwnershipWalkTests {
    @Test("no shard stays frozen, none is given to nobody", arguments: 0..<12)
    func walk(seed: Int) async {
        var world = OwnershipWorld(seed: UInt64(seed), count: 1 + seed % 4, digests: ["r"])
        for _ in 0..<400 {
            world.round()
            await Task.yield()
            if Int.random(in: 0..<20, using: &world.dice) == 0 { world.fault() }
            if !world.violations.isEmpty { break }
        }
        #expect(world.violations.isEmpty, "seed \(seed): \(world.violations.joined(separator: "\n"))")
    }

    @Test("in the end every shard has one owner, divided as evenly as the map says", arguments: 0..<4)
    func settles(seed: Int) async {
        var world = OwnershipWorld(seed: UInt64(seed), count: 3, digests: seed % 2 == 0 ? ["r"] : ["r", "s", "r"])
        for _ in 0..<200 {
            world.round()
            await Task.yield()
            if Int.random(in: 0..<10, using: &world.dice) == 0 { world.fault() }
        }
        for name in world.gateways.keys { world.gateways[name]?.isLinkUp = true }
        for _ in 0..<400 {
            world.round()
            await Task.yield()
        }
        let group = ServingGroup(world.members)
        #expect(group.isAnyReady && group.serving == group.eligible.subtracting(group.leaving))
        let plan = OwnershipPlan(world.members, shardCount: OwnershipWorld.shards)
        for shard in 0..<OwnershipWorld.shards {
            #expect(world.queues[shard] == [plan.owner(of: shard)], "seed \(seed), shard \(shard)")
        }
        #expect(Set(world.processorQueue) == group.serving)
    }

    @Test("a planned leave and its undoing: no shard is ever without an owner, none moves twice", arguments: 0..<8)
    func plannedLeave(seed: Int) async {
        var world = OwnershipWorld(seed: UInt64(seed), count: 2 + seed % 3, digests: ["r"])
        for _ in 0..<100 { world.round() }
        let name = "g\(seed % 2)"
        for isLeaving in [true, false] {
            world.moves = world.moves.map { _ in 0 }
            if isLeaving {
                world.gateways[name]?.desk.leave(at: world.now)
            } else {
                world.gateways[name]?.desk.stay(at: world.now)
            }
            for _ in 0..<100 {
                world.round()
                await Task.yield()
                #expect(!world.queues.contains(where: \.isEmpty) && !world.processorQueue.isEmpty, "seed \(seed)")
            }
            #expect(world.moves.allSatisfy { $0 <= 1 }, "seed \(seed): \(world.moves)")
            let owned = world.queues.count { $0.first == name }
            let plan = OwnershipPlan(world.members, shardCount: OwnershipWorld.shards)
            #expect(owned == (0..<OwnershipWorld.shards).count { plan.owner(of: $0) == name }, "seed \(seed)")
            #expect(!isLeaving || owned == 0 && world.gateways[name]?.desk.isDrained == true, "seed \(seed)")
            #expect(!isLeaving || world.processorQueue.first != name)
        }
        #expect(world.violations.isEmpty, "\(world.violations)")
    }

    @Test("all leave one after the other: the last keeps everything", arguments: 0..<4)
    func allLeave(seed: Int) async {
        var world = OwnershipWorld(seed: UInt64(seed), count: 3, digests: ["r"])
        for _ in 0..<100 { world.round() }
        for name in ["g0", "g1"] {
            world.gateways[name]?.desk.leave(at: world.now)
            for _ in 0..<100 { world.round() }
            await Task.yield()
        }
        #expect(world.queues.allSatisfy { $0 == ["g2"] } && world.processorQueue == ["g2"])
        // Now they are all alike: what one owns is shared again rather than kept for itself, and nothing is lost.
        world.gateways["g2"]?.desk.leave(at: world.now)
        for _ in 0..<100 { world.round() }
        #expect(!world.queues.contains(where: \.isEmpty) && !world.processorQueue.isEmpty)
        #expect(world.violations.isEmpty, "\(world.violations)")
    }

    @Test(
        "beside gateways that do not know about draining, one that drains gets rid of everything, once",
        arguments: 0..<6)
    func olderOnes(seed: Int) async {
        var world = OwnershipWorld(seed: UInt64(seed), count: 2, digests: ["r"])
        world.start("old", digest: "r", isNew: false)
        if seed % 2 == 0 { world.start("older", digest: "r", isNew: false) }
        for _ in 0..<100 { world.round() }
        world.gateways["g0"]?.desk.leave(at: world.now)
        for _ in 0..<100 {
            world.round()
            await Task.yield()
        }
        #expect(world.gateways["g0"]?.desk.isDrained == true, "seed \(seed): \(world.queues)")
        let moves = world.moves
        for _ in 0..<200 { world.round() }
        #expect(world.moves == moves, "seed \(seed): nothing goes back and forth")
        #expect(world.violations.isEmpty, "\(world.violations)")
    }

    @Test("the walks do hand over")
    func coverage() async {
        var handovers = 0
        for seed in UInt64(0)..<2 {
            var world = OwnershipWorld(seed: seed, count: 3, digests: ["r"])
            for _ in 0..<400 {
                world.round()
                await Task.yield()
                if Int.random(in: 0..<20, using: &world.dice) == 0 { world.fault() }
            }
            handovers += world.handovers
        }
        #expect(handovers > 10)
    }
}
