import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import ZooKeeperClient

/// Writers, watchers and two candidates for one role and one lock, each with a session of its own, on an ensemble of three
/// to which something is done. What was acknowledged, how long calls took, what watches told and who owned what when is
/// judged at the end.
struct EnsembleStory {
    static let requestTimeout = Duration.seconds(5)

    let ensemble: ApacheEnsemble
    let load: WriteLoad
    let watchers: WatchKeeper
    let owners: Owners

    /// Runs `faults` on an ensemble, which is stopped at the end.
    static func tell(
        on ensemble: ApacheEnsemble, _ faults: (EnsembleStory) async throws -> Void
    ) async throws {
        do {
            try await ensemble.waitUntilWhole()
            try await play(ensemble, faults)
        } catch {
            print(ensemble.report)
            await ensemble.stop()
            throw error
        }
        await ensemble.stop()
    }

    private static func play(
        _ ensemble: ApacheEnsemble, _ faults: (EnsembleStory) async throws -> Void
    ) async throws {
        let clients = try (0..<5).map { _ in try makeClient(ensemble) }
        let (director, writing, watching) = (clients[0], clients[1], clients[2])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in clients { group.addTask { try await client.run() } }
            defer { group.cancelAll() }
            for client in clients { try await client.waitUntilConnected(timeout: .seconds(30)) }
            for path in ["/log", "/registers", "/watched", "/elected", "/locked"] {
                try await director.ensurePath(path)
            }
            let story = EnsembleStory(
                ensemble: ensemble, load: WriteLoad(writing, writers: 8),
                watchers: try await WatchKeeper(watching, director: director, keys: 8),
                owners: Owners(clients[3], clients[4]))
            do {
                try await story.owners.waitUntilBothRoles()
                try await faults(story)
            } catch {
                let queue = (try? await director.getChildren("/lock")) ?? []
                print("lock queue \(queue); sessions \(clients.map { $0.session?.id ?? 0 })")
                print(story.report)
                await story.owners.stop()
                await story.watchers.stop()
                _ = await story.load.stop()
                throw error
            }
            await story.owners.stop()
            await story.watchers.stop()
            try await verify(await story.load.stop(), director)
            try await story.owners.verify(director)
        }
    }

    private static func makeClient(_ ensemble: ApacheEnsemble) throws -> ZooKeeperClient {
        var configuration = try ZooKeeperClient.Configuration(connectString: ensemble.connectString)
        configuration.sessionTimeout = .seconds(4)
        configuration.requestTimeout = requestTimeout
        configuration.serverTick = .milliseconds(500)
        return ZooKeeperClient(configuration: configuration, logger: TestTree.logger)
    }

    var report: String { "\(ensemble.roles); \(load.report); \(watchers.report); \(owners.report)" }

    /// What must hold while two of three can go on: writes go through, and nodes can be changed.
    func goesOn(during fault: String) async throws {
        try await load.progress(during: fault)
        try await watchers.changeEverything()
    }

    /// What must hold when nothing stands in the way any more.
    func isWhole(after fault: String) async throws {
        try await ensemble.waitUntilWhole()
        try await watchers.changeEverything()
        try await watchers.allSeen("after \(fault)")
        try await load.progress(during: "after \(fault)")
        try await owners.progress(after: fault)
    }

    private static func verify(_ result: WriteLoad.Result, _ client: ZooKeeperClient) async throws {
        try await client.sync()
        let present = Set(try await client.getChildren("/log"))
        let lost = result.acknowledged.subtracting(present)
        #expect(lost.isEmpty, "acknowledged and lost: \(lost.sorted())")
        #expect(present.isSubset(of: result.attempted))
        for (register, value) in result.registers {
            let found = Int(try await client.getData("/registers/\(register)").data.text ?? "") ?? -1
            #expect(found >= value, "register \(register): acknowledged \(value), found \(found)")
        }
        #expect(result.violations.isEmpty, "\(result.violations)")
        // The rest is what a machine with other things to do may add.
        #expect(result.longest < requestTimeout + .seconds(2), "a call took \(result.longest)")
        #expect(result.unexpected.isEmpty, "\(result.unexpected)")
        print("acknowledged \(result.acknowledged.count), unknown \(result.unknown), longest call \(result.longest)")
    }
}
