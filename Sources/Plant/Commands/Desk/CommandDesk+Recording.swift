import JSON

extension CommandDesk {
    /// Records that the command has been published, or, if it may be published once only, is about to be.
    mutating func recordSent(_ id: String, attempt: Int64, at now: Milliseconds) {
        guard let entry = entries[id] else { return }
        var record = stamped(entry)
        record.state = .sent
        record.attempt = attempt
        record.sentAt = now
        entries[id]?.phase = .recordingSent(record)
        write(id, record, at: now)
    }

    /// Records the end of the command.
    /// - Parameter left: it has been published (again) since its record was last written.
    mutating func finish(
        _ id: String, _ state: CommandState, _ reason: CommandReason, _ detail: String?, result: JSONValue? = nil,
        verification: CommandVerdict? = nil, at now: Milliseconds, left: Bool = false
    ) {
        guard let entry = entries[id] else { return }
        stopListening(id)
        var record = stamped(entry)
        if left, entry.publications > 0, !entry.isAtMostOnce {
            if entry.phase == .publishing { record.attempt = record.nextAttempt }
            record.sentAt = record.sentAt ?? now
        }
        let mayHaveBeenSent = mayHaveBeenSentUnrecorded(entry, state, reason)
        record.state = state
        record.reason = reason
        record.detail = mayHaveBeenSent ? (detail.map { $0 + "; " } ?? "") + Self.caveat : detail
        record.result = result
        record.verification = verification
        record.finishedAt = now
        entries[id]?.phase = .finishing(record)
        entries[id]?.ending = nil
        entries[id]?.isRefused = state == .rejected && entry.record.state == .requested && !mayHaveBeenSent
        write(id, record, at: now)
    }

    /// Said of an idempotent command that is about to be recorded as not sent, though a former owner may have published it in its
    /// last moment, before it could record `SENT`.
    static let caveat = "requested under a former owner, which may have sent it without having recorded that"

    private func mayHaveBeenSentUnrecorded(_ entry: Entry, _ state: CommandState, _ reason: CommandReason) -> Bool {
        guard entry.record.state == .requested, entry.definition?.execution != .atMostOnce,
            let epoch = epochs[entry.shard],
            entry.place.czxid < epoch
        else { return false }
        switch state {
        case .rejected, .cancelled, .expired: return true
        case .failed: return reason != .device
        case .requested, .sent, .published, .succeeded, .timedOut, .unknown: return false
        }
    }

    /// The record with what the owner adds to every version.
    private func stamped(_ entry: Entry) -> CommandRecord {
        var record = entry.record
        record.gateway = gateway
        record.epoch = epochs[entry.shard]
        record.deadline = entry.deadline
        record.execution = record.state == .sent ? record.execution : entry.definition?.execution
        return record
    }

    private mutating func write(_ id: String, _ record: CommandRecord, at now: Milliseconds) {
        guard let entry = entries[id], let epoch = epochs[entry.shard] else { return }
        let ticket = nextTicket(id)
        actions.append(
            .record(
                CommandWrite(
                    ticket: ticket, shard: entry.shard, epoch: epoch, expectedVersion: entry.version,
                    from: entry.record.state,
                    record: record, at: now, isRefusal: record.state == .rejected && entry.isRefused)))
    }

    /// The write under way has been committed.
    mutating func written(_ id: String, version: Int32, at now: Milliseconds) {
        guard let entry = entries[id] else { return }
        entries[id]?.ticket = 0
        entries[id]?.version = version
        switch entry.phase {
        case .finishing: remove(id, isOver: true, at: now)
        case .recordingSent(let record):
            entries[id]?.record = record
            if entry.isAtMostOnce { sendOnce(id, at: now) } else { sentRecorded(id, at: now) }
        case .idle, .waiting, .pausing, .judging, .publishing, .awaitingAnswer, .awaitingFormerAnswer, .verifying,
            .rereading:
            return
        }
    }

    /// An at-most-once command stands as `SENT` by our own hand: the one moment in its life when it is published.
    private mutating func sendOnce(_ id: String, at now: Milliseconds) {
        guard let entry = entries[id] else { return }
        if entry.ends <= now {
            return finish(id, .expired, .deadline, "its deadline passed before it was sent; it was not sent", at: now)
        }
        if let doubt = doubtText { return finish(id, .failed, .clock, doubt, at: now) }
        publish(id, at: now)
    }

    /// An idempotent command has been published and stands as `SENT`.
    private mutating func sentRecorded(_ id: String, at now: Milliseconds) {
        guard let entry = entries[id] else { return }
        if let ending = entry.ending { return conclude(id, ending, at: now) }
        if entry.mustSendAgain {
            entries[id]?.mustSendAgain = false
            let until = now.addingClamped(Self.retryPause)
            entries[id]?.phase = .pausing(until: until)
            setTimer(id, at: until)
        } else {
            awaitOutcome(id, at: now)
        }
        // The deadline may have passed while it was being recorded.
        if entry.ends <= now { timerFired(id, at: now) }
    }

    mutating func writeFailed(_ id: String, _ failure: CommandWriteFailure, at now: Milliseconds) {
        guard let entry = entries[id] else { return }
        entries[id]?.ticket = 0
        let intent: Intent
        switch entry.phase {
        case .recordingSent(let record): intent = .sent(record)
        case .finishing(let record): intent = .final(record)
        case .idle, .waiting, .pausing, .judging, .publishing, .awaitingAnswer, .awaitingFormerAnswer, .verifying,
            .rereading:
            return
        }
        switch failure {
        case .gone: remove(id, isOver: false, at: now)
        case .outdated:
            entries[id]?.phase = .rereading(after: intent, isAsked: true)
            actions.append(.read(id: id))
        case .unclear:
            entries[id]?.phase = .rereading(after: intent, isAsked: false)
            setTimer(id, at: now.addingClamped(Self.retryPause))
        case .refused: writeRefused(id, intent, at: now)
        }
    }

    /// The tree does not take the record: that is tried again now and then. The others of its device wait until its deadline, and
    /// no longer: before that another owner, which may write the record, would still send the command, and must not do so after
    /// those that came later.
    private mutating func writeRefused(_ id: String, _ intent: Intent, at now: Milliseconds) {
        guard let entry = entries[id] else { return }
        switch intent {
        case .sent: entries[id]?.isSentRefused = true
        case .final: if entry.ends <= now { dequeue(entry) }
        }
        entries[id]?.phase = .rereading(after: intent, isAsked: false)
        setTimer(id, at: now.addingClamped(Self.refusalPause))
        pump(entry.record.device, at: now)
    }

    /// What stands in the tree after a write that was refused or whose outcome was unclear.
    mutating func reread(_ found: CommandRecord, version: Int32, intent: Intent, at now: Milliseconds) {
        guard let entry = entries[found.id], let epoch = epochs[entry.shard] else { return }
        if found.state.isFinal { return remove(found.id, isOver: true, at: now) }
        let isUnchanged = version == entry.version
        entries[found.id]?.version = version
        entries[found.id]?.record.cancelRequestedBy = found.cancelRequestedBy
        entries[found.id]?.record.cancelRequestedAt = found.cancelRequestedAt
        switch intent {
        case .final(var record):
            // Nobody else writes: at most somebody has asked for it to be cancelled.
            record.cancelRequestedBy = found.cancelRequestedBy
            record.cancelRequestedAt = found.cancelRequestedAt
            entries[found.id]?.phase = .finishing(record)
            write(found.id, record, at: now)
        case .sent(var record):
            // An epoch belongs to one lease of one gateway, so this is the write whose outcome was unclear.
            let isOurs = found.state == .sent && found.epoch == epoch && found.attempt == record.attempt
            if isOurs, !isUnchanged {
                entries[found.id]?.phase = .recordingSent(found)
                return written(found.id, version: version, at: now)
            }
            if entry.isAtMostOnce {
                // Not published yet. Either it is as it was, or somebody asked to cancel it, or a former owner had sent it.
                entries[found.id]?.record = found
                return start(found.id, at: now)
            }
            if entry.isSentRefused {
                // It has been published, and its end need not wait for the record of that.
                if let ending = entry.ending { return conclude(found.id, ending, at: now) }
                if entry.ends <= now { return finishAtDeadline(found.id, at: now) }
            }
            record.cancelRequestedBy = found.cancelRequestedBy
            record.cancelRequestedAt = found.cancelRequestedAt
            record.attempt = max(record.attempt, isUnchanged ? found.attempt : found.nextAttempt)
            entries[found.id]?.phase = .recordingSent(record)
            write(found.id, record, at: now)
        }
    }
}
