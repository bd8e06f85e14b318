import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperRecipes

@Suite("Giving something up while the servers are away", .timeLimit(.minutes(5)))
struct ReleaseFaultTests {
    /// A restarted server grants every session its whole timeout anew: the holder's session outlives the outage, so its
    /// node would stay, and block everybody, if the holder had given up removing it.
    @Test(arguments: TreeKind.allCases)
    func aLockReleasedDuringALongOutageIsFreeAfterwards(_ kind: TreeKind) async throws {
        let server = try await OwnTree(kind, tick: .milliseconds(200))
        do {
            try await release(during: server, kind)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
        server.remove()
    }

    private func release(during server: OwnTree, _ kind: TreeKind) async throws {
        try await withClient(port: server.port, configure: { $0.sessionTimeout = .seconds(2) }) { holder in
            let session = try #require(holder.session?.id)
            let lock = DistributedLock(client: holder, path: "/lock", identity: "me".bytes, logger: TestTree.logger)
            let lease = try await lock.acquire(timeout: .seconds(10))
            await server.stop()
            try await eventually("cut off") { !holder.isConnected }
            let start = ContinuousClock.now
            await lock.releaseAndWait(lease)
            // It does not wait for servers that may never come back.
            let waited = ContinuousClock.now - start
            #expect(waited >= .milliseconds(1500) && waited < .seconds(8), "\(waited)")
            try await server.start()
            try await holder.waitUntilConnected(timeout: .seconds(20))
            // On a loaded machine Apache may be too busy with its start to take it up in time.
            if kind == .embedded { #expect(holder.session?.id == session) }
            try await eventually("the node is gone", within: .seconds(10)) {
                (try? await holder.getChildren("/lock"))?.isEmpty == true
            }
        }
    }

    /// Whoever does not wait for the release need not wait for the servers either, and it is carried out all the same.
    @Test func aReleaseOnItsWayOutlivesAnOutage() async throws {
        let server = try await OwnTree(.embedded, tick: .milliseconds(200))
        do {
            try await withClient(port: server.port, configure: { $0.sessionTimeout = .seconds(4) }) { holder in
                let lock = DistributedLock(client: holder, path: "/lock", identity: "me".bytes, logger: TestTree.logger)
                let lease = try await lock.acquire(timeout: .seconds(10))
                await server.stop()
                try await eventually("cut off") { !holder.isConnected }
                await lock.release(lease)
                #expect(!lease.isValid())
                try await server.start()
                try await holder.waitUntilConnected(timeout: .seconds(20))
                try await eventually("the node is gone", within: .seconds(10)) {
                    (try? await holder.getChildren("/lock"))?.isEmpty == true
                }
                let next = try await lock.acquire(timeout: .seconds(10))
                #expect(next.token > lease.token)
            }
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
        server.remove()
    }

    /// The request, or its answer, goes lost together with the connection; the session does not.
    @Test(arguments: TreeKind.allCases, [FaultProxy.Direction.toServer, .toClient])
    func aReleaseThatGoesLostIsRepeated(_ kind: TreeKind, _ lost: FaultProxy.Direction) async throws {
        let port = try await TestTree.port(kind)
        let proxy = try FaultProxy(target: port)
        defer { proxy.close() }
        let chroot = TestTree.uniquePath("lost-release")
        try await withClient(port: port, chroot: chroot) { other in
            try await withClient(
                port: proxy.port, chroot: chroot, configure: { $0.sessionTimeout = .seconds(10) }
            ) { holder in
                let session = try #require(holder.session?.id)
                let lock = DistributedLock(client: holder, path: "/lock", identity: [], logger: TestTree.logger)
                let lease = try await lock.acquire(timeout: .seconds(10))
                async let next = DistributedLock(client: other, path: "/lock", identity: [], logger: TestTree.logger)
                    .acquire(timeout: .seconds(30))
                try await eventually("in the queue") { try await other.getChildren("/lock").count == 2 }
                proxy.discard(lost)
                await lock.release(lease)
                if lost == .toClient {
                    try await eventually("carried out") { try await other.getChildren("/lock").count == 1 }
                } else {
                    try await Task.sleep(for: .milliseconds(50))
                    #expect(try await other.getChildren("/lock").count == 2)
                }
                proxy.cut()
                proxy.heal()
                let successor = try await next
                #expect(successor.token > lease.token && successor.isValid())
                #expect(holder.session?.id == session)
            }
        }
    }
}
