extension AlarmRecord {
    /// The record after an edge, and what the edge is to it; nil when it changes nothing. `previous` is nil for an alarm that
    /// was never active.
    static func applying(
        _ edge: AlarmEdge, to previous: AlarmRecord?, path: AlarmPath, definition: AlarmDefinition, epoch: Int64,
        after forgotten: Int64 = 0
    ) -> ProposedTransition? {
        var record =
            previous
            ?? AlarmRecord(
                path: path, lifeCycle: .normal, priority: .low, eventID: "", occurrence: 0, value: nil, limit: nil,
                since: edge.time, epoch: epoch, changedAt: edge.time, sampledAt: edge.sampleTime, revision: forgotten)
        guard
            case .success(let step) = record.lifeCycle.after(
                .conditionReached(edge.condition), definition.lifeCycleRules)
        else { return nil }
        let transition = step.transition
        record.lifeCycle = step.lifeCycle
        if transition == .activated {
            record.eventID = AlarmIdentity.eventID(
                of: path, activatedBy: edge.sampleTime, onDelay: definition.onDelay, after: previous)
            record.occurrence &+= 1
            record.since = edge.time
        }
        if transition == .activated || transition == .escalated { record.clearAcknowledgement() }
        let dating = edge.hasSourceTime ? nil : ProposedTransition.Dating(shown: edge.shown, away: edge.away)
        // Moved behind a date of which is known by now that it was wrong: this one is wrong from the start.
        let isMoved = dating != nil && edge.away == nil && edge.time > edge.shown && record.corrected.changedAt != nil
        let right = isMoved ? edge.shown : nil
        if transition == .activated { record.corrected.since = right }
        record.corrected.changedAt = right
        record.corrected.sampledAt = nil
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
        eventID: String?, by: Principal, comment: String?, at: Milliseconds, epoch: Int64
    ) -> Result<ProposedTransition, AcknowledgementRefusal> {
        if let eventID, eventID != self.eventID { return .failure(.notPresent(eventID: self.eventID, state: state)) }
        var record = self
        switch lifeCycle.after(.acknowledged, .init()) {
        case .success(let step): record.lifeCycle = step.lifeCycle
        case .failure(.alreadyAcknowledged):
            return .failure(.alreadyAcknowledged(by: acknowledgedBy, at: acknowledgedAt))
        case .failure: return .failure(.nothingToAcknowledge(state))
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
        record.lifeCycle = .normal
        record.revision &+= 1
        record.epoch = epoch
        return ProposedTransition(transition: .forgotten, record: record, at: at)
    }
}
