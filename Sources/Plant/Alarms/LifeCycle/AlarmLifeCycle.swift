/// Where an alarm stands between process and operator, as four variables that change independently of each other
/// (ISA-18.2, IEC 62682). The word that people read follows from them: ``state``.
///
/// One word could not remember what an alarm returns to once it is no longer shelved. So the process is watched and the
/// acknowledgement is kept also while operators do not see the alarm.
public struct AlarmLifeCycle: Sendable, Hashable {
    /// The process: which limit it is beyond, after on-delay and off-delay. Followed also while operators do not see the alarm.
    public var condition: AlarmCondition
    /// The operator: whether the present occurrence, or the last one, needs nobody's acknowledgement any more.
    public var isAcknowledged: Bool
    /// Whether the process has returned and the alarm stays until an operator resets it. Only while ``condition`` is normal.
    public var isLatched: Bool
    /// Whether, and until when, an operator has put the alarm aside.
    public var shelf: Shelf?
    /// The rule that suppresses the alarm by design; nil when none does.
    public var suppressedBy: String?
    /// Why the alarm is out of service, such as a work order; nil while it is in service.
    public var outOfService: String?
    /// Whether the alarm is in use at all: a matter of configuration, not of operation.
    public var isEnabled: Bool

    /// How long an alarm is shelved.
    public enum Shelf: Sendable, Hashable {
        /// Until a moment, whatever the process does.
        case timed(until: Milliseconds)
        /// Until the process returns, and until a moment at the latest; nil where a record does not tell it.
        case oneShot(until: Milliseconds?)

        public var until: Milliseconds? {
            switch self {
            case .timed(let until): until
            case .oneShot(let until): until
            }
        }
    }

    public init(
        condition: AlarmCondition, isAcknowledged: Bool, isLatched: Bool = false, shelf: Shelf? = nil,
        suppressedBy: String? = nil, outOfService: String? = nil, isEnabled: Bool = true
    ) {
        self.condition = condition
        self.isAcknowledged = isAcknowledged
        self.isLatched = isLatched
        self.shelf = shelf
        self.suppressedBy = suppressedBy
        self.outOfService = outOfService
        self.isEnabled = isEnabled
    }

    /// An alarm that was never active.
    public static let normal = AlarmLifeCycle(condition: .normal, isAcknowledged: true)

    /// Whether the alarm counts for an operator: beyond a limit, or latched.
    public var isActive: Bool { condition != .normal || isLatched }

    /// Whether operators are not to see the alarm among the others.
    public var isHidden: Bool { shelf != nil || suppressedBy != nil || outOfService != nil }

    /// The word for all of it. Out of service counts more than suppressed, and that more than shelved.
    public var state: AlarmState {
        if outOfService != nil { return .outOfService }
        if suppressedBy != nil { return .suppressedByDesign }
        if shelf != nil { return .shelved }
        if condition != .normal { return isAcknowledged ? .acknowledged : .unacknowledged }
        if isLatched { return isAcknowledged ? .latchedAcknowledged : .latchedUnacknowledged }
        return isAcknowledged ? .normal : .returnedUnacknowledged
    }
}
