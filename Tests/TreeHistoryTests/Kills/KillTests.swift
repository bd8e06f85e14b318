import Foundation
import Primitives
import TestFixtures
import Testing
import ZooKeeperProtocol

extension ServerFaultTests {
    /// Given: writers of known sequences, pipelined, with sessions of their own, while checkpoints run all the time.
    /// The fault: kill -9 at any moment, now and then while the server is still starting.
    /// What must hold: everything acknowledged or ever seen is there, nothing is half applied, sessions live on, and zxids
    /// go up only.
    @Test(.timeLimit(.minutes(10))) func killedUnderLoad() async throws {
        let kills = TestSeed.isLong ? 1_000 : 100
        let seed = TestSeed.value(for: "kills")
        var random = SeededRandom(seed: seed)
        let scratch = try Scratch("kills")
        let server = try await TreeServer(
            program: LinekeeperProgram(), scratch: scratch, tick: .seconds(1),
            options: ["--checkpoint-log-bytes", "262144", "--log-level", "warning", "--max-client-connections", "0"])
        let ledger = Ledger()
        let port = server.port
        let writers = try Self.writers(port)

        var recoveries: [Duration] = []
        var done = 0
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                Self.start(writers, port, ledger, in: &group)
                defer { ledger.stop() }
                while done < kills, ledger.findings.isEmpty {
                    try await waitForProgress(of: writers, ledger, server)
                    try await onThread { try verify(writers, port, ledger) }
                    try await Task.sleep(for: .microseconds(Int.random(in: 0...60_000, using: &random)))
                    await server.kill9()
                    done += 1
                    if Int.random(in: 0..<5, using: &random) == 0 {
                        try server.launch()
                        let share = Double.random(in: 0...1, using: &random)
                        try await Task.sleep(for: (recoveries.last ?? .milliseconds(40)) * share)
                        await server.kill9()
                        done += 1
                    }
                    let start = ContinuousClock.now
                    try await server.start()
                    recoveries.append(ContinuousClock.now - start)
                }
                try await waitForProgress(of: writers, ledger, server)
                ledger.stop()
                try await group.waitForAll()
            }
            try await onThread { try verify(writers, port, ledger) }
            // An orderly end loses nothing either.
            await server.stop()
            try await server.start()
            try await onThread { try verify(writers, port, ledger) }
        } catch {
            print(server.process?.report() ?? "")
            ledger.found("\(error)")
        }
        await server.stop()
        let sorted = recoveries.sorted()
        if let median = sorted.dropFirst(sorted.count / 2).first, let longest = sorted.last {
            print(
                "\(done) kills; answered: \(ledger.acknowledged); listening again after \(median), at most \(longest)")
        }
        #expect(ledger.findings.isEmpty, "\(ledger.findings.prefix(10).joined(separator: "\n"))")
        if ledger.findings.isEmpty {
            scratch.remove()
        } else {
            print("the data directory is kept: \(scratch.path); seed \(seed)")
        }
    }

    /// That the story above can fail: a server that forgot what it had acknowledged is found out.
    @Test(.timeLimit(.minutes(2))) func forgettingIsNoticed() async throws {
        let scratch = try Scratch("forgetting")
        let server = try await TreeServer(
            program: LinekeeperProgram(), scratch: scratch, tick: .seconds(1), options: ["--log-level", "warning"])
        let ledger = Ledger()
        let port = server.port
        let writers = try Self.writers(port)
        try await withThrowingTaskGroup(of: Void.self) { group in
            Self.start(writers, port, ledger, in: &group)
            defer { ledger.stop() }
            try await waitForProgress(of: writers, ledger, server)
            await server.stop()
            try FileManager.default.copyItem(atPath: scratch.file("tree"), toPath: scratch.file("old"))
            try await server.start()
            try await waitForProgress(of: writers, ledger, server)
            #expect(ledger.findings.isEmpty)
            await server.kill9()
            try FileManager.default.removeItem(atPath: scratch.file("tree"))
            try FileManager.default.moveItem(atPath: scratch.file("old"), toPath: scratch.file("tree"))
            try await server.start()
            for writer in ["sets-one", "sets-two", "transactions-multi"] {
                try await eventually("\(writer) is found out", seen: { "\(ledger.findings)" }) {
                    ledger.findings.contains { $0.contains(writer) && $0.contains("was durable") }
                }
            }
            ledger.stop()
            try await group.waitForAll()
        }
        await server.stop()
        scratch.remove()
    }

    private static func writers(_ port: Int) throws -> [any Writer] {
        let session = RawSession(port: port)
        try session.connect()
        #expect(try session.create("/sessions") == .ok)
        session.disconnect()
        return [
            SetWriter(name: "one"), SetWriter(name: "two"), TransactionWriter(name: "multi"),
            SessionWriter(name: "sessions", port: port), ManyNodesWriter(name: "nodes"),
        ]
    }

    /// Each on a thread of its own, with a session that is left open at the end.
    private static func start(
        _ writers: [any Writer], _ port: Int, _ ledger: Ledger, in group: inout ThrowingTaskGroup<Void, any Error>
    ) {
        for writer in writers {
            group.addTask { try await onThread { writer.work(RawSession(port: port), ledger) } }
        }
    }

    private func waitForProgress(of writers: [any Writer], _ ledger: Ledger, _ server: TreeServer) async throws {
        let before = ledger.acknowledged
        try await eventually(
            "every writer goes on", within: .seconds(20), every: .milliseconds(2),
            seen: { "\(ledger.acknowledged) after \(before), \(ledger.findings)" }
        ) {
            let now = ledger.acknowledged
            return !ledger.findings.isEmpty || writers.allSatisfy { now[$0.name] ?? 0 > before[$0.name] ?? 0 }
        }
    }

    private func verify(_ writers: [any Writer], _ port: Int, _ ledger: Ledger) throws {
        let reader = RawSession(port: port)
        try reader.connect()
        for writer in writers {
            try writer.verify(reader, ledger)
            try writer.verifySession(reader, ledger)
        }
        _ = try reader.call(.closeSession)
    }
}
