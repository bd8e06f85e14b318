/// One alarm as the campaign configures it: limits of one side, from the inner to the outer one.
///
/// The campaign writes the gateways' `alarms.yaml` from the same value that it judges them by, and shares nothing else with
/// them.
package struct AlarmRule: Sendable, Hashable {
    /// The side of the limits.
    package enum Side: Sendable, Hashable { case high, low }

    package let name: String
    /// The last level of the topics that it watches.
    package let metric: String
    package let side: Side
    /// One or two: `high` and `highHigh`, or `low` and `lowLow`.
    package let limits: [Double]
    package let deadband: Double
    package let onDelay: Int64
    package let offDelay: Int64

    package init(
        name: String, metric: String, side: Side = .high, limits: [Double], deadband: Double = 0, onDelay: Int64 = 0,
        offDelay: Int64 = 0
    ) {
        self.name = name
        self.metric = metric
        self.side = side
        self.limits = limits
        self.deadband = deadband
        self.onDelay = onDelay
        self.offDelay = offDelay
    }

    /// The word for the condition beyond the limit of that number; `normal` for none.
    package func condition(_ limit: Int?) -> String {
        switch (limit, side) {
        case (nil, _): "normal"
        case (0, .high): "high"
        case (_, .high): "highHigh"
        case (0, .low): "low"
        case (_, .low): "lowLow"
        }
    }

    /// Beyond a high limit is greater, beyond a low one is less; equal is neither.
    func isBeyond(_ value: Double, _ limit: Int) -> Bool {
        side == .high ? value > limits[limit] : value < limits[limit]
    }

    /// On the safe side of the limit by more than the deadband.
    func hasReturned(_ value: Double, _ limit: Int) -> Bool {
        side == .high ? value < limits[limit] - deadband : value > limits[limit] + deadband
    }
}
