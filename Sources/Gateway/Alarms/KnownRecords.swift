import Plant
import Synchronization

/// The newest record of every alarm that this gateway has seen committed, whether in the journal or in the tree.
///
/// It outlives the node: a record that has gone from the tree is written again from here.
final class KnownRecords: Sendable {
    private let records = Mutex<[AlarmPath: AlarmRecord]>([:])

    func take(_ record: AlarmRecord) { take(CollectionOfOne(record)) }

    func take(_ newer: some Sequence<AlarmRecord>) {
        records.withLock { records in
            for record in newer where record.revision > (records[record.path]?.revision ?? .min) {
                records[record.path] = record
            }
        }
    }

    func record(of alarm: AlarmPath) -> AlarmRecord? { records.withLock { $0[alarm] } }

    /// Those that stand in the tree in an older revision, or not at all. An unreadable node counts as none.
    func missing(in standings: AlarmStandings) -> [AlarmRecord] {
        records.withLock { records in
            records.values.filter { $0.revision > standings.revision(of: $0.path) ?? .min }
        }.sorted { $0.path < $1.path }
    }
}
