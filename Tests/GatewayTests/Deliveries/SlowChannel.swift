import Plant
import Synchronization

@testable import Gateway

/// A second channel that only these tests have. It delivers nothing by itself: an entry that it owes stays until the test
/// lets it go, as it would with a receiver that hangs.
final class SlowChannel: DeliveryChannel {
    private struct State {
        var owed: [Int64: ProposedTransition] = [:]
        var settled: [(sequence: Int64, delivery: Delivery)] = []
    }

    let channel: Channel
    let turns = Wake()
    /// Of the board that it belongs to.
    let marks: Wake
    private let state = Mutex(State())

    init(_ name: String = "pager", marks: Wake = Wake()) {
        channel = Channel(rawValue: name)
        self.marks = marks
    }

    /// What it owes: `ACT 1`, the transition with the alarm's revision, in the order of the journal.
    var owed: [String] {
        state.withLock { state in
            state.owed.sorted { $0.key < $1.key }.map { "\($0.value.transition.rawValue) \($0.value.record.revision)" }
        }
    }

    /// The receiver answers, for everything that is owed.
    func settleAll(as delivery: Delivery = .delivered) {
        state.withLock { state in
            state.settled += state.owed.keys.sorted().map { ($0, delivery) }
            state.owed = [:]
        }
        marks.wake()
    }

    func entryOwed(_ sequence: Int64, _ transition: ProposedTransition, age: Milliseconds) {
        state.withLock { $0.owed[sequence] = transition }
    }

    func entrySettled(_ sequence: Int64, as delivery: Delivery?) { state.withLock { $0.owed[sequence] = nil } }

    func entryRemoved(_ sequence: Int64) { state.withLock { $0.owed[sequence] = nil } }

    func journalRestarted() { state.withLock { $0 = State() } }

    func takeSettled() -> [(sequence: Int64, delivery: Delivery)] {
        state.withLock { state in
            defer { state.settled = [] }
            return state.settled
        }
    }
}
