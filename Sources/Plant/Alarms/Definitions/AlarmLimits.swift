/// Some of the limits of an alarm.
struct AlarmLimits: OptionSet, Sendable, Hashable {
    let rawValue: UInt8

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ limit: AlarmCondition) {
        switch limit {
        case .normal: self.init()
        case .low: self.init(rawValue: 1)
        case .lowLow: self.init(rawValue: 2)
        case .high: self.init(rawValue: 4)
        case .highHigh: self.init(rawValue: 8)
        }
    }

    /// The limits, inner ones first.
    var all: [AlarmCondition] { [.low, .high, .lowLow, .highHigh].filter { contains(AlarmLimits($0)) } }
}
