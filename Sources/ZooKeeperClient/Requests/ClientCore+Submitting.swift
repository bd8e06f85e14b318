import NIOCore
import Synchronization
import ZooKeeperProtocol

/// The way of requests from callers to the connection.
extension ClientCore {
    /// Hands a request in; its outcome settles `call`.
    func submit(_ call: PendingCall, _ urgency: Submissions.Urgency = .now) {
        handled(submissions.add(call, urgency), call)
    }

    /// Hands requests in that leave together.
    func submit(together calls: [PendingCall]) {
        guard let last = calls.last else { return }
        for call in calls.dropLast() { handled(submissions.add(call, .withNext), call) }
        let outcome = submissions.add(last)
        handled(outcome, last)
        // The others have relied on it.
        if case .refused = outcome { eventLoop.execute { self.flush() } }
    }

    private func handled(_ outcome: Submissions.Outcome, _ call: PendingCall) {
        switch outcome {
        case .refused(let error): call.finish(.failure(error))
        case .wakes: if !writeDirectly() { eventLoop.execute { self.flush() } }
        case .wakesSoon:
            let end = Moment.now + Self.lingerTime
            eventLoop.execute { self.linger(until: end) }
        case .queued: break
        }
    }

    // MARK: Alone

    /// How many requests may be under way for one more to be written by who asks for it.
    private static let few = 4

    /// Writes what was handed in on this thread, which saves waking the event loop: as long as a wake-up takes, a third
    /// of what a request takes altogether. For a caller who is alone: of many at the same time each would pay for a write
    /// of its own, and the server's disk for as many, where the event loop gathers them.
    ///
    /// - Returns: False when that is not to be done now; somebody has to come for what was handed in.
    private func writeDirectly() -> Bool {
        guard wokenTasks.load(ordering: .relaxed) <= 1 else { return false }
        // If the lock is taken, the event loop is awake anyway.
        let turn = state.withLockIfAvailable { state -> (Outlet, [(PendingCall, ZooKeeperError)])? in
            guard let outlet = state.outlet, outlet.isDirect, !state.isPaused, state.machine.inFlight.count <= Self.few
            else { return nil }
            var refused = admit(&state, forWriting: true)
            if let write = state.machine.takeWritable(at: .now).write { outlet.add(write) }
            refused += noteStanding(&state)
            return (outlet, refused)
        }
        guard let (outlet, refused) = turn ?? nil else { return false }
        outlet.drain()
        settle(refused)
        return true
    }

    // MARK: In company

    /// How long a request that is not urgent waits for company. Awake: a timer would take longer to set and to go off
    /// than what is waited for takes to come.
    private static let lingerTime = Duration.microseconds(25)

    private func linger(until end: Moment) {
        switch submissions.lingering(isOver: Moment.now >= end) {
        case .goesOn: eventLoop.execute { self.linger(until: end) }
        case .hasCompany: break
        case .isOver: flush()
        }
    }

    // MARK: The machine, under its lock

    /// Gives the machine what callers have handed in.
    ///
    /// - Returns: What it refuses.
    func admit(_ state: inout State, forWriting: Bool = false) -> [(PendingCall, ZooKeeperError)] {
        var refused: [(PendingCall, ZooKeeperError)] = []
        for call in submissions.take(forWriting: forWriting) {
            if let error = state.machine.submit(call) { refused.append((call, error)) }
        }
        return refused
    }

    /// Tells callers how the machine stands now. What was handed in just before leaves at once, or learns that the client
    /// has closed.
    ///
    /// - Returns: What the machine refuses.
    func noteStanding(_ state: inout State) -> [(PendingCall, ZooKeeperError)] {
        guard submissions.update(state.standing) else { return [] }
        let refused = admit(&state)
        if state.machine.phase == .established { eventLoop.execute { self.flush() } }
        return refused
    }

    /// After the lock was released.
    func settle(_ refused: [(PendingCall, ZooKeeperError)]) {
        for (call, error) in refused { call.finish(.failure(error)) }
    }
}
