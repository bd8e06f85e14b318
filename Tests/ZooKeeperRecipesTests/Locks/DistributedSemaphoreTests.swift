import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@Suite("Semaphore", .timeLimit(.minutes(5)))
struct DistributedSemaphoreTests {
    private func semaphore(_ client: ZooKeeperClient, limit: Int? = 3) -> DistributedSemaphore {
        DistributedSemaphore(client: client, path: "/sem", limit: limit, identity: "me".bytes, logger: TestTree.logger)
    }

    @Test(arguments: TreeKind.allCases)
    func neverMoreThanTheLimitAndAlwaysAsManyAsCan(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("sem")) { client in
            let inside = Shared((now: 0, most: 0))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<12 {
                    group.addTask {
                        try await semaphore(client).withLease(timeout: .seconds(30)) { _ in
                            inside.change {
                                $0.now += 1
                                $0.most = max($0.most, $0.now)
                            }
                            // Until the others have come in, or nobody else is left to come.
                            for _ in 0..<40 where inside.value.most < 3 {
                                try await Task.sleep(for: .milliseconds(5))
                            }
                            inside.change { $0.now -= 1 }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(inside.value.most == 3)
            #expect(try await client.getChildren("/sem").isEmpty)
        }
    }

    @Test func anyHolderThatGoesMakesRoomForTheFirstWaiter() async throws {
        try await withClient(port: TestTree.port(.embedded), chroot: TestTree.uniquePath("sem-any")) { client in
            for victim in 0..<3 {
                let semaphore = semaphore(client)
                var held: [Lease] = []
                for _ in 0..<3 { held.append(try await semaphore.acquire(timeout: .seconds(5))) }
                let waiter = Task { try await semaphore.acquire(timeout: .seconds(10)) }
                try await eventually("queued") { try await client.getChildren("/sem").count == 4 }
                await semaphore.release(held[victim])
                let late = try await waiter.value
                #expect(late.token > held[2].token)
                await semaphore.release(late)
                for lease in held { await semaphore.release(lease) }
            }
        }
    }

    @Test func membersThatDisagreeAreRefused() async throws {
        try await withClient(port: TestTree.port(.embedded), chroot: TestTree.uniquePath("sem-limit")) { client in
            let first = try await semaphore(client, limit: 2).acquire()
            do {
                _ = try await semaphore(client, limit: 5).acquire()
                Issue.record("let in")
            } catch let error as DistributedSemaphore.LimitMismatch {
                #expect(error.inTree == 2 && error.given == 5)
            }
            try await semaphore(client, limit: nil).setLimit(5)
            let second = try await semaphore(client, limit: 5).acquire(timeout: .seconds(5))
            let third = try await semaphore(client, limit: nil).acquire(timeout: .seconds(5))
            try await client.setData("/sem", data: "many".bytes)
            await #expect(throws: DistributedSemaphore.LimitMismatch.self) {
                try await semaphore(client, limit: nil).acquire()
            }
            for lease in [first, second, third] { await semaphore(client).release(lease) }
            #expect(try await client.getChildren("/sem").isEmpty)
        }
    }

    @Test func aHolderWhoseSessionEndsMakesRoomAndAWaiterThatIsCancelledLeavesNothing() async throws {
        let port = try await TestTree.port(.embedded)
        let chroot = TestTree.uniquePath("sem-end")
        try await withClient(port: port, chroot: chroot) { client in
            let waiter: Task<Lease, any Error> = try await withClient(port: port, chroot: chroot) { victim in
                for _ in 0..<3 { _ = try await semaphore(victim).acquire() }
                let cancelled = Task { try await semaphore(client).acquire() }
                try await eventually("queued") { try await client.getChildren("/sem").count == 4 }
                let waited = await LeftInQueue.timed {
                    cancelled.cancel()
                    _ = await cancelled.result
                }
                try await LeftInQueue.expect(3, in: "/sem", client, after: waited)
                return Task { try await semaphore(client).acquire(timeout: .seconds(10)) }
            }
            await semaphore(client).release(try await waiter.value)
        }
    }
}
