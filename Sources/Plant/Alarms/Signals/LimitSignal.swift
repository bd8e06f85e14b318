/// The signal of an alarm with limits: where a value lies to each of them. One level per configured limit, outer limits
/// after inner ones of the same side.
struct LimitSignal: Sendable {
    struct Level: Sendable {
        let condition: AlarmCondition
        /// 1 for a high limit, −1 for a low one: a value is beyond when `sign * value > activation`.
        let sign: Double
        let activation: Double
        let returning: Double
    }

    let levels: [Level]
    /// Strictly between these a value has returned from every limit: all that most samples are compared with.
    let settledAbove: Double
    let settledBelow: Double
    /// The zone of such a value.
    let settledZone: SignalZone

    /// The definition has to be free of mistakes.
    init(_ definition: AlarmDefinition) {
        levels = [AlarmCondition.high, .highHigh, .low, .lowLow].compactMap { condition in
            guard let limit = definition.limit(of: condition)?.limit else { return nil }
            let sign: Double = condition.isSameSide(as: .high) ? 1 : -1
            return Level(
                condition: condition, sign: sign, activation: sign * limit,
                returning: sign * limit - definition.deadband)
        }
        settledAbove = (definition.low ?? definition.lowLow).map { $0.limit + definition.deadband } ?? -.infinity
        settledBelow = (definition.high ?? definition.highHigh).map { $0.limit - definition.deadband } ?? .infinity
        var zone = SignalZone()
        for level in levels.indices { zone[level] = .returned }
        settledZone = zone
    }

    func zone(of value: Double) -> SignalZone {
        var zone = SignalZone()
        for (index, level) in levels.enumerated() {
            let signed = level.sign * value
            zone[index] = signed > level.activation ? .beyond : signed < level.returning ? .returned : .between
        }
        return zone
    }
}
