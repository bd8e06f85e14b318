@testable import Plant

/// What a stream of samples means, told the simplest way that we know: every millisecond is looked at, one after the
/// other. Shares no code with `AlarmEvaluator`.
struct PlainEvaluation {
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

    private struct Side {
        var limit: Double
        var isHigh: Bool
        var isActive = false
        var beyondSince: Milliseconds?
        var returnedSince: Milliseconds?
    }

    static func outcomes(of points: [Point], _ definition: AlarmDefinition, path: AlarmPath) -> [Outcome] {
        guard let first = points.first, let last = points.last else { return [] }
        let conditions: [AlarmCondition] = [.highHigh, .high, .lowLow, .low]
        var sides: [AlarmCondition: Side] = [:]
        for condition in conditions {
            guard let limit = definition.limit(of: condition)?.limit else { continue }
            sides[condition] = Side(limit: limit, isHigh: condition == .high || condition == .highHigh)
        }
        var outcomes: [Outcome] = []
        var condition = AlarmCondition.normal
        var previousEdge: Milliseconds?
        var occurrence: Int64 = 0
        var eventID = ""

        func step(to next: AlarmCondition, at moment: Milliseconds, began: Milliseconds) {
            let transition: AlarmTransition
            if next == .normal {
                transition = .returned
            } else if condition == .normal {
                transition = .activated
                occurrence += 1
                let candidate = AlarmIdentity.eventID(of: path, activatedBy: began)
                if let previousEdge, began + definition.onDelay < previousEdge {
                    // Dated later than it was because of what came before.
                    var hash = FNV1a()
                    hash.combine("\(path.znodePath)\n\(began)\n\(occurrence)".utf8)
                    eventID = hash.text
                } else {
                    eventID = candidate == eventID ? AlarmIdentity.eventID(of: path, activatedBy: began + 1) : candidate
                }
            } else {
                transition = next.severity > condition.severity ? .escalated : .deescalated
            }
            let at = max(moment, (previousEdge ?? .min) == .min ? moment : (previousEdge ?? 0) + 1)
            previousEdge = at
            condition = next
            outcomes.append(
                Outcome(transition: transition, condition: next, at: at, occurrence: occurrence, eventID: eventID))
        }

        func settle(at moment: Milliseconds) {
            var activated: Milliseconds?
            var returned: Milliseconds?
            var activatedHigh: Bool?
            for condition in conditions {
                guard var side = sides[condition] else { continue }
                if !side.isActive, let since = side.beyondSince, moment >= since + definition.onDelay {
                    side.isActive = true
                    side.returnedSince = nil
                    activated = since
                    activatedHigh = side.isHigh
                } else if side.isActive, let since = side.returnedSince, moment >= since + definition.offDelay {
                    side.isActive = false
                    side.beyondSince = nil
                    returned = since
                }
                sides[condition] = side
            }
            if let activatedHigh {
                for condition in conditions where sides[condition]?.isHigh == !activatedHigh {
                    sides[condition]?.isActive = false
                    sides[condition]?.returnedSince = nil
                    sides[condition]?.beyondSince = nil
                }
            }
            let next = conditions.first { sides[$0]?.isActive == true } ?? .normal
            if next == condition { return }
            let began = activated ?? returned ?? moment
            if condition != .normal, next != .normal, let before = sides[condition], let after = sides[next],
                before.isHigh != after.isHigh
            {
                step(to: .normal, at: moment, began: began)
            }
            step(to: next, at: moment, began: began)
        }

        var next = 0
        let end = last.time + definition.onDelay + definition.offDelay + 10
        for moment in first.time...end {
            settle(at: moment)
            while next < points.count, points[next].time == moment {
                let value = points[next].value
                for condition in conditions {
                    guard var side = sides[condition] else { continue }
                    let isBeyond = side.isHigh ? value > side.limit : value < side.limit
                    let isReturned =
                        side.isHigh
                        ? value < side.limit - definition.deadband : value > side.limit + definition.deadband
                    if side.isActive {
                        side.returnedSince = isReturned ? side.returnedSince ?? moment : nil
                    } else {
                        side.beyondSince = isBeyond ? side.beyondSince ?? moment : nil
                    }
                    sides[condition] = side
                }
                settle(at: moment)
                next += 1
            }
        }
        return outcomes
    }
}
