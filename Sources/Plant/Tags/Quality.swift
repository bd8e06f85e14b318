/// How far a tag's value can be trusted.
public enum Quality: UInt8, Sendable, Hashable, CaseIterable {
    /// Heard live and understood.
    case good
    /// Kept by the broker from some earlier time, or otherwise of unknown age.
    case uncertain
    /// The last message could not be understood; the value beside it is the last good one.
    case bad
    /// The device has been silent for longer than its route allows.
    case stale

    /// The word in JSON records.
    public var name: String {
        switch self {
        case .good: "good"
        case .uncertain: "uncertain"
        case .bad: "bad"
        case .stale: "stale"
        }
    }

    /// The quality of that name.
    public init?(name: String) {
        guard let quality = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = quality
    }
}

extension Quality: CustomStringConvertible {
    public var description: String { name }
}
