import DequeModule

/// First stage of an announcement: what is to be published of one alarm, in its order.
///
/// Events keep the order of the journal; records conflate to the newest, and one that is older than what the broker has
/// never leaves. At most one message of an alarm is on its way, so none overtakes another.
struct AnnouncementQueue: Sendable {
    /// Entries whose event is owed, in the order of the journal.
    private(set) var events: Deque<Int64> = []
    /// Entries whose event is out, and whose record is not.
    private(set) var awaitingRecord: [(sequence: Int64, revision: Int64)] = []
    /// The newest record that the broker does not have.
    private(set) var record: AlarmRecord?
    /// Whether the alarm was removed with that record: then the broker must have none.
    private(set) var isRemoved = false
    /// Whether an entry of the journal asks for it; otherwise it is published again, at a bounded rate.
    private(set) var isRecordOwed = false
    /// Of the newest record that the broker has acknowledged. A record that is older never leaves.
    private(set) var publishedRevision = Int64.min
    var recordPause: AnnouncementPause?
    var eventPause: AnnouncementPause?
    var isInFlight = false
    /// The entry whose event is on its way.
    var eventInFlight: Int64?
    /// In which of the queues it stands.
    var isReady = false
    var isGated = false
    var isRepeating = false

    mutating func owe(_ sequence: Int64, _ transition: ProposedTransition) {
        let place = events.lastIndex { $0 < sequence }.map { $0 + 1 } ?? 0
        events.insert(sequence, at: place)
        let newer = transition.record
        guard newer.revision > publishedRevision, newer.revision > record?.revision ?? .min else { return }
        record = newer
        isRemoved = transition.transition == .forgotten
        isRecordOwed = true
    }

    /// The broker does not retain this record. What an entry owes comes first, and brings a newer one.
    mutating func owe(again lost: AlarmRecord, isRemoved: Bool) -> Bool {
        guard events.isEmpty, awaitingRecord.isEmpty, lost.revision >= publishedRevision,
            lost.revision > record?.revision ?? .min
        else { return false }
        record = lost
        self.isRemoved = isRemoved
        isRecordOwed = false
        return true
    }

    /// What the alarm's own topic is to hold; nil when the broker has it.
    var content: Announcements.Publication.Content? { record.map { isRemoved ? .removal($0) : .record($0) } }

    mutating func drop(_ sequence: Int64) {
        if let place = events.firstIndex(of: sequence) { events.remove(at: place) }
        awaitingRecord.removeAll { $0.sequence == sequence }
    }

    mutating func await(_ revision: Int64, for sequence: Int64) { awaitingRecord.append((sequence, revision)) }

    /// Returns the entries that have only waited for it.
    mutating func published(_ revision: Int64) -> [Int64] {
        publishedRevision = max(publishedRevision, revision)
        if let waiting = record, waiting.revision <= publishedRevision {
            record = nil
            isRecordOwed = false
        }
        let through = publishedRevision
        let done = awaitingRecord.filter { $0.revision <= through }
        if !done.isEmpty { awaitingRecord.removeAll { $0.revision <= through } }
        return done.map(\.sequence)
    }

    /// Forgets a record that no entry asks for.
    mutating func dropRepetition() {
        if !isRecordOwed { record = nil }
    }
}
