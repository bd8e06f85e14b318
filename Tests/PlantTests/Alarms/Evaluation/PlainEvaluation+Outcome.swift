import TestFixtures

@testable import Plant

/// What the plain evaluation says, in the words of the journal: with the transition and the identity of each step.
extension PlainEvaluation {
    struct Point {
        var time: Milliseconds
        var value: Double
    }

    struct Outcome: Hashable, CustomStringConvertible {
        var transition: AlarmTransition
        var condition: AlarmCondition
        var at: Milliseconds
        var occurrence: Int64
        var eventID: String

        var description: String { "\(transition) \(condition) @\(at) #\(occurrence) \(eventID.prefix(6))" }
    }

    static func outcomes(of points: [Point], _ definition: AlarmDefinition, path: AlarmPath) -> [Outcome] {
        var limits: [Condition: Double] = [:]
        for condition in Condition.allCases {
            limits[condition] = definition.limit(of: AlarmCondition(condition))?.limit
        }
        var evaluation = PlainEvaluation(
            limits: limits, deadband: definition.deadband, onDelay: definition.onDelay, offDelay: definition.offDelay)
        for point in points { evaluation.add(point.value, at: point.time) }
        evaluation.finish()
        var outcomes: [Outcome] = []
        for step in evaluation.steps {
            let before = outcomes.last
            outcomes.append(
                Outcome(
                    transition: transition(of: step), condition: AlarmCondition(step.to), at: step.at,
                    occurrence: Int64(step.occurrence),
                    eventID: step.from == .normal
                        ? eventID(of: step, after: before, definition, path) : before?.eventID ?? ""))
        }
        return outcomes
    }

    private static func transition(of step: Step) -> AlarmTransition {
        let (from, to) = (AlarmCondition(step.from), AlarmCondition(step.to))
        if to == .normal { return .returned }
        if from == .normal { return .activated }
        return to.severity > from.severity ? .escalated : .deescalated
    }

    /// - Parameter before: the outcome before this activation.
    private static func eventID(
        of step: Step, after before: Outcome?, _ definition: AlarmDefinition, _ path: AlarmPath
    ) -> String {
        if let before, step.began + definition.onDelay < before.at {
            // Dated later than it was because of what came before.
            var hash = FNV1a()
            hash.combine("\(path.znodePath)\n\(step.began)\n\(step.occurrence)".utf8)
            return hash.text
        }
        let candidate = AlarmIdentity.eventID(of: path, activatedBy: step.began)
        return candidate == before?.eventID
            ? AlarmIdentity.eventID(of: path, activatedBy: step.began + 1) : candidate
    }
}

extension AlarmCondition {
    fileprivate init(_ condition: PlainEvaluation.Condition) {
        switch condition {
        case .highHigh: self = .highHigh
        case .high: self = .high
        case .lowLow: self = .lowLow
        case .low: self = .low
        case .normal: self = .normal
        }
    }
}
