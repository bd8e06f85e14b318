/// How soon an operator has to act. Ordered: `low` is the least.
public enum AlarmPriority: String, Sendable, Hashable, CaseIterable, Comparable, CustomStringConvertible {
    case low, medium, high, critical

    public static func < (left: AlarmPriority, right: AlarmPriority) -> Bool { left.rank < right.rank }

    public var description: String { rawValue }

    private var rank: Int {
        switch self {
        case .low: 0
        case .medium: 1
        case .high: 2
        case .critical: 3
        }
    }
}
