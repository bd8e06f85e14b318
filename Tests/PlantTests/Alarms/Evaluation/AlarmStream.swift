import Primitives
import TestFixtures

@testable import Plant

/// Random definitions and sample streams that come close to limits often.
enum AlarmStream {
    static func definition(using random: inout SeededRandom) throws -> AlarmDefinition {
        let delays: [Milliseconds] = [0, 0, 1, 7, 30, 100]
        return try AlarmFixture.definition(
            high: random.chance(85) ? 80 : nil, highHigh: random.chance(60) ? 90 : 95,
            low: random.chance(50) ? 20 : nil,
            lowLow: random.chance(40) ? 10 : nil, deadband: random.chance(50) ? 5 : 0,
            onDelay: delays.randomElement(using: &random) ?? 0, offDelay: delays.randomElement(using: &random) ?? 0)
    }

    /// Times ascend by at least `spacing`; with `coarse`, several samples share one.
    static func points(count: Int, coarse: Bool, spacing: Milliseconds = 1, using random: inout SeededRandom)
        -> [PlainEvaluation.Point]
    {
        let values: [Double] = [5, 15, 10, 20, 22, 25, 30, 50, 50, 74, 75, 76, 80, 81, 85, 88, 90, 92, 99]
        var time: Milliseconds = 1000
        var points: [PlainEvaluation.Point] = []
        for _ in 0..<count {
            let step = Milliseconds.random(
                in: random.chance(20) ? spacing + 40...spacing + 200 : spacing...spacing + 30, using: &random)
            time += coarse && random.chance(40) ? 0 : step
            let value = values.randomElement(using: &random) ?? 50
            // The same value twice at one time would be a repetition.
            if let last = points.last, last.time == time, last.value == value { continue }
            points.append(.init(time: time, value: value))
        }
        return points
    }
}

extension PlainEvaluation.Outcome {
    init(_ proposal: ProposedTransition) {
        self.init(
            transition: proposal.transition, condition: proposal.record.condition, at: proposal.at,
            occurrence: proposal.record.occurrence, eventID: proposal.record.eventID)
    }
}
