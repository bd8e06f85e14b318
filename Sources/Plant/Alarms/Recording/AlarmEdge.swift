/// A change of an alarm's condition as one gateway computed it. What transition it is follows from the record that it
/// is applied to, so that gateways that started from different states still agree.
struct AlarmEdge: Sendable, Hashable {
    let condition: AlarmCondition
    /// The limits whose delays ended.
    let limits: AlarmLimits
    /// When it happened, in sample time: start of the run plus the delay, and later than the edge before it.
    var time: Milliseconds
    /// The same, however late the edge before it is dated.
    let shown: Milliseconds
    /// Of the sample that began it.
    let sampleTime: Milliseconds
    let value: Double?
    /// Whether `sampleTime` came in the payload; otherwise every gateway has its own.
    let hasSourceTime: Bool
    /// Whether its sample has no time of its own and may have been kept by the broker; see ``Backlog``.
    var isFromBacklog = false
    /// Whether it was computed in an earlier life of this gateway (``AlarmSpool``): nobody else may know of it.
    var isResumed = false
    /// By this gateway's clock, when it was computed.
    var computedAt: Milliseconds
    /// The number of the leap by which that clock was away then; nil when it was not.
    var away: Int?
    /// `unheard` when the on-delay ended by the clock alone, while this gateway could not hear whether the value returned;
    /// `timeUnsure` when the sample's own time is in doubt.
    var reservation: AlarmEvaluator.Reservation?
}
