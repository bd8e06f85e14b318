import Plant

/// What one entry of the journal means for this gateway: the record that the alarm has after it, and the transition that
/// is to be delivered.
struct AlarmCommit: Sendable {
    let entry: JournalEntry
    /// nil when the entry is about something else.
    let record: AlarmRecord?
    /// nil for a record that was written again or corrected, and for steps of a later version, of which we take what we can read.
    let transition: ProposedTransition?
    /// What was removed from the tree, when the entry is about that.
    let forgotten: Forgotten?

    /// An entry that was read from the tree.
    init(reading entry: JournalEntry) throws {
        self.entry = entry
        transition = try entry.alarmTransition()
        forgotten = try entry.forgotten()
        record = transition?.record ?? (try? entry.alarmRecord())
    }

    /// A transition that this gateway records; what it has made itself it does not have to be able to read.
    init(_ proposal: ProposedTransition, gateway: String, owedBy channels: [Channel]) {
        entry = JournalEntry(proposal, gateway: gateway, owedBy: channels)
        record = proposal.record
        transition = proposal
        forgotten = nil
    }

    /// An alarm that this gateway removes at an operator's wish.
    init(
        forgetting record: AlarmRecord, at: Milliseconds, by: Principal, comment: String?, gateway: String,
        epoch: Int64,
        owedBy channels: [Channel]
    ) {
        let proposal = record.forgetting(at: at, epoch: epoch)
        entry = JournalEntry(
            forgetting: proposal, was: record.state, by: by, comment: comment, gateway: gateway, owedBy: channels)
        self.record = proposal.record
        transition = proposal
        forgotten = .alarm(proposal.record)
    }

    /// A tag or device that this gateway removes; nil for an alarm.
    init?(
        forgetting forgotten: Forgotten, at: Milliseconds, by: Principal, comment: String?, gateway: String,
        epoch: Int64,
        tags: Int
    ) {
        guard
            let entry = JournalEntry(
                forgetting: forgotten, at: at, by: by, comment: comment, gateway: gateway, epoch: epoch, tags: tags)
        else { return nil }
        self.entry = entry
        record = nil
        transition = nil
        self.forgotten = forgotten
    }

    /// A record whose dates this gateway corrects.
    init(correcting record: AlarmRecord, at: Milliseconds, gateway: String) {
        entry = JournalEntry(correcting: record, at: at, gateway: gateway)
        self.record = record
        transition = nil
        forgotten = nil
    }

    /// A record that this gateway writes again.
    init(restoring record: AlarmRecord, at: Milliseconds, gateway: String) {
        entry = JournalEntry(restoring: record, at: at, gateway: gateway)
        self.record = record
        transition = nil
        forgotten = nil
    }
}
