import DequeModule
import HeapModule

/// What of the journal has still to be announced on MQTT, and what to publish next. Time comes in as an argument: of a
/// clock that cannot be set.
///
/// An entry that records an alarm's transition owes two messages: the alarm's record on a topic of its own, retained,
/// and the event on the topic that all alarms share. It goes from one state to the next:
///
/// - *waiting*: its event has not been acknowledged by the broker. To `eventIsOut`, or to `settled` when it is given up.
/// - *eventIsOut*: the broker has the event and not yet a record at least as new. To `settled`.
/// - *settled*: ``marks(limit:)`` says what is to be written into the entry; ``marked(_:)`` forgets it.
///
/// Only an acknowledgement counts as announced. What the broker refuses is tried again, with growing pauses. The records
/// of one alarm conflate to the newest, which is tried until it is out; its events keep their order and are given up
/// when they are too old or too many, so that the journal stays within its bounds. Alarms neither wait for nor stop each
/// other, except that a topic of events which the broker refuses is probed with one message at a time.
public struct Announcements: Sendable {
    public struct Limits: Sendable, Hashable {
        /// An event that could not be announced for this long is given up.
        public var age: Milliseconds = 24 * 60 * 60 * 1000
        /// Of more owed entries than this, the oldest are given up.
        public var count = 10_000
        /// Between the first refusal and the second attempt; doubled with each further refusal.
        public var firstPause: Milliseconds = 500
        public var longestPause: Milliseconds = 30_000
        /// After a failure that is no refusal: the connection was lost, or the ownership ended.
        public var failurePause: Milliseconds = 100
        /// Records that are published again, because the broker had refused or lost them.
        public var repetitionsPerSecond = 500

        public init() {}
    }

    /// One message that is to be published now; its end is to be reported.
    public struct Publication: Sendable, Hashable {
        public enum Content: Sendable, Hashable {
            /// On the alarm's own topic, retained.
            case record(AlarmRecord)
            /// Nothing, on the same topic: the alarm was removed, with this as its last record.
            case removal(AlarmRecord)
            /// On the topic of all events.
            case event(sequence: Int64, ProposedTransition)
        }

        public let alarm: AlarmPath
        public let content: Content
    }

    /// What became of a publication.
    public enum Outcome: Sendable, Hashable {
        case acknowledged
        /// The broker, or MQTT itself, does not take it. `concernsTopic`: others on the same topic are likely to end alike.
        case refused(concernsTopic: Bool)
        /// Nobody refused it: the connection was lost, or this gateway's ownership.
        case failed
    }

    /// What is to be written into the journal.
    public struct Mark: Sendable, Hashable {
        public let sequence: Int64
        public let entry: JournalEntry
    }

    /// What keeps announcements from leaving.
    public enum Obstacle: Sendable, Hashable { case refusals, noConnection }

    public let limits: Limits
    /// Entries and their stage, by sequence; what is settled stays until it is marked.
    private(set) var entries: [Int64: Owed] = [:]
    /// Entries that wait for an acknowledgement of either message.
    private(set) var owedCount = 0
    /// Events that were given up since the start.
    public private(set) var givenUp: UInt64 = 0
    var alarms: [AlarmPath: Alarm] = [:]
    var isConnected = false
    var inFlight = 0
    var gate = EventGate.open
    /// Alarms that may have something to publish now.
    var ready: Deque<AlarmPath> = []
    /// Alarms whose next event waits for the gate.
    var gated: Deque<AlarmPath> = []
    /// Alarms whose record is to be published again, at a bounded rate.
    var repeating: Deque<AlarmPath> = []
    var repetitions = RepetitionRate()
    var pauses = Heap<PauseEnd>()
    /// Alarms whose record, and alarms whose event, the broker has refused and not taken since.
    var refusedRecords = 0
    var refusedEvents = 0
    private var settled: Deque<Int64> = []
    /// Oldest first; those that are settled are passed over.
    private var ages: Deque<Int64> = []
    /// Marked here: a read that was under way meanwhile must not bring them back.
    private var finished: Set<Int64> = []

    public init(limits: Limits = Limits()) { self.limits = limits }
}

// MARK: - The journal

extension Announcements {
    /// The journal has an entry that is not marked. `age`: for how long it has stood there.
    public mutating func entryOwed(
        _ sequence: Int64, _ entry: JournalEntry, _ transition: ProposedTransition, age: Milliseconds = 0,
        at now: Milliseconds
    ) {
        guard entries[sequence] == nil, !finished.contains(sequence) else { return }
        entries[sequence] = Owed(entry: entry, transition: transition, since: now &- max(0, age))
        owedCount += 1
        ages.append(sequence)
        if ages.count > 2 * entries.count + 1_000 { ages.removeAll { entries[$0] == nil } }
        let path = transition.path
        alarms[path, default: Alarm()].owe(sequence, transition)
        enqueue(path)
        boundCount()
    }

    /// Another gateway has marked the entry: what it stands for has been announced, or given up.
    public mutating func entryMarked(_ sequence: Int64, announced: Bool) {
        guard let owed = forget(sequence) else { return }
        if announced { recordIsOut(owed.transition.record) }
    }

    /// The entry has gone from the journal. The record of its alarm is published all the same.
    public mutating func entryRemoved(_ sequence: Int64) {
        finished.remove(sequence)
        _ = forget(sequence)
    }

    /// The journal was deleted and begins again: its numbers mean other entries from now on.
    public mutating func journalRestarted() {
        finished = []
        for sequence in Array(entries.keys) { _ = forget(sequence) }
    }

    private mutating func forget(_ sequence: Int64) -> Owed? {
        guard let owed = entries.removeValue(forKey: sequence) else { return nil }
        if owed.stage != .settled { owedCount -= 1 }
        alarms[owed.transition.path]?.drop(sequence)
        tidy(owed.transition.path)
        return owed
    }

    /// What is to be written into the journal next, the oldest first. Asking consumes nothing: ``marked(_:)`` does.
    public mutating func marks(limit: Int) -> [Mark] {
        while let first = settled.first, entries[first]?.stage != .settled { settled.removeFirst() }
        return settled.prefix(limit).compactMap { sequence in
            entries[sequence].flatMap { $0.stage == .settled ? Mark(sequence: sequence, entry: $0.entry) : nil }
        }
    }

    /// These marks stand in the journal.
    public mutating func marked(_ sequences: some Sequence<Int64>) {
        for sequence in sequences where entries[sequence]?.stage == .settled {
            entries[sequence] = nil
            finished.insert(sequence)
        }
    }

    // MARK: The end of an entry

    /// The broker has this record, or another gateway has seen to it.
    mutating func recordIsOut(_ record: AlarmRecord) {
        guard let done = alarms[record.path]?.published(record.revision) else { return }
        for sequence in done { settle(sequence) { $0.announced = true } }
        tidy(record.path)
    }

    mutating func eventIsOut(_ sequence: Int64) {
        guard let owed = entries[sequence], owed.stage == .waiting else { return }
        let record = owed.transition.record
        alarms[record.path]?.drop(sequence)
        if let alarm = alarms[record.path], alarm.publishedRevision >= record.revision {
            settle(sequence) { $0.announced = true }
        } else {
            entries[sequence]?.stage = .eventIsOut
            alarms[record.path]?.await(record.revision, for: sequence)
        }
    }

    private mutating func settle(_ sequence: Int64, _ mark: (inout JournalEntry) -> Void) {
        guard var owed = entries[sequence], owed.stage != .settled else { return }
        mark(&owed.entry)
        owed.stage = .settled
        entries[sequence] = owed
        owedCount -= 1
        settled.append(sequence)
    }

    /// Gives up what is too old.
    mutating func boundAge(at now: Milliseconds) {
        while let oldest = oldestOwed(), let owed = entries[oldest], now &- owed.since > limits.age {
            giveUp(oldest, owed)
        }
    }

    private mutating func boundCount() {
        while owedCount > limits.count, let oldest = oldestOwed(), let owed = entries[oldest] { giveUp(oldest, owed) }
    }

    /// Leaves out those whose event is on its way just now: the outcome decides.
    private mutating func oldestOwed() -> Int64? {
        while let first = ages.first, entries[first].map({ $0.stage == .settled }) ?? true { ages.removeFirst() }
        return ages.first { sequence in
            guard let owed = entries[sequence], owed.stage != .settled else { return false }
            return alarms[owed.transition.path]?.eventInFlight != sequence
        }
    }

    private mutating func giveUp(_ sequence: Int64, _ owed: Owed) {
        let path = owed.transition.path
        let alarm = alarms[path]
        let isRefused: Bool
        switch owed.stage {
        case .waiting: isRefused = gate != .open || alarm?.eventPause?.isRefusal == true
        case .eventIsOut, .settled: isRefused = alarm?.recordPause?.isRefusal == true
        }
        alarms[path]?.drop(sequence)
        settle(sequence) { $0.announcement = isRefused ? .refused : .unannounced }
        givenUp &+= 1
        tidy(path)
    }
}

extension Announcements {
    /// Whether an entry is still of interest: a change of its node may say that another gateway has marked it.
    public func holds(_ sequence: Int64) -> Bool { entries[sequence].map { $0.stage != .settled } ?? false }

    public var heldSequences: Set<Int64> { Set(entries.keys) }
}
