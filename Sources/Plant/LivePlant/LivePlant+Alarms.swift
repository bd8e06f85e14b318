// Alarms: what is to be recorded, and what was.
extension LivePlant {
    /// Transitions that wait to be recorded.
    public var pendingTransitionCount: Int { alarms.pendingCount }

    /// Whether any of them belongs to an alarm of which nothing was computed in an earlier life.
    public var hasNewPendingTransitions: Bool { alarms.hasNewPending }

    /// Rises whenever what waits to be recorded may have changed.
    public var pendingTransitionRevision: UInt64 { alarms.pendingRevision }

    /// Transitions computed here that have been seen recorded.
    public var recordedTransitionCount: Int { alarms.statistics.edgesMatched }

    /// Everything that waits to be recorded, for the disk.
    public var alarmSpool: AlarmSpool { alarms.spool }

    /// Takes up what this gateway computed in an earlier life; see ``AlarmBook/resume(_:at:)``.
    public mutating func resumeAlarms(_ spool: AlarmSpool, at now: Milliseconds) -> AlarmBook.Resumption {
        noteMoment(now)
        return alarms.resume(spool, at: now)
    }

    /// Transitions that were given up, unrecorded, because too many waited.
    public var overflowedTransitionCount: Int { alarms.statistics.edgesOverflowed }

    /// What is to be recorded next; see ``AlarmBook/unrecorded(limit:except:)``.
    public mutating func unrecorded(limit: Int, except excluded: Set<AlarmPath> = []) -> AlarmBook.Unrecorded {
        alarms.unrecorded(limit: limit, except: excluded)
    }

    /// A transition was seen in the journal.
    ///
    /// - Parameters:
    ///   - isOurs: Whether this gateway has recorded it.
    ///   - gateway: The one that has.
    public mutating func transitionRecorded(
        _ record: AlarmRecord, isOurs: Bool, by gateway: String? = nil, at now: Milliseconds
    ) {
        lastRecorded = now
        recorderSince = gateway.flatMap { gatewayStarts[$0] } ?? .max
        noteMoment(now)
        alarms.transitionRecorded(record, isOurs: isOurs, at: now)
    }

    /// The gateways that are registered.
    public mutating func membersSeen(_ members: [GatewayMember]) {
        gatewayStarts = Dictionary(members.map { ($0.name, $0.started) }, uniquingKeysWith: { $1 })
    }

    /// The records that stand in the tree.
    public mutating func restoreAlarms(_ records: [AlarmRecord], at now: Milliseconds) {
        noteMoment(now)
        alarms.restore(records, at: now)
        for (tag, look) in unseen {
            if let unheard = unheardValue(of: tag, delays: look.delays) { alarms.confirmDelays(unheard) }
        }
    }

    /// What an operator's acknowledgement makes of an alarm; see
    /// ``AlarmBook/acknowledge(_:eventID:by:comment:at:epoch:)``.
    public func acknowledge(
        _ path: AlarmPath, eventID: String?, by: Principal, comment: String?, at now: Milliseconds, epoch: Int64
    ) -> Result<ProposedTransition, AcknowledgementRefusal> {
        alarms.acknowledge(path, eventID: eventID, by: by, comment: comment, at: now, epoch: epoch)
    }

    /// Gives up what a live active processor has evidently not agreed with. Returns how many transitions went.
    public mutating func dropPending(olderThan moment: Milliseconds, at now: Milliseconds) -> Int {
        // A processor that has recorded nothing since may just not hear the broker: that is no disagreement.
        alarms.dropPending(olderThan: min(moment, lastRecorded), recorderSince: recorderSince, at: now)
    }

    /// Every alarm of a tag and where its condition stands, as evaluated here.
    public func alarmConditions(of tag: TagPath) -> [(definition: AlarmDefinition, standing: AlarmStanding)] {
        alarms.definitions.filter { $0.tags.matches(tag) }.map { definition in
            (definition, alarms.standing(of: AlarmPath(tag: tag, alarm: definition.name)))
        }
    }
}
