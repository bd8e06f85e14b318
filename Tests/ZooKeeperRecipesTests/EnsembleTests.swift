import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@Suite("Recipes on an ensemble of three whose servers are killed and cut off", .serialized, .timeLimit(.minutes(4)))
struct EnsembleTests {
    @Test func theLeadershipOutlivesTheLossOfAnyServer() async throws {
        let scratch = try Scratch("ensemble")
        let ensemble = try ApacheEnsemble(scratch: scratch)
        var configuration = try ZooKeeperClient.Configuration(connectString: ensemble.connectString + "/plant")
        configuration.sessionTimeout = .seconds(10)
        configuration.serverTick = .milliseconds(500)
        let client = ZooKeeperClient(configuration: configuration, logger: TestTree.logger)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await client.run() }
                defer { group.cancelAll() }
                try await client.waitUntilConnected(timeout: .seconds(60))
                try await client.ensureChroot()
                let session = try #require(client.session)
                let candidate = RunningElection(client)
                let lease = try await candidate.elected(within: .seconds(30))
                for index in 0..<3 {
                    await ensemble.kill9(index)
                    // Whether it was ours, the leader, or neither: writes go through again, within the same session.
                    try await eventually("writes go through", within: .seconds(60), seen: { "\(client.state)" }) {
                        do {
                            try await lease.guarded([.create(path: "/after-", data: nil, mode: .persistentSequential)])
                            return true
                        } catch let lost as LeaseLost where lost.reason == .deadlinePassed {
                            return false
                        } catch let error as ZooKeeperError where error.isOutcomeUnknown {
                            return false
                        }
                    }
                    #expect(client.session?.id == session.id && candidate.lease == lease)
                    try ensemble.start(index)
                    // The next one may fall only when this one has joined again.
                    try await withClient(port: ensemble.port(index)) { try await $0.sync() }
                }
                await candidate.stop()
            }
        } catch {
            await ensemble.stop()
            throw error
        }
        await ensemble.stop()
        scratch.remove()
    }
}
