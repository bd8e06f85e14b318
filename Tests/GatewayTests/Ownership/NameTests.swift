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
    @Suite("Two gateways with one name (B19)", .timeLimit(.minutes(2)))
    struct NameTests {
        @Test("the second one waits, connects to nothing, stands for nothing; when the first goes it takes its place")
        func waits() async throws {
            try await OwnershipTestBed.with { bed, group in
                // Another process of this machine, as far as the registration tells: it runs.
                let first = try await bed.gateway("a", life: "1", in: &group)
                try await eventually("all shards") { first.ownedShards.count == 64 }
                // From another namespace of process ids.
                var proof = try #require(HostProcess.proof)
                proof.pidNamespace = "pid:[1]"
                let second = try await bed.gateway("a", life: "2", proof: proof, in: &group)
                try await Task.sleep(for: .seconds(1))
                #expect(!second.permit.mayConnect && !second.ownership.holdsName && second.ownedShards.isEmpty)
                #expect(first.ownedShards.count == 64 && first.permit.mayConnect)
                #expect(try await bed.registration("a")?.record.identity.life == "1")
                try await bed.observer.delete("/gateways/a")
                try await eventually("one of them") { try await bed.registration("a") != nil }
                // Whoever has it now, the other one lets go.
                try await eventually("exactly one that may connect") {
                    let life = try await bed.registration("a")?.record.identity.life
                    return (life == "1") == first.permit.mayConnect && (life == "2") == second.permit.mayConnect
                }
            }
        }

        @Test("an earlier life of this machine that has certainly ended is replaced at once")
        func replaces() async throws {
            try await OwnershipTestBed.with { bed, group in
                var identity = GatewayIdentity.ofThisProcess(gateway: "a", version: "1", started: 1)
                identity.pid = 0x3FFF_FFFF
                let dead = GatewayRecord(identity: identity, isReady: true, isSettled: true, routesDigest: "r")
                try await bed.observer.create("/gateways/a", data: dead.serialized(), mode: .ephemeral)
                let start = ContinuousClock.now
                let a = try await bed.gateway("a", in: &group)
                try await eventually("the name") { a.ownership.holdsName }
                #expect(ContinuousClock.now - start < .seconds(3))
            }
        }
    }
}
