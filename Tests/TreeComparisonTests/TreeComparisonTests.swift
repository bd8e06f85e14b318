import Foundation
import TestFixtures
import Testing

/// Random scripts on our server and on Apache's: every answer, every event, every node must be the same.
///
/// `LINEKEEPER_FUZZ_OPERATIONS` says how many requests, `LINEKEEPER_SEED` where to begin, `LINEKEEPER_FUZZ_DIFFERENCES` how
/// many differences to look for, `LINEKEEPER_ZOOKEEPER_CLASSPATH` whose jars to start instead of Debian's.
@Suite(.serialized)
struct TreeComparisonTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let seed =
        environment["LINEKEEPER_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...999_999_999)
    private static let operations = environment["LINEKEEPER_FUZZ_OPERATIONS"].flatMap { Int($0) } ?? 100_000
    private static let classPath = environment["LINEKEEPER_ZOOKEEPER_CLASSPATH"]

    @Test func `our server says what Apache's says`() async throws {
        let comparison = Comparison(
            seed: Self.seed, calls: Self.operations,
            differences: Self.environment["LINEKEEPER_FUZZ_DIFFERENCES"].flatMap { Int($0) } ?? 1)
        print("seed \(Self.seed)")
        let outcome = try await Servers.run("comparison", classPath: Self.classPath) { servers in
            try await Servers.onThread {
                let outcome = comparison.run(
                    ourPort: servers.ourPort, theirPort: servers.apache.port, version: servers.version)
                if !outcome.findings.isEmpty { print(servers.apache.process?.report(lines: 40) ?? "") }
                return outcome
            }
        }
        print(outcome.summary)
        let count = outcome.findings.count
        #expect(count == 0, "\(outcome.findings.map(\.description).joined(separator: "\n\n"))")
    }

    /// What servers remove by themselves, in `LINEKEEPER_FUZZ_REMOVALS` rounds: containers, nodes that outlive their time, and
    /// the ephemeral nodes of sessions that expire.
    @Test func `nodes go by themselves as they do at Apache's`() async throws {
        let rounds = Self.environment["LINEKEEPER_FUZZ_REMOVALS"].flatMap { Int($0) } ?? 8
        var comparison = Comparison(seed: Self.seed, calls: .max)
        comparison.removals = 2
        comparison.episodes = (rounds + 1) / 2
        let script = comparison
        print("seed \(Self.seed)")
        let outcome = try await Servers.run("removals", classPath: Self.classPath, removing: true) { servers in
            try await Servers.onThread {
                script.run(ourPort: servers.ourPort, theirPort: servers.apache.port, version: servers.version)
            }
        }
        print(outcome.summary)
        #expect(outcome.findings.isEmpty, "\(outcome.findings.map(\.description).joined(separator: "\n\n"))")
        #expect(outcome.removals >= rounds, "\(outcome.removals) nodes in \(rounds) rounds")
    }

    /// Differences planted into what our server said: each must be found, and be shrunk to the requests that show it.
    @Test func `planted differences are found and shrunk`() async throws {
        let findings = try await Servers.run("planted", classPath: Self.classPath) { servers in
            try await Servers.onThread {
                Planted.all.map { planted in
                    let comparison = Comparison(seed: 1, calls: 30_000, tamper: planted.tamper)
                    let outcome = comparison.run(
                        ourPort: servers.ourPort, theirPort: servers.apache.port, version: servers.version)
                    return (planted, outcome.findings.first)
                }
            }
        }
        for (planted, finding) in findings {
            let finding = try #require(finding, "not found: \(planted.name)")
            let calls = finding.script.reduce(0) { $0 + $1.calls }
            #expect(calls <= planted.calls, "\(planted.name): \(finding)")
        }
    }
}
