import Plant
import Synchronization

/// Where the journal, the announcer and the comparison of retained records meet: ``Announcements`` behind a lock.
final class AnnouncementBoard: Sendable {
    /// Turns of the announcer: something may be published.
    let turns = Wake()
    /// Turns of the announcer: something may be marked in the journal.
    let markTurns = Wake()

    private struct State {
        var announcements: Announcements
        var lastRefusal: String?
    }

    private let clock: GatewayClock
    private let start: ContinuousClock.Instant
    private let state: Mutex<State>

    init(limits: Announcements.Limits = .init(), clock: GatewayClock) {
        self.clock = clock
        start = clock.now()
        state = Mutex(State(announcements: Announcements(limits: limits)))
    }

    /// By a clock that cannot be set.
    private var now: Milliseconds { (clock.now() - start).wholeMilliseconds }

    private func change<Result>(_ body: (inout Announcements) -> Result) -> Result {
        state.withLock { body(&$0.announcements) }
    }

    func wake() {
        turns.wake()
        markTurns.wake()
    }

    // MARK: The journal

    func entryOwed(_ sequence: Int64, _ entry: JournalEntry, _ transition: ProposedTransition, age: Milliseconds) {
        let now = now
        change { $0.entryOwed(sequence, entry, transition, age: age, at: now) }
        turns.wake()
    }

    func entryMarked(_ sequence: Int64, announced: Bool) {
        change { $0.entryMarked(sequence, announced: announced) }
    }

    func entryRemoved(_ sequence: Int64) { change { $0.entryRemoved(sequence) } }

    func journalRestarted() { change { $0.journalRestarted() } }

    func holds(_ sequence: Int64) -> Bool { change { $0.holds(sequence) } }

    var heldSequences: Set<Int64> { change { $0.heldSequences } }

    // MARK: Publishing

    func next(limit: Int) -> [Announcements.Publication] {
        let now = now
        return change { $0.next(limit: limit, at: now) }
    }

    /// - Parameter refusal: the broker's reason, when it refused.
    func ended(_ publication: Announcements.Publication, _ outcome: Announcements.Outcome, refusal: String? = nil) {
        let now = now
        state.withLock { state in
            if let refusal { state.lastRefusal = refusal }
            state.announcements.ended(publication, outcome, at: now)
        }
        wake()
    }

    func connected() {
        let now = now
        change { $0.connected(at: now) }
        turns.wake()
    }

    func disconnected() { change { $0.disconnected() } }

    func recordsLost(_ records: [AlarmRecord], areRemoved: Bool = false) {
        change { $0.recordsLost(records, areRemoved: areRemoved) }
        turns.wake()
    }

    func termEnded() { change { $0.termEnded() } }

    // MARK: Marking

    func marks(limit: Int) -> [Announcements.Mark] { change { $0.marks(limit: limit) } }

    func marked(_ sequences: [Int64]) { change { $0.marked(sequences) } }

    // MARK: Numbers

    /// What keeps announcements from leaving, and the broker's reason for its latest refusal.
    var obstacle: (Announcements.Obstacle, lastRefusal: String?)? {
        state.withLock { state in state.announcements.obstacle.map { ($0, state.lastRefusal) } }
    }

    /// Counters by name, for the gateway's status.
    var numbers: [(name: String, value: UInt64)] {
        let (waiting, refused, givenUp) = change { ($0.waiting, $0.refused, $0.givenUp) }
        return [
            ("announcementsWaiting", UInt64(clamping: waiting)), ("announcementsRefused", UInt64(clamping: refused)),
            ("announcementsGivenUp", givenUp),
        ]
    }
}
