import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import ZooKeeperRecipes

/// Whoever gives a time, or is cancelled, gets an answer, whatever becomes of the servers; and what they refuse for good is
/// told and not tried for ever.
@Suite("Recipes keep to the time that they are given", .timeLimit(.minutes(5)))
struct DeadlineTests {
    /// Far longer than what is asked for, far shorter than the session and the requests.
    private static let limit = Duration.seconds(8)

    /// A client whose network loses everything while `body` runs; its session and requests would last for a minute.
    private func withLostNetwork(
        _ prepare: (ZooKeeperClient) async throws -> Void,
        _ body: @escaping @Sendable (ZooKeeperClient) async throws -> Void
    ) async throws {
        let proxy = try FaultProxy(target: try await TestTree.port(.embedded))
        defer { proxy.close() }
        try await withClient(
            port: proxy.port, chroot: TestTree.uniquePath("deadline"),
            configure: {
                $0.sessionTimeout = .seconds(60)
                $0.requestTimeout = .seconds(60)
            }
        ) { client in
            try await prepare(client)
            proxy.discard(.toServer)
            proxy.discard(.toClient)
            let isOver = Shared(false)
            let start = ContinuousClock.now
            let task = Task {
                defer { isOver.change { $0 = true } }
                try await body(client)
            }
            try await eventually("an end of it", within: Self.limit) { isOver.value }
            try await task.value
            #expect(ContinuousClock.now - start < Self.limit)
            proxy.heal()
            proxy.cut()
        }
    }

    private static func expectTimeout(_ call: () async throws -> some Sendable) async {
        let error = await #expect(throws: ZooKeeperError.self) { _ = try await call() }
        #expect(error?.code == .operationTimeout)
    }

    @Test func aLock() async throws {
        try await withLostNetwork({ _ in }) { client in
            let lock = DistributedLock(client: client, path: "/lock", identity: [], logger: TestTree.logger)
            await Self.expectTimeout { try await lock.acquire(timeout: .milliseconds(300)) }
        }
    }

    /// The node is there when the network goes.
    @Test func aLockThatIsWaitedFor() async throws {
        let holder = Shared<Lease?>(nil)
        try await withLostNetwork { client in
            let lock = DistributedLock(client: client, path: "/lock", identity: [], logger: TestTree.logger)
            let lease = try await lock.acquire()
            holder.change { $0 = lease }
        } _: { client in
            let lock = DistributedLock(client: client, path: "/lock", identity: [], logger: TestTree.logger)
            await Self.expectTimeout { try await lock.acquire(timeout: .milliseconds(300)) }
            let cancelled = Task { try await lock.acquire() }
            cancelled.cancel()
            await #expect(throws: CancellationError.self) { try await cancelled.value }
        }
    }

    /// Its limit stands in the tree.
    @Test func aSemaphore() async throws {
        try await withLostNetwork({ _ in }) { client in
            let semaphore = DistributedSemaphore(
                client: client, path: "/semaphore", limit: 2, identity: [], logger: TestTree.logger)
            await Self.expectTimeout { try await semaphore.acquire(timeout: .milliseconds(300)) }
            await Self.expectTimeout { try await semaphore.withLease(timeout: .milliseconds(300)) { _ in } }
        }
    }

    @Test func aQueue() async throws {
        try await withLostNetwork({ _ in }) { client in
            let queue = DistributedQueue(client: client, path: "/queue", identity: [], logger: TestTree.logger)
            let item = try await queue.take(timeout: .milliseconds(300))
            #expect(item == nil)
        }
    }

    /// The node is there when the network goes.
    @Test func aDoubleBarrier() async throws {
        let entering = Shared<Task<DoubleBarrier.Pass, any Error>?>(nil)
        try await withLostNetwork { client in
            let barrier = DoubleBarrier(client: client, path: "/barrier", count: 2, identity: [])
            entering.change { $0 = Task { try await barrier.enter() } }
            try await eventually("waiting") { (try? await client.getChildren("/barrier/members").count) == 1 }
        } _: { _ in
            let task = try #require(entering.value)
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test(arguments: TreeKind.allCases)
    func whatServersRefuseForGoodIsTold(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("refused")) { client in
            // Nothing can be below an ephemeral node.
            try await client.create("/here", data: nil, mode: .ephemeral)
            func expectRefusal(_ what: String, _ call: @escaping @Sendable () async throws -> some Sendable)
                async throws
            {
                let isOver = Shared(false)
                let task = Task {
                    defer { isOver.change { $0 = true } }
                    _ = try await call()
                }
                defer { task.cancel() }
                try await eventually("\(what) is told", within: Self.limit) { isOver.value }
                let error = await #expect(throws: ZooKeeperError.self) { try await task.value }
                #expect(error?.code == .noChildrenForEphemerals, "\(what)")
            }
            let (logger, path) = (TestTree.logger, "/here/below")
            try await expectRefusal("lock") {
                try await DistributedLock(client: client, path: path, identity: [], logger: logger).acquire()
            }
            try await expectRefusal("semaphore") {
                try await DistributedSemaphore(client: client, path: path, limit: 1, identity: [], logger: logger)
                    .acquire()
            }
            try await expectRefusal("election") {
                try await LeaderElection(client: client, path: path, identity: [], logger: logger).run()
            }
            try await expectRefusal("membership") {
                try await Membership(client: client, path: path, name: "me", data: [], logger: logger).run()
            }
            try await expectRefusal("queue") {
                try await DistributedQueue(client: client, path: path, identity: [], logger: logger).put([])
            }
            try await expectRefusal("barrier") {
                try await DoubleBarrier(client: client, path: path, count: 1, identity: []).enter()
            }
            try await expectRefusal("value") { try await SharedValue(client: client, path: path).read() }
        }
    }

    /// A full disk, a quota that is used up: told to whoever asks; waited for by what goes on for as long as the process.
    @Test func whatPeopleCanMendIsToldToCallersAndWaitedForByServices() async throws {
        for code in [ErrorCode.quotaExceeded, .systemError] {
            var (call, service) = (Attempt(), Attempt(.service))
            await #expect(throws: ZooKeeperError.self) { try await call.failed(ZooKeeperError(code: code)) }
            try await service.failed(ZooKeeperError(code: code))
        }
    }
}
