import OrderedCollections
import Plant
import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@testable import Gateway

extension InATree {
    @Suite("FastTakeover in a tree (S8)", .timeLimit(.minutes(2)))
    struct FastTakeoverTests {
        @Test(
            "the first hint about a life is followed at once; a living gateway comes back, and the next hint is examined"
        )
        func falseHint() async throws {
            try await OwnershipTestBed.with { bed, group in
                let a = try await bed.gateway("a", in: &group)
                let b = try await bed.gateway("b", in: &group)
                try await eventually("the division") { a.ownedShards.count == 32 && b.ownedShards.count == 32 }
                let before = try #require(try await bed.registration("b"))
                let first = try #require(a.takeover.heard(b.hint()))
                #expect(a.takeover.heard(b.hint()) == nil, "it is being worked on")
                await a.takeover.perform(first)
                try await eventually("it registers again") {
                    try await bed.registration("b").map { $0.czxid > before.czxid } == true
                }
                try await eventually("the division again") { a.ownedShards.count == 32 && b.ownedShards.count == 32 }
                #expect(a.takeover.heard(b.hint()) == .look(b.identity.asLife, after: 0))
            }
        }

        @Test("what the look-up does not know of the dead one's candidates is removed as well", arguments: [0, 1, 3])
        func incompleteLookUp(known: Int) async throws {
            try await OwnershipTestBed.with { bed, group in
                let a = try await bed.gateway("a", in: &group)
                try await eventually("all shards") { a.ownedShards.count == 64 }
                let takeover = FastTakeover(client: bed.observer, gateway: "c", logger: bed.logger)
                let queue = try await bed.observer.getChildren(TreeLayout.shard(0)).map {
                    TreeLayout.shard(0) + "/" + $0
                }
                // The first of its candidates, none, or one that is gone already.
                let lookedUp = known == 3 ? queue + ["/shards/00/gone-0000000009"] : Array(queue.prefix(known))
                takeover.lookUp { _ in lookedUp }
                let registration = try #require(try await bed.registration("a"))
                let member = GatewayMember(
                    name: "a", life: a.identity.asLife, registration: registration.czxid, isReady: true,
                    isSettled: true, routesDigest: "r")
                takeover.membersSeen([member])
                let tokens = a.shards.owned().leases.compactMap { $0?.token }
                await takeover.perform(try #require(takeover.heard(a.hint())))
                try await eventually("every candidate is another") {
                    let now = a.shards.owned().leases.compactMap { $0?.token }
                    return now.count == 64 && Set(now).isDisjoint(with: tokens)
                }
            }
        }

        @Test("a hint about another life, or about this gateway itself, removes nothing")
        func otherLife() async throws {
            try await OwnershipTestBed.with { bed, group in
                let a = try await bed.gateway("a", in: &group)
                let b = try await bed.gateway("b", in: &group)
                try await eventually("the division") { a.ownedShards.count == 32 && b.ownedShards.count == 32 }
                let before = try #require(try await bed.registration("b"))
                var notice = b.hint()
                notice.life = "another"
                if let action = a.takeover.heard(notice) { await a.takeover.perform(action) }
                #expect(a.takeover.heard(a.hint()) == nil)
                var online = b.hint()
                online.state = .online
                #expect(a.takeover.heard(online) == nil)
                #expect(try await bed.registration("b")?.czxid == before.czxid)
            }
        }

        @Test(
            "hints about gateways that are not registered are followed, a few at once and any number after each other")
        func strangers() async throws {
            try await OwnershipTestBed.with { bed, _ in
                let takeover = FastTakeover(client: bed.observer, gateway: "a", logger: bed.logger)
                func hint(_ number: Int) -> GatewayNotice {
                    GatewayNotice(.ofThisProcess(gateway: "b\(number)", version: "1", started: 1), .offline)
                }
                for round in 1...3 {
                    let actions = (0..<FastTakeover.strangers).compactMap { takeover.heard(hint(round * 10 + $0)) }
                    #expect(actions.count == FastTakeover.strangers)
                    #expect(takeover.heard(hint(99)) == nil, "too many at once")
                    for action in actions { await takeover.perform(action) }
                }
            }
        }

        @Test(
            "a doubted hint is followed when the gateway gives no sign of life, and not when it does",
            arguments: [true, false])
        func evidence(isAlive: Bool) async throws {
            try await OwnershipTestBed.with { bed, group in
                let fake = FakeClock()
                let takeover = FastTakeover(
                    client: bed.observer, gateway: "a", clock: GatewayClock(fake), logger: bed.logger)
                var identity = GatewayIdentity.ofThisProcess(gateway: "b", version: "1", started: 1)
                identity.life = "b1"
                let record = GatewayRecord(identity: identity, isReady: true, isSettled: true, routesDigest: "r")
                let status = GatewayStatusRecord(gateway: "b", life: "b1", at: 1, broker: "", counters: [:])
                try await bed.observer.create("/status/b", data: status.serialized(), mode: .ephemeral)
                func register() async throws {
                    let stat = try await bed.observer.create("/gateways/b", data: record.serialized(), mode: .ephemeral)
                    _ = stat
                    let node = try await bed.observer.getData("/gateways/b")
                    let member = GatewayMember(
                        name: "b", data: record.serialized(), sessionID: 1, registration: node.stat.czxid)
                    takeover.membersSeen([try #require(member)])
                }
                try await register()
                let hint = GatewayNotice(identity, .offline)
                await takeover.perform(try #require(takeover.heard(hint)))
                #expect(try await bed.registration("b") == nil)
                try await register()

                let look = try #require(takeover.heard(hint))
                #expect(look == .look(identity.asLife, after: 0))
                async let done: Void = takeover.perform(look)
                // The first look comes at once, the second after the silence.
                try await eventually("the wait before the first look") { fake.sleeperCount == 1 }
                fake.advance(by: .milliseconds(1))
                try await eventually("the wait for a sign of life") { fake.sleeperCount == 1 }
                if isAlive { try await bed.observer.setData("/status/b", data: status.serialized()) }
                fake.advance(by: .milliseconds(4_500))
                await done
                let isRegistered = try await bed.registration("b") != nil
                #expect(isRegistered == isAlive)
            }
        }
    }
}
