import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperRecipes

@Suite("Giving something up while the servers are away", .timeLimit(.minutes(2)))
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
            await lock.release(lease)
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
}
