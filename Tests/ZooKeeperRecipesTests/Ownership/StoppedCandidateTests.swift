import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import ZooKeeperRecipes

/// Whoever is stopped for longer than its session finds, when it goes on, what the server said before: its turn has come,
/// the node is its own. By then somebody else has been let in.
@Suite("Candidates that are stopped for longer than their session", .timeLimit(.minutes(5)))
struct StoppedCandidateTests {
    /// The event that makes it the first in the queue waits in the socket.
    @Test(arguments: TreeKind.allCases)
    func oldEventsLetNobodyIn(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("stopped")
        try await withClient(port: port, chroot: chroot) { other in
            let lock = DistributedLock(client: other, path: "/lock", identity: [], logger: TestTree.logger)
            let first = try await lock.acquire(timeout: .seconds(10))
            let stopped = try HeldClient(port: port, chroot: chroot, sessionTimeout: .seconds(2))
            try await stopped.run { client in
                let begun = Shared<[Int64]>([])
                let waiting = Task {
                    try await DistributedLock(client: client, path: "/lock", identity: [], logger: TestTree.logger)
                        .withLock { lease in
                            begun.change { $0.append(lease.token) }
                            #expect(lease.isValid())
                        }
                }
                // The holder's node and its own.
                try await stopped.watches(2)
                try await stopped.hold()
                await lock.releaseAndWait(first)
                try await eventually("its session has ended") { try await other.getChildren("/lock").isEmpty }
                let second = try await lock.acquire(timeout: .seconds(10))
                stopped.goOn()
                try await eventually("queues again", seen: { "\(begun.value)" }) {
                    try await other.getChildren("/lock").count == 2
                }
                #expect(begun.value.isEmpty)
                await lock.release(second)
                try await waiting.value
                #expect(begun.value.count == 1 && begun.value.allSatisfy { $0 > second.token })
            }
        }
    }

    /// The answer that says that the node is there and its own waits in the socket.
    @Test(arguments: TreeKind.allCases)
    func oldAnswersLetNobodyIn(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("stopped-asking")
        let proxy = try FaultProxy(target: port)
        defer { proxy.close() }
        try await withClient(port: port, chroot: chroot) { other in
            try await other.ensurePath("/lock")
            // It gives the connection up after two thirds of that, and would be found without a request then.
            let stopped = try HeldClient(port: proxy.port, chroot: chroot, sessionTimeout: .seconds(5))
            try await stopped.run { client in
                let candidacy = Candidacy(client: client, parent: "/lock", identity: [], kind: "lock-")
                let entry = try await candidacy.enter()
                proxy.hold(.toClient)
                let waiting = Task { try await candidacy.waitForTurn(entry) }
                try await stopped.sent(.getData)
                try await stopped.hold()
                proxy.release(.toClient)
                try await eventually("its session has ended") { try await other.getChildren("/lock").isEmpty }
                let lock = DistributedLock(client: other, path: "/lock", identity: [], logger: TestTree.logger)
                let second = try await lock.acquire(timeout: .seconds(10))
                stopped.goOn()
                // It is told of the session's end, or misses its node, whichever it hears of first.
                await #expect(throws: Candidacy.Displaced.self) { try await waiting.value }
                #expect(second.isValid())
                await lock.release(second)
            }
        }
    }

    /// The listing shows its node at the head of the queue; then the node goes, with nobody watching it yet, and the
    /// session is proved anew before the candidate looks at the listing.
    @Test(arguments: TreeKind.allCases)
    func whatWasProvedAfterTheListingIsNotBelieved(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("late-proof")) { client in
            try await client.ensurePath("/lock")
            let candidacy = Candidacy(client: client, parent: "/lock", identity: [], kind: "lock-")
            var entry = try await candidacy.enter()
            let proved = try #require(client.leaseDeadline)
            try await client.delete(entry.node.path)
            try await eventually("proved anew") {
                try await client.sync("/lock")
                return client.leaseDeadline.map { $0 > proved } ?? false
            }
            let lease = try await candidacy.waitForTurn(entry, arming: LateArming())
            let reach = try #require(lease.grant.unwatchedDeadline)
            #expect(reach <= proved, "\(reach - proved) too far")

            // Where too little of what was proved is left, the node is looked at again.
            entry.queue?.deadline = .now
            await #expect(throws: Candidacy.Displaced.self) {
                try await candidacy.waitForTurn(entry, arming: LateArming())
            }
        }
    }
}
