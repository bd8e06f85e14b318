import Plant
import Primitives
import Synchronization

/// Where the journal, the announcer and the comparison of retained records meet: ``/Plant/Announcements`` behind a lock. To
/// ``DeliveryBoard`` it is the channel ``/Plant/Channel/mqtt``.
final class AnnouncementBoard: DeliveryChannel {
    /// Turns of the announcer: something may be published.
    let turns = Wake()
    let channel = Channel.mqtt

    private struct State {
        var announcements: Announcements
        var lastRefusal: String?
    }

    private let marks: Wake
    private let clock: GatewayClock
    private let start: ContinuousClock.Instant
    private let state: Mutex<State>

    /// - Parameter marks: woken when something may be marked in the journal.
    init(limits: Announcements.Limits = .init(), marks: Wake, clock: GatewayClock) {
        self.marks = marks
        self.clock = clock
        start = clock.now()
        state = Mutex(State(announcements: Announcements(limits: limits)))
    }

    /// By a clock that cannot be set.
    private var now: Milliseconds { (clock.now() - start).wholeMilliseconds }

    private func change<Result>(_ body: (inout Announcements) -> Result) -> Result {
        state.withLock { body(&$0.announcements) }
    }

    /// Time has passed: something may be published again, or has been given up.
    func wake() {
        turns.wake()
        marks.wake()
    }

    // MARK: The journal

    func entryOwed(_ sequence: Int64, _ transition: ProposedTransition, age: Milliseconds) {
        let now = now
        change { $0.entryOwed(sequence, transition, age: age, at: now) }
    }

    func entrySettled(_ sequence: Int64, as delivery: Delivery?) {
        change { $0.entrySettled(sequence, as: delivery) }
    }

    func entryRemoved(_ sequence: Int64) { change { $0.entryRemoved(sequence) } }

    func journalRestarted() { change { $0.journalRestarted() } }

    func takeSettled() -> [(sequence: Int64, delivery: Delivery)] {
        change { $0.takeSettled() }.map { ($0.sequence, $0.delivery) }
    }

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
