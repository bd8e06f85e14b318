import Synchronization
import ZooKeeperClient

/// Holds a lock's last release back for a moment, when the lock is taken again and again, so that giving it up and
/// queueing again become one transaction: one write to the server's disk instead of two.
///
/// States: *cold* (releases go out at once) → *warm*, when somebody queues within ``patience`` of a release. Warm, a
/// release waits up to that long for the next one who queues; if nobody does it goes out alone, and the state is *cold*.
final class PendingRelease: Sendable {
    private static let patience = Duration.microseconds(200)

    private struct State {
        var isWarm = false
        var lastRelease: ContinuousClock.Instant?
        var pending: (lease: Lease, number: UInt64)?
        var number: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Takes charge of a node that is to be deleted.
    ///
    /// - Returns: False when the caller should delete it.
    func keep(_ lease: Lease, client: ZooKeeperClient) -> Bool {
        let now = ContinuousClock.now
        let (number, earlier) = state.withLock { state -> (UInt64?, Lease?) in
            state.lastRelease = now
            guard state.isWarm else { return (nil, nil) }
            let earlier = state.pending?.lease
            state.number &+= 1
            state.pending = (lease, state.number)
            return (state.number, earlier)
        }
        if let earlier { Cleanup.delete(earlier.path, client: client, sessionID: earlier.sessionID) }
        guard let number else { return false }
        // A task of its own because nobody waits for the release.
        Task {
            try? await Task.sleep(for: Self.patience)
            let late = state.withLock { state -> Lease? in
                guard let pending = state.pending, pending.number == number else { return nil }
                state.pending = nil
                state.isWarm = false
                return pending.lease
            }
            if let late { Cleanup.delete(late.path, client: client, sessionID: late.sessionID) }
        }
        return true
    }

    /// Somebody queues.
    ///
    /// - Returns: The node that goes in the same transaction; it is the caller's now. Those of earlier sessions are gone
    ///   by themselves.
    func take(session: Int64?) -> String? {
        let now = ContinuousClock.now
        return state.withLock { state in
            if let last = state.lastRelease, now - last < Self.patience { state.isWarm = true }
            guard let pending = state.pending else { return nil }
            state.pending = nil
            return pending.lease.sessionID == session ? pending.lease.path : nil
        }
    }
}
