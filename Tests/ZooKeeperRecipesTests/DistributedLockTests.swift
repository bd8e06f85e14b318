import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@Suite("Lock", .timeLimit(.minutes(2)))
struct DistributedLockTests {
    private func lock(_ client: ZooKeeperClient) -> DistributedLock {
        DistributedLock(client: client, path: "/lock", identity: "me".bytes, logger: TestTree.logger)
    }

    @Test(arguments: TreeKind.allCases)
    func oneHolderAtATimeInTheOrderOfAsking(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("lock")
        try await withClient(port: port, chroot: chroot) { first in
            try await withClient(port: port, chroot: chroot) { second in
                try await first.create("/counter", data: "0".bytes)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for index in 0..<20 {
                        let client = index.isMultiple(of: 2) ? first : second
                        group.addTask {
                            try await lock(client).withLock(timeout: .seconds(30)) { lease in
                                let value = Int(try await client.getData("/counter").data.text ?? "") ?? -1
                                await Task.yield()
                                try await lease.guarded([.setData(path: "/counter", data: "\(value + 1)".bytes)])
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await first.getData("/counter").data.text == "20")
                #expect(try await first.getChildren("/lock").isEmpty)
            }
        }
    }

    @Test(arguments: TreeKind.allCases)
    func whoeverDoesNotGetItInTimeLeavesNoNode(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("timeout")) { client in
            let lease = try await lock(client).acquire()
            do {
                _ = try await lock(client).acquire(timeout: .milliseconds(200))
                Issue.record("acquired")
            } catch let error as ZooKeeperError {
                #expect(error.code == .operationTimeout)
            }
            #expect(try await client.getChildren("/lock").count == 1)
            await lock(client).release(lease)
            #expect(!lease.isValid())
            let next = try await lock(client).acquire(timeout: .seconds(5))
            #expect(next.token > lease.token)
            await lock(client).release(next)
            #expect(try await client.getChildren("/lock").isEmpty)
        }
    }

    @Test(arguments: TreeKind.allCases)
    func aWaitThatIsCancelledLeavesNoNode(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("cancel")) { client in
            let lease = try await lock(client).acquire()
            for delay in [0, 1, 5, 30] {
                let waiting = Task { try await lock(client).acquire() }
                try await Task.sleep(for: .milliseconds(delay))
                waiting.cancel()
                await #expect(throws: CancellationError.self) { try await waiting.value }
                #expect(try await client.getChildren("/lock").count == 1)
            }
            await lock(client).release(lease)
        }
    }

    @Test(arguments: TreeKind.allCases)
    func theWorkIsCancelledWhenTheLockIsLost(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("lost")) { client in
            let wasCancelled = Mutex(false)
            do {
                try await lock(client).withLock { lease in
                    defer { wasCancelled.withLock { $0 = Task.isCancelled } }
                    try await client.delete(lease.path)
                    try await Task.sleep(for: .seconds(20))
                }
                Issue.record("the work went on")
            } catch let error as LeaseLost {
                #expect(error.reason == .nodeDeleted)
            }
            #expect(wasCancelled.withLock { $0 })
            #expect(try await client.getChildren("/lock").isEmpty)
        }
    }

    @Test(arguments: TreeKind.allCases)
    func anErrorOfTheWorkComesThroughAndTheLockIsFree(_ kind: TreeKind) async throws {
        struct Mishap: Error {}
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("mishap")) { client in
            await #expect(throws: Mishap.self) { try await lock(client).withLock { _ in throw Mishap() } }
            let left = try await client.getChildren("/lock")
            #expect(left.isEmpty)
        }
    }

    /// Given up and queued for in one transaction, whose answer says less on Apache ZooKeeper.
    @Test(arguments: TreeKind.allCases)
    func takenAgainAndAgainItLeavesNothingBehind(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("again")) { client in
            let lock = DistributedLock(client: client, path: "/lock", identity: [], logger: TestTree.logger)
            var tokens: [Int64] = []
            for _ in 0..<60 {
                tokens.append(try await lock.withLock(timeout: .seconds(30)) { $0.token })
            }
            #expect(tokens == tokens.sorted() && Set(tokens).count == tokens.count)
            try await eventually("gone") { try await client.getChildren("/lock").isEmpty }
        }
    }
}
