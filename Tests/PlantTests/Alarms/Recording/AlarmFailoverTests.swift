import Primitives
import TestFixtures
import Testing

@testable import Plant

/// Whoever is active, and however the gateways hear and see, the journal holds what a plain evaluation of the stream
/// predicts.
@Suite("Alarms over takeovers")
struct AlarmFailoverTests {
    /// Given gateways at their own pace and elections at any moment, when all is heard, then each transition is there
    /// once.
    @Test("Every transition exactly once, decided by samples", arguments: 0..<25)
    func bySamples(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed) &+ 1000)
        for _ in 0..<4 {
            let definition = try AlarmStream.definition(using: &random)
            let points = AlarmStream.points(count: 50, coarse: false, using: &random)
            var cluster = try AlarmCluster(
                definition: definition, points: points, gateways: Int.random(in: 1...4, using: &random))
            for _ in 0..<250 {
                let gateway = cluster.gateways.indices.randomElement(using: &random) ?? 0
                switch Int.random(in: 0..<100, using: &random) {
                case 0..<50: cluster.hear(gateway, count: Int.random(in: 1...4, using: &random))
                case 50..<55: cluster.hearAgain(gateway)
                case 55..<75: cluster.commit(limit: Int.random(in: 1...4, using: &random))
                case 75..<85:
                    cluster.see(gateway, upTo: cluster.gateways[gateway].seen + Int.random(in: 1...3, using: &random))
                case 85..<89:
                    if let position = cluster.journal.indices.randomElement(using: &random) {
                        cluster.glimpse(gateway, position)
                    }
                case 89..<92:
                    // Killed between the commit and the news of it.
                    cluster.commit(limit: Int.random(in: 1...3, using: &random), dies: true)
                    try cluster.restart(cluster.active, from: 0)
                    cluster.elect(gateway)
                case 92 where cluster.tree?.state == .unacknowledged || cluster.tree?.state == .returnedUnacknowledged:
                    cluster.elect(gateway)
                    let proposal = try cluster.gateways[gateway].book.acknowledge(
                        cluster.path, eventID: cluster.tree?.eventID, by: Principal(claimed: "ann"), comment: nil,
                        at: 7,
                        epoch: cluster.epoch
                    ).get()
                    cluster.record(proposal)
                    cluster.gateways[gateway].book.transitionRecorded(proposal.record, at: 0)
                case 93..<95: try cluster.restart(gateway, from: Int.random(in: 0...cluster.settled, using: &random))
                default: cluster.elect(gateway)
                }
                try checkInvariants(of: cluster)
            }
            cluster.finish()
            let expected = PlainEvaluation.outcomes(of: points, definition, path: cluster.path)
            #expect(cluster.outcomes == expected, "seed \(seed)\n\(cluster.story)")
            for gateway in cluster.gateways {
                #expect(gateway.book.pendingCount == 0, "seed \(seed): \(gateway.book.pendingSteps)\n\(cluster.story)")
                #expect(gateway.book.record(of: cluster.path) == cluster.tree)
            }
        }
    }

    /// Given gateways with constant latencies whose timers run, when the active one is killed at any moment, then the
    /// same.
    @Test("Every transition exactly once, decided by timers and samples", arguments: 0..<25)
    func byTimers(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed) &+ 2000)
        for _ in 0..<4 {
            let definition = try AlarmStream.definition(using: &random)
            let points = AlarmStream.points(count: 50, coarse: false, using: &random)
            let count = Int.random(in: 1...4, using: &random)
            var cluster = try AlarmCluster(
                definition: definition, points: points, gateways: count,
                latencies: (0..<count).map { _ in Milliseconds.random(in: 0...20, using: &random) })
            let end = (points.last?.time ?? 0) + 500
            for now in (points.first?.time ?? 0)...end {
                for gateway in 0..<count {
                    while cluster.gateways[gateway].heard < points.count,
                        points[cluster.gateways[gateway].heard].time + cluster.gateways[gateway].latency <= now
                    {
                        cluster.hear(gateway)
                    }
                    if let deadline = cluster.gateways[gateway].book.nextDeadline, deadline <= now {
                        cluster.gateways[gateway].book.advance(to: now)
                    }
                    if random.chance(10) { cluster.see(gateway, upTo: cluster.journal.count, at: now) }
                }
                if random.chance(30) { cluster.commit(limit: Int.random(in: 1...4, using: &random), at: now) }
                if random.chance(2) {
                    cluster.commit(limit: 1, dies: true, at: now)
                    cluster.elect(Int.random(in: 0..<count, using: &random), at: now)
                }
            }
            cluster.finish()
            let expected = PlainEvaluation.outcomes(of: points, definition, path: cluster.path)
            #expect(cluster.outcomes == expected, "seed \(seed)\n\(cluster.story)")
            for gateway in cluster.gateways {
                #expect(gateway.book.pendingCount == 0, "seed \(seed)\n\(cluster.story)")
            }
        }
    }

    /// Given a route whose payload has no time, so that each gateway dates each sample by its own clock, gateways that
    /// lag behind each other by less than the samples are apart, and takeovers at any moment, then each transition is
    /// still there once, with one id an occurrence.
    @Test("Every transition exactly once without source times", arguments: 0..<25)
    func withoutSourceTime(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed) &+ 3000)
        for _ in 0..<4 {
            let definition = try AlarmStream.definition(using: &random)
            let points = AlarmStream.points(count: 50, coarse: false, spacing: 25, using: &random)
            let count = Int.random(in: 1...4, using: &random)
            var cluster = try AlarmCluster(
                definition: definition, points: points, gateways: count, hasSourceTime: false,
                latencies: (0..<count).map { _ in Milliseconds.random(in: 0...20, using: &random) })
            let end = (points.last?.time ?? 0) + 500
            for now in (points.first?.time ?? 0)...end {
                for gateway in 0..<count {
                    while cluster.gateways[gateway].heard < points.count,
                        points[cluster.gateways[gateway].heard].time + cluster.gateways[gateway].latency <= now
                    {
                        cluster.hear(gateway)
                    }
                    cluster.gateways[gateway].book.advance(to: now)
                    if random.chance(10) { cluster.see(gateway, upTo: cluster.journal.count, at: now) }
                }
                if random.chance(30) { cluster.commit(limit: Int.random(in: 1...4, using: &random), at: now) }
                if random.chance(2) {
                    cluster.commit(limit: 1, dies: true, at: now)
                    cluster.elect(Int.random(in: 0..<count, using: &random), at: now, readsJournal: true)
                }
            }
            cluster.finish()
            let expected = PlainEvaluation.outcomes(of: points, definition, path: cluster.path)
            #expect(
                cluster.journal.map { "\($0.transition) \($0.record.condition) #\($0.record.occurrence)" }
                    == expected.map { "\($0.transition) \($0.condition) #\($0.occurrence)" },
                "seed \(seed)\n\(cluster.story)")
            let ids = Dictionary(grouping: cluster.journal, by: \.record.occurrence).mapValues {
                Set($0.map(\.record.eventID))
            }
            #expect(ids.values.allSatisfy { $0.count == 1 } && Set(ids.values).count == ids.count, "seed \(seed)")
            for gateway in cluster.gateways {
                #expect(gateway.book.pendingCount == 0, "seed \(seed)\n\(cluster.story)")
            }
        }
    }

    /// After every step: what is pending leads, in order, from the record to the condition as evaluated.
    private func checkInvariants(of cluster: AlarmCluster) throws {
        for gateway in cluster.gateways {
            let proposals = gateway.book.proposals(limit: .max, epoch: 0)
            #expect(proposals.count == gateway.book.pendingCount)
            let record = gateway.book.record(of: cluster.path)
            var previous = record?.condition ?? .normal
            var time = record?.changedAt ?? .min
            for proposal in proposals {
                #expect(proposal.record.condition != previous && proposal.at > time, "\(cluster.story)")
                previous = proposal.record.condition
                time = proposal.at
            }
            #expect(gateway.book.condition(of: cluster.path) == previous, "\(cluster.story)")
        }
    }
}
