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
    /// By this gateway's clock, when it was computed.
    var computedAt: Milliseconds
    /// The number of the leap by which that clock was away then; nil when it was not.
    var away: Int?
    /// `unheard` when the on-delay ended by the clock alone, while this gateway could not hear whether the value returned;
    /// `timeUnsure` when the sample's own time is in doubt.
    var reservation: AlarmEvaluator.Reservation?
}

extension AlarmRecord {
    /// The record after an edge, and what the edge is to it. `previous` is nil for an alarm that was never active.
    static func applying(
        _ edge: AlarmEdge, to previous: AlarmRecord?, path: AlarmPath, definition: AlarmDefinition, epoch: Int64,
        after forgotten: Int64 = 0
    ) -> ProposedTransition {
        let from = previous?.condition ?? .normal
        let transition: AlarmTransition
        var record: AlarmRecord
        if let previous, edge.condition == .normal || from.isSameSide(as: edge.condition) {
            record = previous
            if edge.condition == .normal {
                transition = .returned
                record.state = previous.state.afterReturn
            } else if edge.condition.severity > from.severity {
                transition = .escalated
                record.state = previous.state.afterActivation
                record.clearAcknowledgement()
            } else {
                transition = .deescalated
            }
        } else {
            transition = .activated
            record =
                previous
                ?? AlarmRecord(
                    path: path, state: .normal, condition: .normal, priority: .low, eventID: "", occurrence: 0,
                    value: nil,
                    limit: nil, since: edge.time, epoch: epoch, changedAt: edge.time, sampledAt: edge.sampleTime,
                    revision: forgotten)
            record.state = record.state.afterActivation
            record.clearAcknowledgement()
            record.eventID = AlarmIdentity.eventID(
                of: path, activatedBy: edge.sampleTime, onDelay: definition.onDelay, after: previous)
            record.occurrence &+= 1
            record.since = edge.time
        }
        let dating = edge.hasSourceTime ? nil : ProposedTransition.Dating(shown: edge.shown, away: edge.away)
        // Moved behind a date of which is known by now that it was wrong: this one is wrong from the start.
        let isMoved = dating != nil && edge.away == nil && edge.time > edge.shown && record.corrected.changedAt != nil
        let right = isMoved ? edge.shown : nil
        if transition == .activated { record.corrected.since = right }
        record.corrected.changedAt = right
        record.corrected.sampledAt = nil
        record.condition = edge.condition
        record.isUnheard = edge.reservation == .unheard
        record.isTimeUnsure = edge.reservation == .timeUnsure
        if let limit = definition.limit(of: edge.condition) {
            record.limit = limit.limit
            record.priority = limit.priority
        }
        record.value = edge.value
        record.changedAt = edge.time
        record.sampledAt = edge.sampleTime
        record.revision &+= 1
        record.epoch = epoch
        return ProposedTransition(transition: transition, record: record, at: edge.time, dating: dating)
    }

    private mutating func clearAcknowledgement() {
        acknowledgedBy = nil
        acknowledgedAt = nil
        corrected.acknowledgedAt = nil
        comment = nil
    }

    /// The record after an operator's acknowledgement of an occurrence; nil for `eventID` means the present one.
    public func acknowledging(
        eventID: String?, by: String, comment: String?, at: Milliseconds, epoch: Int64
    ) -> Result<ProposedTransition, AcknowledgementRefusal> {
        if let eventID, eventID != self.eventID { return .failure(.superseded(eventID: self.eventID, state: state)) }
        var record = self
        switch state {
        case .unacknowledged: record.state = .acknowledged
        case .returnedUnacknowledged: record.state = .normal
        case .acknowledged, .normal:
            return .failure(.alreadyAcknowledged(by: acknowledgedBy, at: acknowledgedAt))
        case .latchedUnacknowledged, .latchedAcknowledged, .shelved, .suppressedByDesign, .outOfService:
            return .failure(.nothingToAcknowledge(state))
        }
        record.acknowledgedBy = by
        record.acknowledgedAt = at
        record.corrected.acknowledgedAt = nil
        record.comment = comment
        record.revision &+= 1
        record.epoch = epoch
        return .success(ProposedTransition(transition: .acknowledged, record: record, at: at))
    }

    /// The last record of an alarm that is removed: normal, so that a receiver that goes by the state sees it end.
    public func forgetting(at: Milliseconds, epoch: Int64) -> ProposedTransition {
        var record = self
        record.state = .normal
        record.condition = .normal
        record.revision &+= 1
        record.epoch = epoch
        return ProposedTransition(transition: .forgotten, record: record, at: at)
    }
}

extension AlarmState {
    /// After a new occurrence or an escalation.
    fileprivate var afterActivation: AlarmState {
        switch self {
        case .normal, .unacknowledged, .acknowledged, .returnedUnacknowledged: .unacknowledged
        case .latchedUnacknowledged, .latchedAcknowledged, .shelved, .suppressedByDesign, .outOfService: self
        }
    }

    /// After the condition has returned to normal.
    fileprivate var afterReturn: AlarmState {
        switch self {
        case .unacknowledged: .returnedUnacknowledged
        case .acknowledged: .normal
        case .normal, .returnedUnacknowledged: self
        case .latchedUnacknowledged, .latchedAcknowledged, .shelved, .suppressedByDesign, .outOfService: self
        }
    }
}
