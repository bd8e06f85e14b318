import Primitives
import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@Suite("Lock", .timeLimit(.minutes(5)))
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
                // A release is on its way when it returns; those of the other client are not answered before our listing.
                try await eventually("free") { try await first.getChildren("/lock").isEmpty }
            }
        }
    }

    @Test(arguments: TreeKind.allCases)
    func whoeverDoesNotGetItInTimeLeavesNoNode(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("timeout")) { client in
            let lease = try await lock(client).acquire()
            let waited = try await LeftInQueue.timed {
                do {
                    _ = try await lock(client).acquire(timeout: .milliseconds(200))
                    Issue.record("acquired")
                } catch let error as ZooKeeperError {
                    #expect(error.code == .operationTimeout)
                }
            }
            try await LeftInQueue.expect(1, in: "/lock", client, after: waited)
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
                let waited = await LeftInQueue.timed {
                    waiting.cancel()
                    await #expect(throws: CancellationError.self) { try await waiting.value }
                }
                try await LeftInQueue.expect(1, in: "/lock", client, after: waited)
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

    /// The release and the next request of the same client travel together; who has waited comes first all the same.
    @Test(arguments: TreeKind.allCases)
    func whoTakesItAgainAtOnceStandsBehindThoseWhoWait(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("again")
        try await withClient(port: port, chroot: chroot) { first in
            try await withClient(port: port, chroot: chroot) { second in
                let lease = try await lock(first).acquire()
                async let waiting = lock(second).acquire(timeout: .seconds(30))
                try await eventually("in the queue") { try await first.getChildren("/lock").count == 2 }
                await lock(first).release(lease)
                let again = Task { try await lock(first).acquire(timeout: .seconds(30)) }
                let next = try await waiting
                #expect(next.token > lease.token)
                try await eventually("in the queue again") { try await first.getChildren("/lock").count == 2 }
                await lock(second).release(next)
                let last = try await again.value
                #expect(last.token > next.token)
                await lock(first).releaseAndWait(last)
                #expect(try await first.getChildren("/lock").isEmpty)
            }
        }
    }

    /// The one in between gives up: that is no turn for those behind it.
    @Test(arguments: TreeKind.allCases)
    func whoGivesUpLetsNobodyIn(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("give-up")) { client in
            let holder = try await lock(client).acquire()
            var waiting: [Task<Lease, any Error>] = []
            for count in 2...5 {
                waiting.append(Task { try await lock(client).acquire(timeout: .seconds(30)) })
                try await eventually("in the queue") { try await client.getChildren("/lock").count == count }
            }
            let entered = Shared(false)
            let last = waiting[3]
            let watching = Task {
                _ = try await last.value
                entered.change { $0 = true }
            }
            for index in [2, 0, 1] {
                waiting[index].cancel()
                await #expect(throws: CancellationError.self) { try await waiting[index].value }
            }
            try await client.sync("/lock")
            try await Task.sleep(for: .milliseconds(50))
            #expect(!entered.value)
            await lock(client).release(holder)
            let lease = try await last.value
            try await watching.value
            #expect(lease.token > holder.token)
        }
    }

    /// Seeded: takers come, hold, give up and are cancelled; never two at a time, and nothing stays behind.
    @Test(arguments: [3, 4, 5] as [UInt64])
    func neverTwoAtATime(_ seed: UInt64) async throws {
        let port = try await TestTree.port(.embedded)
        let chroot = TestTree.uniquePath("crowd")
        let holders = Shared((now: 0, most: 0, turns: 0))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for taker in 0..<5 {
                group.addTask {
                    var random = SeededRandom(seed: seed * 100 + UInt64(taker))
                    let patience = (0..<40).map { _ in Int.random(in: 0...12, using: &random) }
                    let stay = (0..<40).map { _ in Int.random(in: 0...3, using: &random) }
                    try await withClient(port: port, chroot: chroot) { client in
                        let lock = lock(client)
                        for round in 0..<40 {
                            let turn = Task {
                                try await lock.withLock { lease in
                                    holders.change {
                                        $0.now += 1
                                        $0.most = max($0.most, $0.now)
                                        $0.turns += 1
                                    }
                                    defer { holders.change { $0.now -= 1 } }
                                    if stay[round] > 0 { try? await Task.sleep(for: .milliseconds(stay[round])) }
                                    #expect(lease.isValid())
                                }
                            }
                            if patience[round] < 10 {
                                try await Task.sleep(for: .milliseconds(patience[round]))
                                turn.cancel()
                            }
                            do { try await turn.value } catch is CancellationError {}
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(holders.value.most == 1 && holders.value.turns > 0, "seed \(seed): \(holders.value)")
        try await withClient(port: port, chroot: chroot) { client in
            try await eventually("gone") { try await client.getChildren("/lock").isEmpty }
        }
    }

    /// Only what is held for a while gets a watch of its own; the loss of it is told all the same.
    @Test func aLeaseGrantedWithoutAWatchGetsOne() async throws {
        try await withClient(port: TestTree.port(.embedded), chroot: TestTree.uniquePath("late")) { client in
            let lease = try await lock(client).acquire()
            try await client.delete(lease.path)
            try await eventually("told") { !lease.isValid() }
        }
    }

    /// An operator deletes the queue with everybody in it: they queue again.
    @Test(arguments: TreeKind.allCases)
    func whoWaitsGetsItAlsoWhenTheWholeQueueIsDeleted(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("swept")
        try await withClient(port: port, chroot: chroot) { client in
            let holder = try await lock(client).acquire()
            try await withClient(port: port, chroot: chroot) { other in
                let waiting = (0..<2).map { _ in Task { try await lock(other).withLock { $0 } } }
                try await eventually("they wait") { try await client.getChildren("/lock").count == 3 }
                // In one transaction, so that nobody finds the parent in time.
                let names = try await client.getChildren("/lock")
                try await client.transaction(
                    names.map { .delete(path: "/lock/" + $0) } + [.delete(path: "/lock")])
                let leases = try await (waiting[0].value, waiting[1].value)
                #expect(leases.0.token > holder.token && leases.1.token > holder.token)
            }
            try await eventually("told") { !holder.isValid() }
        }
    }
}
