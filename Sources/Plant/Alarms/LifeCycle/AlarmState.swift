/// Where an alarm stands between process and operator (ISA-18.2, IEC 62682); the raw value is the short name in
/// records.
///
/// Conditions and acknowledgements move an alarm between the first four:
///
///     NORM  ── ACT ──▶ UNACK ── ACK ──▶ ACKED          UNACK ── RTN ──▶ RTNUN
///     ACKED ── RTN ──▶ NORM             ACKED ── ESC ──▶ UNACK
///     RTNUN ── ACK ──▶ NORM             RTNUN ── ACT ──▶ UNACK (a new occurrence)
///
/// ESC in UNACK and DEESC in UNACK or ACKED keep the state. An alarm that stands in one of the other five keeps it
/// while its condition comes and goes, and there is nothing to acknowledge in them.
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
