import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// Two gateways that stand for one role and take turns at one lock. Whoever owns something writes its token through its
/// lease, over and over: one node holds the newest, its history stands beside it in the order of the transactions.
final class Owners: Sendable {
    private final class Findings: Sendable {
        let writes = Mutex<[String: Int]>([:])
        let overlaps = Mutex<[String]>([])
        /// The newest at the end, for whoever has to find out why nobody has the lock.
        let turns = Mutex<[String]>([])

        func turn(_ what: String) {
            turns.withLock { $0 = $0.suffix(11) + [what] }
        }
    }

    private let elections: [LeaderElection]
    private let findings = Findings()
    private let task: Task<Void, Never>

    init(_ first: ZooKeeperClient, _ second: ZooKeeperClient) {
        let elections = [first, second].map {
            LeaderElection(client: $0, path: "/election", identity: "me".bytes, logger: TestTree.logger)
        }
        self.elections = elections
        let findings = findings
        // Ended by ``stop()``.
        task = Task {
            await withTaskGroup(of: Void.self) { group in
                for election in elections {
                    group.addTask { try? await election.run() }
                    group.addTask { await Self.lead(election, findings) }
                }
                for client in [first, second] { group.addTask { await Self.takeTurns(client, findings) } }
                group.addTask { await Self.look(elections, findings) }
            }
        }
    }

    private static func write(_ lease: Lease, _ role: String, _ findings: Findings) async throws {
        let token = "\(lease.token)".bytes
        try await lease.guarded([
            .setData(path: "/\(role)", data: token),
            .create(path: "/\(role)/h-", data: token, mode: .persistentSequential),
        ])
        findings.writes.withLock { $0[role, default: 0] += 1 }
    }

    private static func lead(_ election: LeaderElection, _ findings: Findings) async {
        while !Task.isCancelled {
            if let lease = election.lease { try? await write(lease, "elected", findings) }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    private static func takeTurns(_ client: ZooKeeperClient, _ findings: Findings) async {
        let lock = DistributedLock(client: client, path: "/lock", identity: "me".bytes, logger: TestTree.logger)
        while !Task.isCancelled {
            do {
                try await lock.withLock { lease in
                    findings.turn("\(lease) of session \(lease.sessionID)")
                    for _ in 0..<5 {
                        try await write(lease, "locked", findings)
                        try await Task.sleep(for: .milliseconds(10))
                    }
                }
            } catch {
                findings.turn("\(error)")
            }
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    /// By its own reckoning each of two leaders may hold the role, but never both at one moment.
    private static func look(_ elections: [LeaderElection], _ findings: Findings) async {
        while !Task.isCancelled {
            let leases = elections.compactMap(\.lease)
            let now = ContinuousClock.now
            let valid = leases.filter { $0.isValid(at: now) }
            if valid.count > 1 { findings.overlaps.withLock { $0.append("\(valid)") } }
            try? await Task.sleep(for: .milliseconds(1))
        }
    }

    var report: String { "owners' writes \(findings.writes.withLock { $0 }), turns \(findings.turns.withLock { $0 })" }

    private func count(_ role: String) -> Int { findings.writes.withLock { $0[role] ?? 0 } }

    func waitUntilBothRoles() async throws { try await progress(after: "the start") }

    /// Waits until both roles are held and written for.
    func progress(after what: String) async throws {
        let before = (count("elected"), count("locked"))
        try await eventually("owners write, after \(what)", within: .seconds(60), seen: { self.report }) {
            self.count("elected") > before.0 + 3 && self.count("locked") > before.1 + 10
        }
    }

    /// Waits until neither candidate takes itself for the leader.
    func nobodyRelies(during what: String) async throws {
        try await eventually("nobody relies on a lease, \(what)", seen: { "\(self.elections.map(\.lease))" }) {
            self.elections.allSatisfy { $0.lease == nil }
        }
    }

    func stop() async {
        task.cancel()
        await task.value
    }

    /// No token stands behind a newer one.
    func verify(_ client: ZooKeeperClient) async throws {
        let overlaps = findings.overlaps.withLock { $0 }
        #expect(overlaps.isEmpty, "\(overlaps.prefix(3))")
        for role in ["elected", "locked"] {
            let names = try await client.getChildren("/\(role)").sorted()
            var tokens: [Int64] = []
            for start in stride(from: 0, to: names.count, by: 100) {
                let part = names[start..<min(start + 100, names.count)]
                for result in try await client.read(part.map { .getData(path: "/\(role)/\($0)") }) {
                    guard case .data(let response) = result else {
                        Issue.record("\(role): \(result)")
                        continue
                    }
                    tokens.append(Int64(response.data.text ?? "") ?? -1)
                }
            }
            #expect(tokens.count >= count(role), "\(role): acknowledged \(count(role)), found \(tokens.count)")
            #expect(tokens == tokens.sorted(), "\(role): a token went back")
            let newest = try await client.getData("/\(role)").data.text
            #expect(newest == tokens.last.map { "\($0)" })
            if role == "locked" { #expect(Set(tokens).count > 2) }
        }
    }
}
