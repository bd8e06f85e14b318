/// Which limit of an alarm a tag is beyond; the raw value is the word in records. Exclusive: the most severe one
/// counts.
public enum AlarmCondition: String, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    case normal, low, lowLow, high, highHigh

    public var description: String { rawValue }

    /// 0 when normal, 1 for the inner limit of a side (high, low), 2 for the outer one (highHigh, lowLow).
    public var severity: Int {
        switch self {
        case .normal: 0
        case .low, .high: 1
        case .lowLow, .highHigh: 2
        }
    }

    /// Whether a step from here to there stays on one side: high and highHigh are one occurrence, high and low never.
    func isSameSide(as other: AlarmCondition) -> Bool {
        switch (self, other) {
        case (.normal, .normal), (.low, .low), (.low, .lowLow), (.lowLow, .low), (.lowLow, .lowLow): true
        case (.high, .high), (.high, .highHigh), (.highHigh, .high), (.highHigh, .highHigh): true
        case (.normal, _), (_, .normal), (.low, _), (.lowLow, _), (.high, _), (.highHigh, _): false
        }
    }
}
