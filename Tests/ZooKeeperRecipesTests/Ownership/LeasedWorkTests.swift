import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient

@testable import ZooKeeperRecipes

@Suite("Work under a lease", .timeLimit(.minutes(5)))
struct LeasedWorkTests {
    /// Some lease and what runs beside it.
    private func withLease(_ body: (Lease, DistributedLock) async throws -> Void) async throws {
        try await withClient(port: TestTree.port(.embedded), chroot: TestTree.uniquePath("work")) { client in
            let lock = DistributedLock(client: client, path: "/lock", identity: "me".bytes, logger: TestTree.logger)
            let lease = try await lock.acquire()
            try await body(lease, lock)
            await lock.releaseAndWait(lease)
        }
    }

    @Test func doesNotBeginUnderALeaseThatIsOver() async throws {
        try await withLease { lease, lock in
            await lock.release(lease)
            let hasBegun = Shared(false)
            await #expect(throws: LeaseLost.self) { try await lease.run { _ in hasBegun.change { $0 = true } } }
            #expect(!hasBegun.value)
        }
    }

    /// Work that never waits, but asks: it must learn of the loss and of its caller's cancellation.
    @Test func isToldOfTheLossAndOfCancellationWithoutEverWaiting() async throws {
        try await withLease { lease, lock in
            let hasBegun = Atomic<Bool>(false)
            let busy: @Sendable (Lease) async throws -> Void = { _ in
                hasBegun.store(true, ordering: .relaxed)
                let end = ContinuousClock.now + .seconds(20)
                while !Task.isCancelled, ContinuousClock.now < end {}
                #expect(Task.isCancelled)
            }
            let cancelled = Task { try await lease.run(busy) }
            try await eventually("begun") { hasBegun.load(ordering: .relaxed) }
            cancelled.cancel()
            try await cancelled.value

            hasBegun.store(false, ordering: .relaxed)
            let lost = Task { try await lease.run(busy) }
            try await eventually("begun") { hasBegun.load(ordering: .relaxed) }
            try await lease.grant.client.delete(lease.path)
            await #expect(throws: LeaseLost.self) { try await lost.value }
        }
    }

    /// Neither an event nor a tick comes while the process is stopped: the lease runs out, and the work is done before
    /// anybody hears of it.
    @Test func isNotCountedAsDoneWhenTheLeaseRanOutUnnoticed() async throws {
        let held = try HeldClient(
            port: try await TestTree.port(.embedded), chroot: TestTree.uniquePath("work-stopped"),
            sessionTimeout: .seconds(2))
        try await held.run { client in
            let lock = DistributedLock(client: client, path: "/lock", identity: "me".bytes, logger: TestTree.logger)
            let lease = try await lock.acquire()
            try await held.hold()
            await #expect(throws: LeaseLost.self) {
                try await lease.run { lease in
                    try await eventually("the lease has run out") { !lease.isValid() }
                    #expect(!Task.isCancelled)
                }
            }
            held.goOn()
            await lock.releaseAndWait(lease)
        }
    }

    @Test func mayGiveItsLeaseUpItself() async throws {
        try await withLease { lease, _ in
            let result = try await lease.run { lease in
                lease.grant.lose(.resigned)
                return 7
            }
            #expect(result == 7)
        }
    }
}
