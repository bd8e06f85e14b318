import Foundation
import Logging
import Primitives
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

extension ServerFaultTests {
    /// Given: four candidates of an election and three contenders for a lock, each behind a proxy of its own, who go on
    /// writing in the name of leases that they have lost.
    /// The fault: the server is killed and paused, connections are cut and held back for longer than a session lasts.
    /// What must hold: the tokens in the tree's record never go back, and nobody takes itself for the owner while somebody
    /// else does.
    @Test(.timeLimit(.minutes(10))) func atMostOneOwnerByToken() async throws {
        let seed = TestSeed.value(for: "leases")
        var random = SeededRandom(seed: seed)
        let scratch = try Scratch("leases")
        let server = try await TreeServer(
            program: LinekeeperProgram(), scratch: scratch, tick: .milliseconds(100),
            options: ["--log-level", "warning"])
        let roles = ["election", "lock"]
        let records = [LeaseRecord(), LeaseRecord()]
        let isOver = Flag()
        let owners = Collected<Owner>()
        let proxies = try (0..<7).map { _ in try FaultProxy(target: server.port) }
        let nemesis = Nemesis(server: server, proxies: proxies, longestPause: .milliseconds(1_500))
        do {
            try await withClient(port: server.port) { client in
                for role in roles { _ = try await client.create(Owner.path(of: role), data: Array("0".utf8)) }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (number, proxy) in proxies.enumerated() {
                    let role = number < 4 ? 0 : 1
                    group.addTask {
                        try await withClient(port: proxy.port, configure: Self.impatient) { client in
                            let owner = Owner(
                                role: roles[role], client: client, proxy: proxy, record: records[role])
                            owners.append(owner)
                            if role == 0 {
                                try await Self.stand(owner, until: isOver)
                            } else {
                                try await Self.lock(owner, seed: seed &+ UInt64(number), until: isOver)
                            }
                        }
                    }
                }
                group.addTask {
                    try await onThread {
                        while !isOver.isSet {
                            owners.all.forEach { $0.look() }
                            usleep(300)
                        }
                    }
                }
                // Whoever owns something is cut off until its session ends, again and again.
                group.addTask {
                    var random = SeededRandom(seed: seed &+ 100)
                    while !isOver.isSet {
                        let owner = owners.all.shuffled(using: &random).first { $0.isOwner }
                        if let owner {
                            owner.proxy.hold(.toServer)
                            try? await Task.sleep(for: .milliseconds(Int.random(in: 500...1_000, using: &random)))
                            if Bool.random(using: &random) { owner.proxy.cut() }
                            owner.proxy.heal()
                        }
                        try? await Task.sleep(for: .milliseconds(Int.random(in: 0...300, using: &random)))
                    }
                }
                defer { group.cancelAll() }
                let end = ContinuousClock.now + (TestSeed.isLong ? .seconds(120) : .seconds(20))
                while ContinuousClock.now < end {
                    // Seldom enough for sessions to end in between: a server that starts gives them all their time anew.
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0...2_000, using: &random)))
                    try await nemesis.harm(Nemesis.Harm.allCases.randomElement(using: &random) ?? .kill, using: &random)
                }
                isOver.set()
                try await group.waitForAll()
            }
            for (role, record) in zip(roles, records) { try await Self.judge(role, record, port: server.port) }
        } catch {
            print(server.process?.report() ?? "")
            await server.stop()
            throw error
        }
        await server.stop()
        proxies.forEach { $0.close() }
        scratch.remove()
    }

    /// Sessions as short as the server allows make for many changes of owner.
    private static let impatient: @Sendable (inout ZooKeeperClient.Configuration) -> Void = {
        $0.sessionTimeout = .milliseconds(500)
        $0.requestTimeout = .seconds(1)
    }

    private static func stand(_ owner: Owner, until isOver: Flag) async throws {
        let election = LeaderElection(
            client: owner.client, path: "/election", identity: [], logger: TestTree.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await election.run() }
            group.addTask {
                for await event in election.events() {
                    if case .elected(let lease) = event { owner.got(lease) }
                }
            }
            group.addTask { try await owner.write { isOver.isSet } }
            while !isOver.isSet { try await Task.sleep(for: .milliseconds(10)) }
            group.cancelAll()
        }
    }

    private static func lock(_ owner: Owner, seed: UInt64, until isOver: Flag) async throws {
        let lock = DistributedLock(client: owner.client, path: "/lock", identity: [], logger: TestTree.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await owner.write { isOver.isSet } }
            group.addTask {
                var random = SeededRandom(seed: seed)
                while !isOver.isSet {
                    let tenure = Duration.milliseconds(Int.random(in: 1...150, using: &random))
                    do {
                        try await lock.withLock(timeout: .seconds(2)) { lease in
                            owner.got(lease)
                            try await Task.sleep(for: tenure)
                        }
                    } catch is LeaseLost {
                    } catch let error as ZooKeeperError where error.code != .clientClosed {
                        // Nobody got through for so long; try again.
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Holds the record in the tree against what the owners know.
    private static func judge(_ role: String, _ record: LeaseRecord, port: Int) async throws {
        let entries = try await withClient(port: port) { client in
            let path = Owner.path(of: role)
            var entries: [(zxid: Int64, token: Int64)] = []
            var names = try await client.getChildren(path)[...]
            while !names.isEmpty {
                let batch = names.prefix(500)
                names = names.dropFirst(500)
                for result in try await client.read(batch.map { .getData(path: path + "/" + $0) }) {
                    guard case .data(let node) = result, let token = node.data.text.flatMap({ Int64($0) }) else {
                        throw UnexpectedAnswer("\(result)")
                    }
                    entries.append((node.stat.czxid, token))
                }
            }
            return entries.sorted { $0.zxid < $1.zxid }
        }
        let tokens = Set(entries.map(\.token))
        print(
            "\(role): \(entries.count) entries by \(tokens.count) leases, \(record.written.count) acknowledged,",
            "\(record.refused) refused, \(record.intervals.count) intervals")
        for (earlier, later) in zip(entries, entries.dropFirst()) where earlier.token > later.token {
            Issue.record("\(role): token \(later.token) wrote after \(earlier.token): \(earlier), \(later)")
        }
        let kept = Dictionary(uniqueKeysWithValues: entries.map { ($0.zxid, $0.token) })
        for (zxid, token) in record.written where kept[zxid] != token {
            Issue.record("\(role): the acknowledged write \(zxid) of \(token) is not in the record")
        }
        if let overlap = record.overlap { Issue.record("\(role): two owners at once: \(overlap)") }
        // Or else the story told nothing.
        #expect(tokens.count >= 4)
        #expect(record.refused > 0)
        #expect(record.written.count > 50)
    }
}
