import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol

/// Arms the watches on the nodes of leases that were granted without one, a moment after: a lock that is held for less
/// than that, as most are, needs none, which saves the server a read and an event and this client two wake-ups.
///
/// Until its watch is armed a lease is not prolonged (``LeaseGrant/unwatchedDeadline``), so nothing is believed that is
/// not proved.
final class LateArming: Sendable {
    /// A lease whose watch is to be armed.
    struct Entry: Sendable {
        let node: Candidacy.Node
        let grant: LeaseGrant
        let watch: Watch
        /// What was proved before the node was seen.
        let deadline: ContinuousClock.Instant
    }

    /// Long beside what most hold a lock for, and few timers; short beside any session timeout.
    private static let delay = Duration.milliseconds(10)

    private struct State {
        var entries: [Entry] = []
        var isTimerRunning = false
    }

    private let state = Mutex(State())

    func add(_ entry: Entry) {
        let starts = state.withLock { state in
            state.entries.append(entry)
            defer { state.isTimerRunning = true }
            return !state.isTimerRunning
        }
        // A task of its own, so that the holder need not wait; it ends when nobody asks for locks any more. One for all:
        // a timer each would cost more than what it saves.
        if starts { Task { await run() } }
    }

    private func run() async {
        while true {
            try? await Task.sleep(for: Self.delay)
            let due = state.withLock { state in
                defer { state.entries = [] }
                state.isTimerRunning = !state.entries.isEmpty
                return state.entries
            }
            guard !due.isEmpty else { return }
            for entry in due where entry.grant.isHeld {
                // Ends with the answer, or with the lease.
                Task { await entry.arm() }
            }
        }
    }
}

extension LateArming.Entry {
    fileprivate func arm() async {
        var attempt = Attempt()
        var overdue: Task<Void, Never>?
        defer { overdue?.cancel() }
        while grant.isHeld {
            do {
                let data = try await grant.client.startGetData(node.path, arming: watch).value()
                guard data.stat.czxid == node.token, data.stat.ephemeralOwner == node.sessionID else {
                    return grant.end(.nodeDeleted)
                }
                return grant.watchIsArmed()
            } catch let error as ZooKeeperError {
                if error.code == .noNode { return grant.end(.nodeDeleted) }
                if error.code == .sessionExpired { return grant.end(.sessionExpired) }
                // The connection went. A new one may prolong the session's lease, but not this one's: whoever works
                // under it is told when it lapses.
                if overdue == nil {
                    overdue = Task { [deadline, grant] in
                        do { try await Task.sleep(until: deadline, clock: .continuous) } catch { return }
                        if grant.unwatchedDeadline != nil { grant.end(.deadlinePassed) }
                    }
                }
                do { try await attempt.failed(error) } catch { return grant.end(.sessionExpired) }
            } catch {
                return grant.end(.sessionExpired)
            }
        }
    }
}
