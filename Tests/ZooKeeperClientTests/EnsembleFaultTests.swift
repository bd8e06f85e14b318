import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import ZooKeeperClient

@Suite("An ensemble of three whose members are killed, paused and cut off under load")
struct EnsembleFaultTests {
    private static let requestTimeout = Duration.seconds(5)

    /// One ensemble and one load for all faults, because servers take seconds to start.
    @Test(.timeLimit(.minutes(4)))
    func noAcknowledgedWriteIsLostNothingHangsWatchesComeBackAndOwnersStayAlone() async throws {
        let scratch = try Scratch("ensemble-faults")
        // A member that is cut off is noticed after two seconds.
        let ensemble = try ApacheEnsemble(scratch: scratch, tickMilliseconds: 500, syncLimit: 4)
        do {
            try await ensemble.waitUntilWhole()
            try await story(ensemble)
        } catch {
            print(ensemble.report)
            await ensemble.stop()
            throw error
        }
        await ensemble.stop()
        scratch.remove()
    }

    private func story(_ ensemble: ApacheEnsemble) async throws {
        // Given: writers, watchers, two candidates for one role and one lock, each with a session of its own.
        let clients = try (0..<5).map { _ in try makeClient(ensemble) }
        let (director, writing, watching) = (clients[0], clients[1], clients[2])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in clients { group.addTask { try await client.run() } }
            defer { group.cancelAll() }
            for client in clients { try await client.waitUntilConnected(timeout: .seconds(30)) }
            for path in ["/log", "/registers", "/watched", "/elected", "/locked"] {
                try await director.ensurePath(path)
            }
            let load = WriteLoad(writing, writers: 8)
            let watchers = try await WatchKeeper(watching, director: director, keys: 8)
            let owners = Owners(clients[3], clients[4])
            do {
                try await owners.waitUntilBothRoles()
                try await faults(ensemble, load, watchers, owners)
            } catch {
                let queue = (try? await director.getChildren("/lock")) ?? []
                print("lock queue \(queue); sessions \(clients.map { $0.session?.id ?? 0 })")
                print("\(ensemble.roles); \(load.report); \(watchers.report); \(owners.report)")
                await owners.stop()
                await watchers.stop()
                _ = await load.stop()
                throw error
            }
            await owners.stop()
            await watchers.stop()
            try await verify(await load.stop(), director)
            try await owners.verify(director)
        }
    }

    private func makeClient(_ ensemble: ApacheEnsemble) throws -> ZooKeeperClient {
        var configuration = try ZooKeeperClient.Configuration(connectString: ensemble.connectString)
        configuration.sessionTimeout = .seconds(4)
        configuration.requestTimeout = Self.requestTimeout
        configuration.serverTick = .milliseconds(500)
        return ZooKeeperClient(configuration: configuration, logger: TestTree.logger)
    }

    private func faults(
        _ ensemble: ApacheEnsemble, _ load: WriteLoad, _ watchers: WatchKeeper, _ owners: Owners
    ) async throws {
        for fault in Fault.allCases {
            let leader = try await ensemble.leader()
            let follower = (leader + 1) % 3
            let victim = fault.hitsLeader ? leader : follower
            switch fault {
            case .killFollower, .killLeader: await ensemble.kill9(victim)
            case .pauseLeader: ensemble.pause(victim)
            case .isolateFollower, .isolateLeader: ensemble.isolate(victim)
            }
            if fault == .isolateLeader {
                // It goes on answering reads and pings of its own clients, until it is stopped: otherwise the others
                // would go on electing it, for elections do not take the way that is cut.
                try await Task.sleep(for: .milliseconds(1500))
                ensemble.pause(victim)
            }
            if !fault.isKill {
                // Longer than the others take to notice, and than the sessions of whoever hangs on it allow.
                try await Task.sleep(for: .seconds(5))
            }
            // Two of three go on.
            try await load.progress(during: "\(fault)")
            try await watchers.changeEverything()
            switch fault {
            case .killFollower, .killLeader: try ensemble.start(victim)
            case .pauseLeader: ensemble.resume(victim)
            case .isolateFollower: ensemble.heal()
            case .isolateLeader:
                ensemble.resume(victim)
                ensemble.heal()
            }
            try await ensemble.waitUntilWhole()
            try await watchers.changeEverything()
            try await watchers.allSeen(after: "\(fault)")
            try await load.progress(during: "after \(fault)")
            try await owners.progress(after: "\(fault)")
        }
    }

    private enum Fault: CaseIterable {
        case killFollower, killLeader, pauseLeader, isolateFollower, isolateLeader

        var hitsLeader: Bool { self == .killLeader || self == .pauseLeader || self == .isolateLeader }
        var isKill: Bool { self == .killFollower || self == .killLeader }
    }

    private func verify(_ result: WriteLoad.Result, _ client: ZooKeeperClient) async throws {
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
        #expect(result.longest < Self.requestTimeout + .seconds(2), "a call took \(result.longest)")
        #expect(result.unexpected.isEmpty, "\(result.unexpected)")
        print("acknowledged \(result.acknowledged.count), unknown \(result.unknown), longest call \(result.longest)")
    }
}
