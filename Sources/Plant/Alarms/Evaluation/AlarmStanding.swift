/// Where an alarm stands as evaluated on this gateway, for explanations.
public enum AlarmStanding: Sendable, Hashable {
    case normal
    /// Beyond a limit; the alarm comes when the on-delay has ended.
    case waitingForOnDelay
    case active(AlarmCondition)
    /// Returned; the alarm goes when the off-delay has ended.
    case waitingForOffDelay(AlarmCondition)
    /// The quality was lost: nothing is evaluated until the next good sample.
    case frozen(AlarmCondition)

    /// The condition that counts.
    public var condition: AlarmCondition {
        switch self {
        case .normal, .waitingForOnDelay: .normal
        case .active(let condition), .waitingForOffDelay(let condition), .frozen(let condition): condition
        }
    }
}
