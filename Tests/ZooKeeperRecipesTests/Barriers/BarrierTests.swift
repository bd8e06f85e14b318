import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@Suite("Barriers", .timeLimit(.minutes(5)))
struct BarrierTests {
    private func barrier(_ client: ZooKeeperClient, _ count: Int) -> DoubleBarrier {
        DoubleBarrier(client: client, path: "/barrier", count: count, identity: "me".bytes)
    }

    @Test(arguments: TreeKind.allCases)
    func aGateHoldsWhoComesUntilItIsOpened(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("gate")) { client in
            let gate = Barrier(client: client, path: "/gate")
            try await gate.wait()
            try await gate.close()
            let passed = Shared(false)
            let waiting = Task {
                try await gate.wait()
                passed.change { $0 = true }
            }
            try await Task.sleep(for: .milliseconds(50))
            #expect(!passed.value)
            try await gate.open()
            try await gate.open()
            try await waiting.value
        }
    }

    @Test(arguments: TreeKind.allCases)
    func theyEnterTogetherAndLeaveTogetherRoundAfterRound(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("double")) { client in
            let inside = Shared((now: 0, most: 0, left: 0))
            try await withThrowingTaskGroup(of: Void.self) { group in
                // Twice as many as a round takes, and each comes three times.
                for _ in 0..<6 {
                    group.addTask {
                        for _ in 0..<3 {
                            let pass = try await barrier(client, 3).enter()
                            #expect(pass.participants.count == 3 && pass.lease.isValid())
                            inside.change {
                                $0.now += 1
                                $0.most = max($0.most, $0.now)
                            }
                            await Task.yield()
                            inside.change { $0.now -= 1 }
                            try await barrier(client, 3).leave(pass)
                            inside.change { $0.left += 1 }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(inside.value.most <= 3 && inside.value.left == 18)
            #expect(try await client.getChildren("/barrier/members").isEmpty)
            #expect(try await client.getChildren("/barrier/rounds").isEmpty)
        }
    }

    /// Nobody is left to end the round.
    @Test(arguments: TreeKind.allCases)
    func theNextRoundBeginsAlsoWhenAllOfOneHaveDied(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("double-all-dead")
        try await withClient(port: port, chroot: chroot) { client in
            let next: [Task<DoubleBarrier.Pass, any Error>] = try await withClient(port: port, chroot: chroot) {
                victim in
                let doomed = (0..<2).map { _ in Task { try await barrier(victim, 2).enter() } }
                for task in doomed { _ = try await task.value }
                // Some wait already when they die, and some come afterwards.
                let next = (0..<2).map { _ in Task { try await barrier(client, 2).enter() } }
                try await eventually("they wait") { try await client.getChildren("/barrier/members").count == 4 }
                return next
            }
            let isThrough = Shared(0)
            for task in next {
                Task {
                    _ = try await task.value
                    isThrough.change { $0 += 1 }
                }
            }
            try await eventually("the next round") { isThrough.value == 2 }
            let leaving = [try await next[0].value, try await next[1].value].map { pass in
                Task { try await barrier(client, 2).leave(pass) }
            }
            for task in leaving { try await task.value }
            #expect(try await client.getChildren("/barrier/rounds").isEmpty)
        }
    }

    @Test func whoDiesWaitingIsNotCountedAndWhoDiesInsideKeepsNobody() async throws {
        let port = try await TestTree.port(.embedded)
        let chroot = TestTree.uniquePath("double-dead")
        try await withClient(port: port, chroot: chroot) { client in
            try await withClient(port: port, chroot: chroot) { victim in
                let doomed = Task { try await barrier(victim, 3).enter() }
                try await eventually("waiting") { (try? await client.getChildren("/barrier/members").count) == 1 }
                doomed.cancel()
                _ = await doomed.result
                #expect(try await client.getChildren("/barrier/members").isEmpty)
            }
            let first = Task { try await barrier(client, 3).enter() }
            let second = Task { try await barrier(client, 3).enter() }
            try await eventually("two") { (try? await client.getChildren("/barrier/members").count) == 2 }
            #expect(try await client.getChildren("/barrier/rounds").isEmpty)
            let late = try await withClient(port: port, chroot: chroot) { victim in
                try await barrier(victim, 3).enter()
            }
            // The third has died inside.
            #expect(late.participants.count == 3)
            let leaving = [try await first.value, try await second.value].map { pass in
                Task { try await barrier(client, 3).leave(pass) }
            }
            for task in leaving { try await task.value }
            #expect(try await client.getChildren("/barrier/rounds").isEmpty)
        }
    }
}
