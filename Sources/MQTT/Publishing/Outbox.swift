import Synchronization

/// What tasks want of the connection's thread: publishes, subscriptions, acknowledgements, the end.
///
/// Any number of requests between two turns of the thread cost one wake-up.
final class Outbox: Sendable {
    enum SubscriptionChange: Sendable {
        case add(MQTTSubscription)
        case remove(filter: String)
    }

    /// That the present connection is to be given up.
    struct Departure {
        var why: String
        var saysGoodbye: Bool
    }

    /// What the thread picks up in one turn, apart from publishes.
    struct Requests {
        var subscriptionChanges: [SubscriptionChange] = []
        var acknowledgedThrough: UInt64 = 0
        var stop = false
        /// No connection is wanted at present.
        var isSuspended = false
        /// The present connection is to be given up.
        var giveUp: Departure?
        /// The next attempt is wanted now.
        var connectNow = false
        var hasPublishes = false
        var earliestDeadline: ContinuousClock.Instant?
    }

    private struct State {
        var publishes: [PublishSlot] = []
        var subscriptionChanges: [SubscriptionChange] = []
        var acknowledgedThrough: UInt64 = 0
        var earliestDeadline: ContinuousClock.Instant?
        var stop = false
        var isSuspended: Bool
        var giveUp: Departure?
        var connectNow = false
        var accepting = false
        var signalled = false
    }

    private let state: Mutex<State>
    private let waitingLimit: Int
    private let wake: WakeDescriptor

    init(waitingLimit: Int, startsSuspended: Bool, wake: WakeDescriptor) {
        state = Mutex(State(isSuspended: startsSuspended))
        self.waitingLimit = waitingLimit
        self.wake = wake
    }

    // MARK: Any task

    /// Queues a publish for the thread's next turn.
    ///
    /// - Throws: ``MQTTError/notConnected`` and ``MQTTError/tooManyPublishes(limit:)``, both before anything is queued.
    func publish(_ slot: PublishSlot) throws {
        try post { state in
            guard state.accepting else { throw MQTTError.notConnected }
            guard state.publishes.count < waitingLimit else { throw MQTTError.tooManyPublishes(limit: waitingLimit) }
            state.publishes.append(slot)
            if let deadline = slot.notAfter {
                state.earliestDeadline = min(state.earliestDeadline ?? deadline, deadline)
            }
        }
    }

    func change(_ change: SubscriptionChange) { post { $0.subscriptionChanges.append(change) } }

    func acknowledge(through number: UInt64) {
        post { $0.acknowledgedThrough = max($0.acknowledgedThrough, number) }
    }

    func stop() { post { $0.stop = true } }

    /// Costs nothing when it is so already.
    func setSuspended(_ isSuspended: Bool) {
        guard state.withLock({ $0.isSuspended != isSuspended }) else { return }
        post { $0.isSuspended = isSuspended }
    }

    func giveUpConnection(_ departure: Departure) { post { $0.giveUp = departure } }

    func connectNow() { post { $0.connectNow = true } }

    private func post<Failure: Error>(_ body: (inout State) throws(Failure) -> Void) throws(Failure) {
        let signal = try state.withLock { state throws(Failure) -> Bool in
            try body(&state)
            defer { state.signalled = true }
            return !state.signalled
        }
        if signal { wake.signal() }
    }

    // MARK: The connection's thread

    /// Everything but publishes; requests that come after it wake the thread again.
    func takeRequests() -> Requests {
        state.withLock { state in
            state.signalled = false
            var requests = Requests()
            swap(&requests.subscriptionChanges, &state.subscriptionChanges)
            requests.acknowledgedThrough = state.acknowledgedThrough
            requests.stop = state.stop
            requests.isSuspended = state.isSuspended
            requests.giveUp = state.giveUp.take()
            requests.connectNow = state.connectNow
            state.connectNow = false
            requests.hasPublishes = !state.publishes.isEmpty
            requests.earliestDeadline = state.earliestDeadline
            return requests
        }
    }

    /// The oldest publishes, at most `count`; none while a change of subscriptions waits for its turn, so that no publish
    /// overtakes a subscription that was asked for before it.
    func takePublishes(_ count: Int) -> [PublishSlot] {
        state.withLock { state in
            guard count > 0, !state.publishes.isEmpty, state.subscriptionChanges.isEmpty else { return [] }
            if count >= state.publishes.count {
                state.earliestDeadline = nil
                let all = state.publishes
                state.publishes = []
                return all
            }
            let some = Array(state.publishes.prefix(count))
            state.publishes.removeFirst(count)
            return some
        }
    }

    /// Takes out the publishes whose time has passed, or whose caller has gone.
    func takeExpired(now: ContinuousClock.Instant) -> [PublishSlot] {
        state.withLock { state in
            guard let earliest = state.earliestDeadline, earliest < now else { return [] }
            var expired: [PublishSlot] = []
            var next: ContinuousClock.Instant?
            state.publishes.removeAll { slot in
                guard let deadline = slot.notAfter else { return false }
                if deadline < now {
                    expired.append(slot)
                    return true
                }
                next = min(next ?? deadline, deadline)
                return false
            }
            state.earliestDeadline = next
            return expired
        }
    }

    /// Accepts publishes from now on.
    func open() { state.withLock { $0.accepting = true } }

    /// Refuses publishes from now on, and gives back those that still wait.
    func close() -> [PublishSlot] {
        state.withLock { state in
            state.accepting = false
            state.earliestDeadline = nil
            defer { state.publishes = [] }
            return state.publishes
        }
    }

    /// Refuses further publishes; those that wait still go out.
    func closeForNew() { state.withLock { $0.accepting = false } }
}
