import Synchronization
import ZooKeeperClient

/// One item at one member, from when the plan first asks something of it until nothing is left to do.
final class PartitionStanding: Sendable {
    private struct State {
        var duty: PartitionDuty
        var isOver = false
    }

    private let state: Mutex<State>
    private let changes = StateBroadcast<Void>((), bound: 1)

    init(_ duty: PartitionDuty) {
        state = Mutex(State(duty: duty))
    }

    var duty: PartitionDuty { state.withLock { $0.duty } }

    /// Returns once the duty is another.
    func changed(from duty: PartitionDuty) async {
        for await _ in changes.updates() where self.duty != duty { return }
    }

    /// - Returns: Whether it stands still; if not, another one has to be made.
    func change(to duty: PartitionDuty) -> Bool {
        let (stands, isNew) = state.withLock { state in
            guard !state.isOver else { return (false, false) }
            defer { state.duty = duty }
            return (true, state.duty != duty)
        }
        if isNew { changes.send(()) }
        return stands
    }

    /// Ends it, unless there is something to do again.
    ///
    /// - Returns: Whether it is over.
    func end() -> Bool {
        state.withLock { state in
            if state.duty.isOver { state.isOver = true }
            return state.isOver
        }
    }
}
