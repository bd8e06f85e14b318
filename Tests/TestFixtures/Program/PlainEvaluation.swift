/// What one high-limit alarm without delays must do with a series of values: the simplest program that could say so.
///
/// It shares nothing with the product: tests hold the journal against it.
public struct PlainEvaluation: Sendable {
    /// One change of the condition.
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

    public private(set) var changes: [Change] = []
    private var active = false
    private var occurrence = 0
    private let limit: Double
    private let deadband: Double
    /// −1 mirrors the evaluation: a low limit.
    private let direction: Double

    public init(high limit: Double, deadband: Double) {
        self.limit = limit
        self.deadband = deadband
        direction = 1
    }

    public init(low limit: Double, deadband: Double) {
        self.limit = -limit
        self.deadband = deadband
        direction = -1
    }

    public mutating func add(_ value: Double) {
        if !active, value * direction > limit {
            active = true
            occurrence += 1
            changes.append(Change(active: true, value: value, occurrence: occurrence))
        } else if active, value * direction < limit - deadband {
            active = false
            changes.append(Change(active: false, value: value, occurrence: occurrence))
        }
    }
}
