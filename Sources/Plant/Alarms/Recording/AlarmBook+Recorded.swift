extension AlarmBook {
    /// What became of a record that was passed in.
    public enum Reception: Sendable, Hashable {
        /// It is the record of an edge that was pending here, or a step such as an acknowledgement that concerns no
        /// edge.
        case agreed
        /// It told something that we had not computed; the evaluation continues from it.
        case adopted
        /// We knew it already, or a later one.
        case known
        /// No such alarm is configured for that tag.
        case unconfigured
    }

    /// Takes the records that stand in `/alarms`: at the start, after an election, after a reconnection. Those that are
    /// older than what we know change nothing.
    public mutating func restore(_ records: some Sequence<AlarmRecord>, at now: Milliseconds) {
        for record in records { transitionRecorded(record, at: now) }
    }

    /// Takes the record after a transition that was seen committed: our own, or somebody else's through the journal.
    /// Entries may come twice, late, out of order, and before the sample that they tell of.
    ///
    /// - Parameter isOurs: Whether this gateway recorded it, now or in an earlier life.
    @discardableResult
    public mutating func transitionRecorded(
        _ record: AlarmRecord, isOurs: Bool = true, at now: Milliseconds
    ) -> Reception {
        guard let alarm = number(of: record.path) else { return .unconfigured }
        let limits = limits
        let heardThrough = heardThrough
        let settlement = changingPending(of: alarm) { book in
            book.ledgers[alarm].recorded(
                record, evaluator: &book.evaluators[alarm], limits: limits, heardThrough: heardThrough,
                clock: book.clock, now: now)
        }
        schedule(alarm)
        guard let settlement else { return .known }
        statistics.edgesMatched &+= settlement.matched
        statistics.edgesSuperseded &+= settlement.superseded
        if settlement.adopted { statistics.recordsAdopted &+= 1 }
        // What the gateways say of each other is no sign of having heard the broker, nor is what was raised without it.
        if let live = settlement.live, !isOurs, !record.isUnheard, !GatewayFault.isOwn(record.path.tag) {
            settleBacklog(by: min(live, record.changedAt))
        }
        return settlement.adopted ? .adopted : .agreed
    }

    /// An alarm was removed, with this as its last record. It is evaluated as if nothing had been heard of its tag before.
    /// False when it is not configured, or has come back since.
    public mutating func forget(_ record: AlarmRecord) -> Bool {
        guard let alarm = number(of: record.path), changingPending(of: alarm, { $0.ledgers[alarm].forget(record) })
        else { return false }
        evaluators[alarm] = AlarmEvaluator(rules[ledgers[alarm].definition], clockSetBack: clock.setBack)
        scheduled[alarm] = .max
        return true
    }

    /// Gives up the edges that were computed before a moment, by our own clock, and have not been recorded since.
    ///
    /// For a standby that knows of a live active processor which evidently disagrees, because it has heard other
    /// samples. The evaluation continues from the record; what the newest sample says about it becomes pending again.
    /// Returns how many went.
    ///
    /// - Parameter recorderSince: When the process of the active processor was started, where that is known: it has heard what
    ///   was sent since then.
    @discardableResult
    public mutating func dropPending(
        olderThan moment: Milliseconds, recorderSince: Milliseconds = .max, at now: Milliseconds
    ) -> Int {
        var dropped = 0
        for alarm in Array(agenda.alarms) {
            dropped += changingPending(of: alarm) { book in
                book.ledgers[alarm].dropPending(
                    olderThan: moment, recorderSince: recorderSince, evaluator: &book.evaluators[alarm],
                    heardThrough: book.heardThrough,
                    clock: book.clock, now: now)
            }
            schedule(alarm)
        }
        statistics.edgesDropped &+= dropped
        return dropped
    }

    /// Another gateway has recorded, dated so, what this one has heard live as well: the edges of the backlog that are clearly
    /// older are settled.
    private mutating func settleBacklog(by date: Milliseconds) {
        guard !backlogged.isEmpty, date >= settlesNotBefore else { return }
        // Not at each of many that follow within milliseconds.
        settlesNotBefore = date.addingClamped(limits.settledAfter / 4)
        let moment = date.subtractingClamped(limits.settledAfter)
        for alarm in backlogged {
            statistics.edgesSettled &+= changingPending(of: alarm) { book in
                book.ledgers[alarm].settleBacklog(computedBy: moment, clock: book.clock)
            }
        }
    }

    /// Runs a change of one alarm's ledger and keeps the totals right.
    mutating func changingPending<Result>(of alarm: Int, _ change: (inout AlarmBook) -> Result) -> Result {
        let before = ledgers[alarm].pending.count
        let result = change(&self)
        let after = ledgers[alarm].pending.count
        pendingCount += after - before
        if before + after > 0 { pendingRevision &+= 1 }
        if ledgers[alarm].hasBacklog {
            backlogged.insert(alarm)
        } else if !backlogged.isEmpty {
            backlogged.remove(alarm)
        }
        if ledgers[alarm].hasResumed {
            resumed.insert(alarm)
        } else if !resumed.isEmpty {
            resumed.remove(alarm)
        }
        if before + after > 0 { agenda.set(alarm, ledgers[alarm].path, to: ledgers[alarm].pending.first?.time) }
        return result
    }
}
