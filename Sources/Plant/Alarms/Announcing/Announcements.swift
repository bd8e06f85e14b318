import DequeModule

/// What MQTT has still to deliver, and what to publish next: the machine of ``Channel/mqtt``. Time comes in as an argument:
/// of a clock that cannot be set.
///
/// An entry that records an alarm's transition owes two messages: the alarm's record on a topic of its own, retained,
/// and the event on the topic that all alarms share. It goes from one state to the next:
///
/// - *waiting*: its event has not been acknowledged by the broker. To *eventIsOut*, or to *settled* when it is given up.
/// - *eventIsOut*: the broker has the event and not yet a record at least as new. To *settled*.
/// - *settled*: ``takeSettled()`` says so once. ``DeliveryLedger`` marks it in the journal.
///
/// A message passes stages on its way out, a file each: its place among those of its alarm (``AnnouncementQueue``), the pause
/// after an attempt that failed (``AnnouncementPause``), for an event the gate of its topic (``EventGate``), for a record
/// that is published again its rate (``RepetitionRate``), and the window of what is on its way
/// (`Announcements+Publishing.swift`). What is too old or too much leaves by `Announcements+Bounds.swift`.
///
/// Only an acknowledgement counts as announced. What the broker refuses is tried again, with growing pauses. The records
/// of one alarm conflate to the newest, which is tried until it is out; its events keep their order and are given up
/// when they are too old or too many. Alarms neither wait for nor stop each other, except that a topic of events which the
/// broker refuses is probed with one message at a time.
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

    /// What became of an entry.
    public struct Settlement: Sendable, Hashable {
        public let sequence: Int64
        public let delivery: Delivery
    }

    /// What keeps announcements from leaving.
    public enum Obstacle: Sendable, Hashable { case refusals, noConnection }

    /// An entry that is not settled.
    struct Owed: Sendable {
        let transition: ProposedTransition
        let since: Milliseconds
        /// Whether it only waits for a record at least as new.
        var isEventOut = false
    }

    public let limits: Limits
    /// By sequence.
    private(set) var entries: [Int64: Owed] = [:]
    /// Events that were given up since the start.
    public internal(set) var givenUp: UInt64 = 0
    var alarms: [AlarmPath: AnnouncementQueue] = [:]
    var isConnected = false
    var inFlight = 0
    var gate = EventGate()
    /// Alarms that may have something to publish now.
    var ready: Deque<AlarmPath> = []
    /// Alarms whose record is to be published again, at a bounded rate.
    var repeating: Deque<AlarmPath> = []
    var repetitions = RepetitionRate()
    var pauses = PauseEnds()
    /// Alarms whose record, and alarms whose event, the broker has refused and not taken since.
    var refusedRecords = 0
    var refusedEvents = 0
    /// Oldest first; those that are settled are passed over.
    var ages: Deque<Int64> = []
    private var settlements: [Settlement] = []

    public init(limits: Limits = Limits()) { self.limits = limits }
}

// MARK: - The journal

extension Announcements {
    /// MQTT owes this entry of the journal. `age`: for how long it has stood there.
    public mutating func entryOwed(
        _ sequence: Int64, _ transition: ProposedTransition, age: Milliseconds = 0, at now: Milliseconds
    ) {
        guard entries[sequence] == nil else { return }
        entries[sequence] = Owed(transition: transition, since: now &- max(0, age))
        ages.append(sequence)
        if ages.count > 2 * entries.count + 1_000 { ages.removeAll { entries[$0] == nil } }
        let path = transition.path
        alarms[path, default: AnnouncementQueue()].owe(sequence, transition)
        enqueue(path)
        boundCount()
    }

    /// Another gateway has seen to the entry. nil: nobody says how.
    public mutating func entrySettled(_ sequence: Int64, as delivery: Delivery?) {
        guard let owed = forget(sequence) else { return }
        if delivery == .delivered { recordIsOut(owed.transition.record) }
    }

    /// The entry has gone from the journal. The record of its alarm is published all the same.
    public mutating func entryRemoved(_ sequence: Int64) { _ = forget(sequence) }

    /// The journal was deleted and begins again: its numbers mean other entries from now on.
    public mutating func journalRestarted() {
        for sequence in Array(entries.keys) { _ = forget(sequence) }
        settlements = []
    }

    /// What has been settled since this was last asked, in its order.
    public mutating func takeSettled() -> [Settlement] {
        defer { settlements = [] }
        return settlements
    }

    private mutating func forget(_ sequence: Int64) -> Owed? {
        guard let owed = entries.removeValue(forKey: sequence) else { return nil }
        alarms[owed.transition.path]?.drop(sequence)
        tidy(owed.transition.path)
        return owed
    }

    // MARK: The end of an entry

    /// The broker has this record, or another gateway has seen to it.
    mutating func recordIsOut(_ record: AlarmRecord) {
        guard let done = alarms[record.path]?.published(record.revision) else { return }
        for sequence in done { settle(sequence, as: .delivered) }
        tidy(record.path)
    }

    mutating func eventIsOut(_ sequence: Int64) {
        guard let owed = entries[sequence], !owed.isEventOut else { return }
        let record = owed.transition.record
        alarms[record.path]?.drop(sequence)
        if let alarm = alarms[record.path], alarm.publishedRevision >= record.revision {
            settle(sequence, as: .delivered)
        } else {
            entries[sequence]?.isEventOut = true
            alarms[record.path]?.await(record.revision, for: sequence)
        }
    }

    mutating func settle(_ sequence: Int64, as delivery: Delivery) {
        guard entries.removeValue(forKey: sequence) != nil else { return }
        settlements.append(Settlement(sequence: sequence, delivery: delivery))
    }
}
