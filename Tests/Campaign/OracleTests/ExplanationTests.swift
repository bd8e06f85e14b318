import Primitives
import TestFixtures
import Testing

@testable import CampaignOracle

@Suite("Holding a journal against samples")
struct ExplanationTests {
    private let samples = [sample(30, 0), sample(90, 1000), sample(51, 1001), sample(92, 2000), sample(50, 2500)]

    @Test("what the samples call for, once each, has no findings")
    func sound() {
        let result = explain(samples, entries(samples))
        #expect(result.findings.isEmpty)
        #expect(result.occurrences == 2)
    }

    @Test("each missing transition is lost")
    func lost() {
        let result = explain(samples, Array(entries(samples).dropFirst(2)))
        #expect(result.findings.map(\.kind) == [.lost, .lost])
    }

    @Test("a repetition is doubled, not invented")
    func doubled() {
        let all = entries(samples)
        #expect(explain(samples, all + [all[0]]).findings.map(\.kind) == [.doubled])
        #expect(explain(samples, [all[0], all[0]] + all.dropFirst()).findings.map(\.kind) == [.doubled])
    }

    @Test("the right transition with a wrong date is misdated, and only that")
    func misdated() {
        var all = entries(samples)
        all[0] = entry("ACT", "high", at: 1003, 1003)
        #expect(explain(samples, all).findings.map(\.kind) == [.misdated])
    }

    @Test("what no sample calls for is invented")
    func invented() {
        let extra = [entry("ACT", "high", at: 2700, 2700), entry("RTN", "normal", at: 2701, 2701)]
        #expect(explain(samples, entries(samples) + extra).findings.map(\.kind) == [.invented, .invented])
    }

    @Test("of samples that are not certain, both histories are right")
    func uncertain() {
        var doubtful = samples
        doubtful[1].isCertain = false
        doubtful[2].isCertain = false
        #expect(explain(doubtful, entries(samples)).findings.isEmpty)
        #expect(explain(doubtful, entries([samples[0], samples[3], samples[4]])).findings.isEmpty)
        #expect(!explain(doubtful, []).findings.isEmpty)
    }

    @Test("late samples without three in time behind them leave the clock in doubt")
    func undecidedClock() {
        let late = sample(90, 1000, acknowledged: 3001)
        let inTime = [sample(51, 3100), sample(52, 3200), sample(53, 3300)]
        #expect(ClockRule.undecided([samples[0], sample(90, 1000, acknowledged: 3000)]) == nil)
        #expect(ClockRule.undecided([samples[0], late]) == 1)
        #expect(ClockRule.undecided([samples[0], late] + inTime.prefix(2)) == 1)
        #expect(ClockRule.undecided([samples[0], late] + inTime) == nil)
        #expect(ClockRule.undecided([samples[0], late] + inTime + [sample(20, 4000, acknowledged: 9000)]) == 5)
        // A clock that was set by an hour: decided once it has shown that for five seconds.
        let ahead = (0...5).map { sample(20, 3_603_000 + 1000 * Int64($0), acknowledged: 3000 + 1000 * Int64($0)) }
        #expect(ClockRule.undecided(samples + ahead.prefix(5), clockChanges: true) == samples.count)
        #expect(ClockRule.undecided(samples + ahead, clockChanges: true) == nil)
        let back = sample(20, 8500, acknowledged: 8500)
        #expect(ClockRule.undecided(samples + ahead + [back], clockChanges: true) == samples.count + ahead.count)
    }

    @Test("delays that run at the end may wait for good where the clock is in doubt, and only there")
    func waitingDelays() {
        let rule = CampaignPlant.level
        let samples = [sample(80, 0), sample(20, 700)]
        let raised = [entry("ACT", "high", at: 0, 0)]
        #expect(!Explanation("a", rule: rule, samples: samples, entries: raised).findings.isEmpty)
        #expect(Explanation("a", rule: rule, samples: samples, entries: raised, mayWait: true).findings.isEmpty)
        #expect(!Explanation("a", rule: rule, samples: samples, entries: [], mayWait: true).findings.isEmpty)
    }

    @Test("a pulse whose end came to the broker after the delay may alarm; one whose end came before may not")
    func lateSample() {
        let rule = CampaignPlant.vibration
        let alarmed = [entry("ACT", "high", at: 500, 0), entry("RTN", "normal", at: 501, 100)]
        let late = [sample(70, 0), sample(20, 100, acknowledged: 700)]
        #expect(Explanation("a", rule: rule, samples: late, entries: alarmed).findings.isEmpty)
        #expect(Explanation("a", rule: rule, samples: late, entries: []).findings.isEmpty)
        let inTime = [sample(70, 0), sample(20, 100)]
        let result = Explanation("a", rule: rule, samples: inTime, entries: alarmed)
        #expect(result.findings.map(\.kind) == [.invented, .invented])
    }

    @Test("random journals with one thing wrong have one finding", arguments: 1...60)
    func random(_ seed: UInt64) {
        var chance = SeededRandom(seed: seed)
        var time: Int64 = 0
        let samples = (0..<60).map { _ in
            time += Int64.random(in: 1...400, using: &chance)
            return sample(Double(Int.random(in: 70...100, using: &chance)), time)
        }
        var all = entries(samples)
        #expect(explain(samples, all).findings.isEmpty)
        guard all.count > 2 else { return }
        let index = Int.random(in: 0..<all.count, using: &chance)
        let removed = all.remove(at: index)
        #expect(explain(samples, all).findings.map(\.kind) == [.lost])
        all.insert(contentsOf: [removed, removed], at: index)
        #expect(explain(samples, all).findings.map(\.kind) == [.doubled])
    }

    private func explain(_ samples: [Sample], _ entries: [SeenTransition]) -> Explanation {
        Explanation("a", rule: CampaignPlant.overtemperature, samples: samples, entries: entries)
    }

    private func entries(_ samples: [Sample]) -> [SeenTransition] {
        var machine = ConditionMachine(CampaignPlant.overtemperature)
        return samples.flatMap { machine.take($0) }.map { entry($0.transition, $0.to, at: $0.at, $0.sampledAt) }
    }
}

func entry(
    _ transition: String, _ condition: String, at: Int64, _ sampledAt: Int64, event: String = "e", alarm: String = "a"
) -> SeenTransition {
    SeenTransition(
        sequence: 0, alarm: alarm, transition: transition, condition: condition, eventID: event, occurrence: 1,
        revision: 1, at: at, sampledAt: sampledAt)
}
