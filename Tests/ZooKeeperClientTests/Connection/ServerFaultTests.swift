import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import ZooKeeperClient

@Suite("Server faults, on a real ZooKeeper of the test's own")
struct ServerFaultTests {
    @Test func aKilledAndRestartedServerKeepsTheSessionAndItsNodes() async throws {
        try await TestTree.withOwnServer(tick: .seconds(2)) { server in
            // Starting again must not outlast the session, on whatever machine.
            try await withClient(port: server.port, configure: { $0.sessionTimeout = .seconds(40) }) { client in
                let session = try #require(client.session)
                try await client.create("/mine", data: nil, mode: .ephemeral)
                let (_, watch) = try await client.getDataAndWatch("/mine")
                await server.kill9()
                try await eventually("cut off", seen: { "\(client.state)" }) { !client.isConnected }
                try await server.start()
                try await client.waitUntilConnected(timeout: .seconds(40))
                #expect(client.session?.id == session.id)
                #expect(try await client.exists("/mine")?.ephemeralOwner == session.id)
                #expect(!watch.hasFired)
                try await client.delete("/mine")
                #expect(try await type(watch) == .nodeDeleted)
            }
        }
    }

    @Test func deadlinesFireWhileTheServerIsStopped() async throws {
        try await TestTree.withOwnServer { server in
            try await withClient(port: server.port, configure: { $0.requestTimeout = .milliseconds(500) }) { client in
                server.pause()
                let start = ContinuousClock.now
                await expect(.operationTimeout) { try await client.setData("/", data: nil) }
                #expect(ContinuousClock.now - start < .seconds(5))
                server.resume()
                try await eventually("answers again", within: .seconds(20)) { (try? await client.exists("/")) != nil }
            }
        }
    }

    @Test func aSessionThatTheServerDoesNotKnowIsReplaced() async throws {
        let server = try await TestTree.shared()
        let stranger = SessionCredentials(id: 12345, password: [UInt8](repeating: 1, count: 16))
        try await withClient(port: server.port, configure: { $0.resume = stranger }) { client in
            try await client.sync()
            #expect(client.session?.id != 12345)
        }
    }
}
