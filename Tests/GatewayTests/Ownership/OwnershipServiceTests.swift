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
    @Suite("Ownership in a tree", .timeLimit(.minutes(2)))
    struct OwnershipServiceTests {
        private let all = Set(0..<TreeLayout.shardCount)

        @Test(
            "a lone gateway registers, may connect, owns everything; its registration says when it is ready and settled"
        )
        func alone() async throws {
            try await OwnershipTestBed.with { bed, group in
                let a = try await bed.gateway("a", isLinkUp: false, in: &group)
                try await eventually("all shards") { a.ownedShards == self.all }
                #expect(a.permit.mayConnect && a.ownership.holdsName)
                #expect(try await bed.registration("a")?.record.isReady == false)
                try await eventually("the processor") { a.election.lease != nil }
                a.setLink(true)
                try await eventually("readiness") {
                    let record = try await bed.registration("a")?.record
                    return record?.isReady == true && record?.isSettled == true
                }
                #expect(a.ownedShards == self.all)
            }
        }

        @Test("a newcomer gets its share after it has settled, each shard drained before it is given up")
        func newcomer() async throws {
            try await OwnershipTestBed.with { bed, group in
                let a = try await bed.gateway("a", in: &group)
                try await eventually("all shards") { a.ownedShards == self.all }
                let b = try await bed.gateway("b", in: &group)
                try await eventually("the newcomer's share", seen: { "\(a.ownedShards.count) \(b.ownedShards.count)" })
                {
                    b.ownedShards.count == 32 && a.ownedShards.count == 32
                }
                #expect(a.ownedShards.isDisjoint(with: b.ownedShards))
                #expect(Set(a.drained.withLock { $0 }) == b.ownedShards)
                #expect(b.drained.withLock { $0 }.isEmpty)
            }
        }

        @Test(
            "S4: a gateway that does not hear its broker gives everything up within seconds, to one that does, and gets it back"
        )
        func unready() async throws {
            try await OwnershipTestBed.with { bed, group in
                let a = try await bed.gateway("a", in: &group)
                try await eventually("the processor") { a.election.lease != nil }
                let b = try await bed.gateway("b", in: &group)
                try await eventually("the division") { b.ownedShards.count == 32 && a.ownedShards.count == 32 }
                let lost = ContinuousClock.now
                a.setLink(false)
                try await eventually("the other's ownership", seen: { "\(a.ownedShards.count) \(b.ownedShards.count)" })
                {
                    b.ownedShards == self.all && a.ownedShards.isEmpty && b.election.lease != nil
                        && a.election.lease == nil
                }
                let time = ContinuousClock.now - lost
                #expect(time > .milliseconds(1_900) && time < .milliseconds(3_500), "\(time)")
                a.setLink(true)
                try await eventually("the division again") { b.ownedShards.count == 32 && a.ownedShards.count == 32 }
                // Neither hears: both keep what they have.
                a.setLink(false)
                b.setLink(false)
                try await eventually("nobody ready") {
                    let (first, second) = try await (bed.registration("a"), bed.registration("b"))
                    return first?.record.isReady == false && second?.record.isReady == false
                }
                #expect(a.ownedShards.count == 32 && b.ownedShards.count == 32)
            }
        }

        @Test("S4: a gateway that has never heard its broker owns nothing beside one that does")
        func neverReady() async throws {
            try await OwnershipTestBed.with { bed, group in
                let a = try await bed.gateway("a", isLinkUp: false, in: &group)
                try await eventually("all shards, for want of another") { a.ownedShards == self.all }
                let b = try await bed.gateway("b", in: &group)
                try await eventually("the other's ownership", seen: { "\(a.ownedShards.count) \(b.ownedShards.count)" })
                {
                    b.ownedShards == self.all && b.election.lease != nil
                }
            }
        }

        @Test("gateways with other routes stand by")
        func otherRoutes() async throws {
            try await OwnershipTestBed.with { bed, group in
                let a = try await bed.gateway("a", in: &group)
                try await eventually("all shards") { a.ownedShards == self.all }
                let b = try await bed.gateway("b", routes: "others", in: &group)
                try await eventually("readiness") { try await bed.registration("b")?.record.isSettled == true }
                try await Task.sleep(for: .milliseconds(500))
                #expect(a.ownedShards == self.all && b.ownedShards.isEmpty)
            }
        }

        @Test("S3: nodes that no gateway keeps get nothing")
        func ghosts() async throws {
            try await OwnershipTestBed.with { bed, group in
                try await bed.observer.create("/gateways/x", data: [], mode: .persistent)
                try await bed.observer.create("/gateways/y", data: Array("{}".utf8), mode: .ephemeral)
                let copied = GatewayRecord(
                    identity: GatewayIdentity(gateway: "z", host: "h", pid: 1, version: "1", started: 1), isReady: true,
                    isSettled: true, routesDigest: "r")
                try await bed.observer.create("/gateways/z", data: copied.serialized(), mode: .persistent)
                let a = try await bed.gateway("a", in: &group)
                try await eventually("all shards") { a.ownedShards == self.all }
            }
        }

        @Test("an older gateway that registers and takes nothing leaves no shard without an owner for long")
        func silentMember() async throws {
            try await OwnershipTestBed.with { bed, group in
                let data = #"{"gateway":"o","host":"h","pid":1,"version":"0","started":1,"broker":"connected"}"#
                try await bed.observer.create("/gateways/o", data: Array(data.utf8), mode: .ephemeral)
                let a = try await bed.gateway("a", in: &group)
                try await eventually("its own share") { a.ownedShards.count == 32 }
                try await eventually("the rest as well") { a.ownedShards == self.all }
            }
        }

        @Test(
            "a gateway that leaves hands shards and alarms over, drained, stays registered, and takes its share again")
        func leaving() async throws {
            try await OwnershipTestBed.with { bed, group in
                let a = try await bed.gateway("a", in: &group)
                try await eventually("the processor") { a.election.lease != nil }
                let b = try await bed.gateway("b", in: &group)
                try await eventually("the division") { b.ownedShards.count == 32 && a.ownedShards.count == 32 }
                let share = a.ownedShards
                a.ownership.leave()
                try await eventually("the other's ownership", seen: { "\(a.ownedShards.count) \(b.ownedShards.count)" })
                {
                    b.ownedShards == self.all && a.ownedShards.isEmpty && b.election.lease != nil
                        && a.election.lease == nil && a.ownership.departure.isDrained
                }
                #expect(Set(a.drained.withLock { $0 }).isSuperset(of: share))
                let record = try await bed.registration("a")?.record
                #expect(record?.isDraining == true && record?.isReady == true && a.permit.mayConnect)
                // A registration that is made again says so as well.
                try await bed.observer.delete("/gateways/a")
                try await eventually("the registration") { try await bed.registration("a")?.record.isDraining == true }
                a.ownership.stay()
                try await eventually("the division again") { b.ownedShards.count == 32 && a.ownedShards == share }
                #expect(try await bed.registration("a")?.record.isDraining == false)
                #expect(b.election.lease != nil && a.election.lease == nil, "the alarms stay where they are")
            }
        }

        @Test("shares follow the weights")
        func weights() async throws {
            try await OwnershipTestBed.with { bed, group in
                let a = try await bed.gateway("a", in: &group)
                try await eventually("all shards") { a.ownedShards == self.all }
                let b = try await bed.gateway("b", weight: 3, in: &group)
                try await eventually("the division") { b.ownedShards.count == 48 && a.ownedShards.count == 16 }
            }
        }

        @Test("a registration that somebody deletes is made again, as it was, and the shards stay")
        func registrationDeleted() async throws {
            try await OwnershipTestBed.with { bed, group in
                let a = try await bed.gateway("a", in: &group)
                try await eventually("all shards") { a.ownedShards == self.all }
                try await eventually("readiness") { try await bed.registration("a")?.record.isSettled == true }
                let before = try #require(try await bed.registration("a"))
                try await bed.observer.delete("/gateways/a")
                try await eventually("the registration") {
                    guard let now = try await bed.registration("a") else { return false }
                    return now.czxid > before.czxid && now.record == before.record
                }
                try await eventually("all shards still") { a.ownedShards == self.all }
            }
        }
    }
}
