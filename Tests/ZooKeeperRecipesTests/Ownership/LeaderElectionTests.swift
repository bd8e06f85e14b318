import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@Suite("Leader election", .timeLimit(.minutes(5)))
struct LeaderElectionTests {
    @Test(arguments: TreeKind.allCases)
    func aLoneCandidateIsElectedAndHoldsALease(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("lone")) { client in
            let candidate = RunningElection(client, identity: "gateway-1")
            let lease = try await candidate.elected()
            let stat = try #require(try await client.exists(lease.path))
            #expect(lease.token == stat.czxid && lease.sessionID == client.session?.id && lease.isValid())
            #expect(try await client.getData(lease.path).data.text == "gateway-1")
            let name = try #require(lease.path.split(separator: "/").last)
            #expect(name.wholeMatch(of: /_c_[0-9a-f-]{36}-lock-\d{10}/) != nil, "\(name)")
            try await eventually("told", seen: { "\(candidate.events)" }) { candidate.events == [.elected(lease)] }

            let results = try await lease.guarded([.create(path: "/made", data: nil), .delete(path: "/made")])
            #expect(results.count == 2)
            do {
                try await lease.guarded([.setData(path: "/nowhere", data: nil)])
                Issue.record("went through")
            } catch let error as ZooKeeperError {
                #expect(error.code == .noNode && error.transactionIndex == 0)
            }
            await candidate.stop()
            #expect(try await client.getChildren("/election").isEmpty)
            #expect(!lease.isValid() && candidate.lease == nil)
            await #expect(throws: LeaseLost.self) { try await lease.guarded([]) }
        }
    }

    @Test(arguments: TreeKind.allCases)
    func theNextInTheQueueFollowsWithAGreaterToken(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("queue")
        try await withClient(port: port, chroot: chroot) { first in
            try await withClient(port: port, chroot: chroot) { second in
                let one = RunningElection(first)
                let lease = try await one.elected()
                let two = RunningElection(second)
                try await eventually("queued") { try await first.getChildren("/election").count == 2 }
                #expect(two.lease == nil)
                await one.stop()
                let next = try await two.elected()
                #expect(next.token > lease.token && next.path != lease.path)
                await two.stop()
            }
        }
    }

    @Test(arguments: TreeKind.allCases)
    func aCandidateStandsBackAndStandsAgain(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("back")
        try await withClient(port: port, chroot: chroot) { first in
            try await withClient(port: port, chroot: chroot) { second in
                let one = RunningElection(first)
                let lease = try await one.elected()
                let two = RunningElection(second)
                try await eventually("queued") { try await first.getChildren("/election").count == 2 }
                // A standby that stands back leaves the queue; the leader gives the lease up.
                two.election.setStanding(false)
                try await eventually("gone") { try await first.getChildren("/election").count == 1 }
                two.election.setStanding(true)
                try await eventually("queued again") { try await first.getChildren("/election").count == 2 }
                one.election.setStanding(false)
                one.election.setStanding(false)
                let next = try await two.elected()
                #expect(next.token > lease.token && !lease.isValid() && one.lease == nil)
                try await eventually("gone") { try await first.getChildren("/election").count == 1 }
                one.election.setStanding(true)
                try await eventually("queued again") { try await first.getChildren("/election").count == 2 }
                await two.stop()
                _ = try await one.elected()
                await one.stop()
                #expect(try await first.getChildren("/election").isEmpty)
            }
        }
    }

    @Test(arguments: TreeKind.allCases)
    func whoseNodeIsDeletedLosesAtOnceAndQueuesAgain(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("deposed")) { client in
            let candidate = RunningElection(client)
            let lease = try await candidate.elected()
            // It is told a moment after; and not at all, if the lease is gone by then.
            try await eventually("told") { candidate.events == [.elected(lease)] }
            try await client.delete(lease.path)
            // The event came before the answer to the delete.
            #expect(!lease.isValid() && lease.deadline == nil)
            await #expect(throws: LeaseLost.self) { try await lease.guarded([.create(path: "/no", data: nil)]) }
            let next = try await candidate.elected()
            #expect(next.token > lease.token)
            try await eventually("told", seen: { "\(candidate.events)" }) {
                candidate.events == [.elected(lease), .lost(.nodeDeleted), .elected(next)]
            }
            #expect(try await client.exists("/no") == nil)
            await candidate.stop()
        }
    }

    @Test(arguments: TreeKind.allCases)
    func aNodeThatSomebodyWritesToStaysOurs(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("written")) { client in
            let candidate = RunningElection(client)
            let lease = try await candidate.elected()
            try await client.setData(lease.path, data: "graffiti".bytes)
            try await eventually("valid again") { candidate.lease == lease && lease.isValid() }
            await candidate.stop()
        }
    }

    @Test(arguments: TreeKind.allCases)
    func cancellationInTheQueueLeavesNoNode(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("cancelled")) { client in
            let leader = RunningElection(client)
            _ = try await leader.elected()
            for delay in [0, 1, 2, 5, 20] {
                let candidate = RunningElection(client)
                try await Task.sleep(for: .milliseconds(delay))
                await candidate.stop()
                #expect(try await client.getChildren("/election").count == 1)
            }
            await leader.stop()
        }
    }

    @Test(arguments: TreeKind.allCases)
    func aMiddleOneThatLeavesWakesOnlyTheOneBehind(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("middle")) { client in
            let candidates = try await inOrder(4, client)
            await candidates[1].stop()
            await candidates[2].stop()
            try await Task.sleep(for: .milliseconds(50))
            #expect(candidates[3].lease == nil)
            await candidates[0].stop()
            _ = try await candidates[3].elected()
            await candidates[3].stop()
        }
    }

    private func inOrder(_ count: Int, _ client: ZooKeeperClient) async throws -> [RunningElection] {
        var candidates: [RunningElection] = []
        for number in 1...count {
            candidates.append(RunningElection(client))
            try await eventually("queued") { (try? await client.getChildren("/election").count) == number }
        }
        _ = try await candidates[0].elected()
        return candidates
    }

    @Test(arguments: TreeKind.allCases)
    func sixtyFourElectionsOfOneProcessGoOverToAnotherWhenItDies(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("shards")
        try await withClient(port: port, chroot: chroot) { survivor in
            let session = try await withClient(port: port, chroot: chroot) { victim in
                let first = (0..<64).map { RunningElection(victim, path: "/shards/\($0)") }
                for election in first { _ = try await election.elected() }
                return (first, try #require(victim.session?.id))
            }
            _ = session.1
            // The victim's session was closed by its end; its candidates stop because their client is gone.
            let second = (0..<64).map { RunningElection(survivor, path: "/shards/\($0)") }
            for election in second { _ = try await election.elected() }
            for election in second { await election.stop() }
            for election in session.0 { await election.stop() }
            for shard in 0..<64 { #expect(try await survivor.getChildren("/shards/\(shard)").isEmpty) }
        }
    }
}
