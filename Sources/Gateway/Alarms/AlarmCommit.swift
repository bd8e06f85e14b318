import Plant

/// What one entry of the journal means for this gateway: the record that the alarm has after it, and the transition that
/// is to be announced.
struct AlarmCommit: Sendable {
    let entry: JournalEntry
    /// nil when the entry is about something else.
    let record: AlarmRecord?
    /// nil for a record that was written again or corrected, and for steps of a later version, of which we take what we can read.
    let transition: ProposedTransition?

    /// An entry that was read from the tree.
    init(reading entry: JournalEntry) throws {
        self.entry = entry
        transition = try entry.alarmTransition()
        record = transition?.record ?? (try? entry.alarmRecord())
    }

    /// A transition that this gateway records; what it has made itself it does not have to be able to read.
    init(_ proposal: ProposedTransition, gateway: String) {
        entry = JournalEntry(proposal, gateway: gateway)
        record = proposal.record
        transition = proposal
    }

    /// A record whose dates this gateway corrects.
    init(correcting record: AlarmRecord, at: Milliseconds, gateway: String) {
        entry = JournalEntry(correcting: record, at: at, gateway: gateway)
        self.record = record
        transition = nil
    }

    /// A record that this gateway writes again.
    init(restoring record: AlarmRecord, at: Milliseconds, gateway: String) {
        entry = JournalEntry(restoring: record, at: at, gateway: gateway)
        self.record = record
        transition = nil
    }
}
