/// Where an alarm stands between process and operator (ISA-18.2, IEC 62682); the raw value is the short name in
/// records.
///
/// It follows from the four variables of ``AlarmLifeCycle``, which also says how an alarm comes from one state to another.
public enum AlarmState: String, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// The process is normal and nothing waits for an operator.
    case normal = "NORM"
    /// The process is abnormal and nobody has acknowledged it.
    case unacknowledged = "UNACK"
    /// The process is abnormal and an operator knows.
    case acknowledged = "ACKED"
    /// The process has returned to normal before anybody acknowledged it.
    case returnedUnacknowledged = "RTNUN"
    case latchedUnacknowledged = "LTUNK"
    case latchedAcknowledged = "LTACK"
    case shelved = "SHLVD"
    case suppressedByDesign = "DSUPR"
    case outOfService = "OOSRV"

    public var description: String { rawValue }
}
