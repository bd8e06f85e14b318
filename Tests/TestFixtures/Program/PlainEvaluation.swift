/// What an alarm must do with a series of values, told the simplest way that we know: every millisecond is looked at, one
/// after the other.
///
/// It shares nothing with the product: tests hold what the product computes, and the journal, against it.
public struct PlainEvaluation: Sendable {
    /// Where a value can be. When several limits are passed, the first one in this order counts.
    public enum Condition: Sendable, Hashable, CaseIterable {
        case highHigh, high, lowLow, low, normal

        fileprivate var isHigh: Bool {
            switch self {
            case .highHigh, .high: true
            case .lowLow, .low, .normal: false
            }
        }
    }

    /// One step from a condition to another.
    public struct Step: Sendable {
        public let from: Condition
        public let to: Condition
        /// When the step was made; always later than the step before.
        public let at: Int64
        /// The time of the sample that began it: a delay earlier.
        public let began: Int64
        /// The value of that sample.
        public let value: Double
        /// 1 for the first activation; further steps carry the number of their activation.
        public let occurrence: Int
    }

    /// An activation or a return.
    public struct Change: Sendable, Hashable, CustomStringConvertible {
        /// True when the limit was passed, false on the way back.
        public let active: Bool
        /// The value that did it.
        public let value: Double
        /// 1 for the first activation; a return carries the number of its activation.
        public let occurrence: Int

        public init(active: Bool, value: Double, occurrence: Int) {
            self.active = active
            self.value = value
            self.occurrence = occurrence
        }

        public var description: String { "\(active ? "on" : "off")#\(occurrence)@\(value)" }
    }

    private struct Sample {
        var time: Int64
        var value: Double
    }

    private struct Side {
        let limit: Double
        var isActive = false
        /// The first sample of those that lie beyond the limit without a break.
        var beyond: Sample?
        /// The first sample of those that lie behind the deadband without a break.
        var returned: Sample?
    }

    /// What it did so far.
    public private(set) var steps: [Step] = []
    private var condition = Condition.normal
    private var occurrence = 0
    private var sides: [Condition: Side]
    private var latest: Sample?
    private let deadband: Double
    private let onDelay: Int64
    private let offDelay: Int64

    /// - Parameters:
    ///   - limits: by the condition that begins beyond them.
    ///   - onDelay: milliseconds.
    ///   - offDelay: milliseconds.
    public init(limits: [Condition: Double], deadband: Double, onDelay: Int64 = 0, offDelay: Int64 = 0) {
        sides = limits.mapValues { Side(limit: $0) }
        sides[.normal] = nil
        self.deadband = deadband
        self.onDelay = onDelay
        self.offDelay = offDelay
    }

    /// Activations and returns: for an alarm with one limit, all that it did.
    public var changes: [Change] {
        steps.compactMap { step in
            guard step.from == .normal || step.to == .normal else { return nil }
            return Change(active: step.from == .normal, value: step.value, occurrence: step.occurrence)
        }
    }

    /// The next value comes a millisecond after the one before.
    public mutating func add(_ value: Double) { add(value, at: latest.map { $0.time + 1 } ?? 0) }

    /// The next value. Times may be equal, and never go back.
    public mutating func add(_ value: Double, at time: Int64) {
        pass(to: time)
        let sample = Sample(time: time, value: value)
        latest = sample
        for condition in Condition.allCases {
            guard var side = sides[condition] else { continue }
            let isBeyond = condition.isHigh ? value > side.limit : value < side.limit
            let isReturned = condition.isHigh ? value < side.limit - deadband : value > side.limit + deadband
            if side.isActive {
                side.returned = isReturned ? side.returned ?? sample : nil
            } else {
                side.beyond = isBeyond ? side.beyond ?? sample : nil
            }
            sides[condition] = side
        }
        settle(at: time)
    }

    /// No further value comes: what delays are still running end.
    public mutating func finish() {
        if let latest { pass(to: latest.time + onDelay + offDelay + 10) }
    }

    /// Looks at every millisecond up to this one; before the first value there is nothing to see.
    private mutating func pass(to time: Int64) {
        guard let latest else { return }
        precondition(time >= latest.time, "times go back")
        for moment in latest.time...time { settle(at: moment) }
    }

    private mutating func settle(at moment: Int64) {
        var activated: Sample?
        var returned: Sample?
        var activatedHigh: Bool?
        for condition in Condition.allCases {
            guard var side = sides[condition] else { continue }
            if !side.isActive, let beyond = side.beyond, moment >= beyond.time + onDelay {
                side.isActive = true
                side.returned = nil
                activated = beyond
                activatedHigh = condition.isHigh
            } else if side.isActive, let behind = side.returned, moment >= behind.time + offDelay {
                side.isActive = false
                side.beyond = nil
                returned = behind
            }
            sides[condition] = side
        }
        if let activatedHigh {
            for condition in sides.keys where condition.isHigh != activatedHigh {
                sides[condition]?.isActive = false
                sides[condition]?.returned = nil
                sides[condition]?.beyond = nil
            }
        }
        let next = Condition.allCases.first { sides[$0]?.isActive == true } ?? .normal
        guard next != condition, let began = activated ?? returned else { return }
        if condition != .normal, next != .normal, condition.isHigh != next.isHigh {
            step(to: .normal, at: moment, began)
        }
        step(to: next, at: moment, began)
    }

    private mutating func step(to next: Condition, at moment: Int64, _ began: Sample) {
        if condition == .normal { occurrence += 1 }
        steps.append(
            Step(
                from: condition, to: next, at: max(moment, steps.last.map { $0.at + 1 } ?? moment), began: began.time,
                value: began.value, occurrence: occurrence))
        condition = next
    }
}

extension PlainEvaluation {
    /// An alarm with one limit above and no delays.
    public init(high limit: Double, deadband: Double) { self.init(limits: [.high: limit], deadband: deadband) }

    /// An alarm with one limit below and no delays.
    public init(low limit: Double, deadband: Double) { self.init(limits: [.low: limit], deadband: deadband) }
}
