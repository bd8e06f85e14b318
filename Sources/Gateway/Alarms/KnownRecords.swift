import Plant
import Synchronization

/// The newest record of every alarm that this gateway has seen committed, whether in the journal or in the tree.
///
/// It outlives the node: a record that has gone from the tree is written again from here. Not so one that an operator had
/// removed: as long as the journal has the entry that says so, nothing that came before it is taken again, in whatever
/// order entries and nodes are read.
final class KnownRecords: Sendable {
    private struct State {
        var records: [AlarmPath: AlarmRecord] = [:]
        /// Of alarms that were removed: the revision of the last record, and the number of the entry that says so.
        var forgotten: [AlarmPath: (revision: Int64, sequence: Int64)] = [:]
        /// The same alarms by the number of the entry.
        var entries: [Int64: AlarmPath] = [:]

        func isCurrent(_ record: AlarmRecord) -> Bool { record.revision > forgotten[record.path]?.revision ?? .min }
    }

    private let state = Mutex(State())

    func take(_ record: AlarmRecord) { take(CollectionOfOne(record)) }

    func take(_ newer: some Sequence<AlarmRecord>) {
        state.withLock { state in
            for record in newer
            where state.isCurrent(record) && record.revision > state.records[record.path]?.revision ?? .min {
                state.records[record.path] = record
            }
        }
    }

    func record(of alarm: AlarmPath) -> AlarmRecord? { state.withLock { $0.records[alarm] } }

    func records(of tags: Set<TagPath>) -> [AlarmRecord] {
        state.withLock { $0.records.values.filter { tags.contains($0.path.tag) } }.sorted { $0.path < $1.path }
    }

    /// Whether a record is newer than what was removed of its alarm, if anything was.
    func isCurrent(_ record: AlarmRecord) -> Bool { state.withLock { $0.isCurrent(record) } }

    /// Those that stand in the tree in an older revision, or not at all. An unreadable node counts as none.
    func missing(in standings: AlarmStandings) -> [AlarmRecord] {
        state.withLock { state in
            state.records.values.filter { $0.revision > standings.revision(of: $0.path) ?? .min }
        }.sorted { $0.path < $1.path }
    }

    // MARK: What was removed

    /// The journal says, in this entry, that an alarm was removed with this as its last record.
    func forget(_ record: AlarmRecord, at sequence: Int64) {
        state.withLock { state in
            guard state.isCurrent(record) else { return }
            if let former = state.forgotten[record.path] { state.entries[former.sequence] = nil }
            state.forgotten[record.path] = (record.revision, sequence)
            state.entries[sequence] = record.path
            if let known = state.records[record.path], known.revision <= record.revision {
                state.records[record.path] = nil
            }
        }
    }

    /// An entry has gone from the journal, for every gateway.
    func entryRemoved(_ sequence: Int64) {
        state.withLock { state in
            if let alarm = state.entries.removeValue(forKey: sequence) { state.forgotten[alarm] = nil }
        }
    }

    /// The journal was deleted and begins again.
    func journalRestarted() {
        state.withLock { state in
            state.forgotten = [:]
            state.entries = [:]
        }
    }

    /// The revision with which an alarm was removed, as long as the journal says so.
    func forgottenRevision(of alarm: AlarmPath) -> Int64? { state.withLock { $0.forgotten[alarm]?.revision } }
}
