import Foundation
import Logging
import Primitives
import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient

extension ServerFaultTests {
    /// Given: eight clients, half of them through proxies, that read, write and delete under conditions, alone and in
    /// transactions.
    /// The fault: the server is killed, paused, and cut off, at random.
    /// What must hold: the histories are linearizable; what no answer told has happened once or never, and not after the
    /// death of the server to which it was sent.
    @Test(.timeLimit(.minutes(10))) func historiesAreLinearizable() async throws {
        let seed = TestSeed.value(for: "linearizability")
        var random = SeededRandom(seed: seed)
        let scratch = try Scratch("linearizability")
        let server = try await TreeServer(
            program: LinekeeperProgram(), scratch: scratch,
            options: ["--checkpoint-log-bytes", "65536", "--log-level", "warning"])
        let proxies = try [FaultProxy(target: server.port), FaultProxy(target: server.port)]
        let recorder = HistoryRecorder(groups: HistoryClient.groups.count)
        let surprises = Collected<String>()
        let isOver = Flag()
        let nemesis = Nemesis(server: server, proxies: proxies, serverDied: { recorder.serverDied() })
        var counts: [Nemesis.Harm: Int] = [:]
        do {
            try await withClient(port: server.port) { _ = try await $0.create("/history", data: nil) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    let port = number.isMultiple(of: 2) ? server.port : proxies[number / 2 % proxies.count].port
                    group.addTask {
                        try await withClient(
                            port: port,
                            configure: {
                                $0.sessionTimeout = .seconds(2)
                                $0.requestTimeout = .seconds(1)
                            }
                        ) { client in
                            let worker = HistoryClient(
                                number: number, client: client, recorder: recorder, surprises: surprises)
                            try await worker.run(seed: seed &+ UInt64(number) &+ 1) { isOver.isSet }
                        }
                    }
                }
                defer { group.cancelAll() }
                let end = ContinuousClock.now + (TestSeed.isLong ? .seconds(120) : .seconds(15))
                while ContinuousClock.now < end {
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0...250, using: &random)))
                    let harm = Nemesis.Harm.allCases.randomElement(using: &random) ?? .kill
                    counts[harm, default: 0] += 1
                    try await nemesis.harm(harm, using: &random)
                }
                isOver.set()
                try await group.waitForAll()
            }
        } catch {
            print(server.process?.report() ?? "")
            await server.stop()
            throw error
        }
        await server.stop()
        proxies.forEach { $0.close() }
        print("harm done: \(counts)")

        var isGood = true
        for (group, nodes) in HistoryClient.groups.enumerated() {
            let history = recorder.history(of: group)
            let unknown = history.count { $0.output == nil }
            let start = ContinuousClock.now
            let verdict = LinearizabilityChecker(model: ZnodeModel(count: nodes)).check(history)
            print(
                "group \(group): \(history.count - unknown) answers, \(unknown) unknown,",
                "checked in \(ContinuousClock.now - start)")
            #expect(history.count > 200)
            if case .violated(let violation) = verdict { Issue.record("group \(group): \(violation)") }
            isGood = isGood && verdict.isLinearizable
            #expect(verdict.isLinearizable, "seed \(seed)")
        }
        #expect(surprises.all.isEmpty, "\(surprises.all.prefix(10))")
        if isGood { scratch.remove() } else { print("the data directory is kept: \(scratch.path)") }
    }
}
