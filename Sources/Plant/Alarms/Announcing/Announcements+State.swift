import DequeModule

extension Announcements {
    /// An entry of the journal that is not marked yet.
    struct Owed: Sendable {
        enum Stage: Sendable { case waiting, eventIsOut, settled }

        var entry: JournalEntry
        let transition: ProposedTransition
        let since: Milliseconds
        var stage = Stage.waiting
    }

    /// What is to be published of one alarm. At most one message of an alarm is on its way.
    struct Alarm: Sendable {
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
        var recordPause: Pause?
        var eventPause: Pause?
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
        var content: Publication.Content? { record.map { isRemoved ? .removal($0) : .record($0) } }

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

    /// How long something rests before its next attempt.
    struct Pause: Sendable, Hashable {
        var length: Milliseconds
        var until: Milliseconds
        /// Whether the broker refused; otherwise the connection failed.
        var isRefusal: Bool
    }

    struct PauseEnd: Comparable, Sendable {
        let time: Milliseconds
        let alarm: AlarmPath

        static func < (left: Self, right: Self) -> Bool { left.time < right.time }
        static func == (left: Self, right: Self) -> Bool { left.time == right.time }
    }

    /// Whether events may leave at all.
    ///
    /// *open*: all of them. To *refusing* when the broker refuses one for the sake of its topic. *refusing*: one event at a
    /// time, when the pause is over. Back to *open* as soon as the broker takes any.
    enum EventGate: Sendable, Hashable {
        case open
        case refusing(pause: Milliseconds, until: Milliseconds, probe: Int64?)
    }

    /// Spreads repetitions: no more than a tenth of what a second allows in each tenth of a second.
    struct RepetitionRate: Sendable {
        private var tenth = Milliseconds.min
        private var used = 0

        mutating func take(perSecond: Int, at now: Milliseconds) -> Bool {
            let current = now / 100
            if current != tenth {
                tenth = current
                used = 0
            }
            guard used < max(1, perSecond / 10) else { return false }
            used += 1
            return true
        }
    }
}
