import DequeModule

/// Third stage of an announcement: whether events may leave at all, which share one topic.
///
/// - *open*: all of them. To *refusing* when the broker refuses one for the sake of its topic.
/// - *refusing*: one event at a time, the probe, when the pause is over; the pause grows with each probe that is refused.
///   Back to *open* as soon as the broker takes any.
struct EventGate: Sendable {
    private enum State: Sendable, Hashable {
        case open
        case refusing(pause: Milliseconds, until: Milliseconds, probe: Int64?)
    }

    private var state = State.open
    /// Alarms whose next event waits for the gate; those that have nothing any more are passed over.
    private var alarms: Deque<AlarmPath> = []

    var isOpen: Bool { state == .open }

    mutating func wait(_ alarm: AlarmPath) { alarms.append(alarm) }

    /// The next alarm that waits.
    mutating func popFirst() -> AlarmPath? { alarms.popFirst() }

    /// A new connection: the broker may take the topic now.
    mutating func connected(at now: Milliseconds) {
        guard case .refusing(let pause, _, let probe) = state else { return }
        state = .refusing(pause: pause, until: now, probe: probe)
    }

    /// Whether one event may leave for a topic that was refused.
    func mayProbe(at now: Milliseconds) -> Bool {
        guard case .refusing(_, let until, nil) = state else { return false }
        return until <= now
    }

    /// This event has left for it.
    mutating func probed(with sequence: Int64) {
        guard case .refusing(let pause, let until, nil) = state else { return }
        state = .refusing(pause: pause, until: until, probe: sequence)
    }

    /// The broker has taken an event. True when the gate was shut until now.
    mutating func taken() -> Bool {
        defer { state = .open }
        return !isOpen
    }

    /// The broker has refused this event for the sake of its topic.
    mutating func refused(_ sequence: Int64, at now: Milliseconds, limits: Announcements.Limits) {
        switch state {
        case .open: state = .refusing(pause: limits.firstPause, until: now &+ limits.firstPause, probe: nil)
        case .refusing(let pause, _, sequence):
            let longer = min(pause &* 2, limits.longestPause)
            state = .refusing(pause: longer, until: now &+ longer, probe: nil)
        // One that was on its way when the gate shut.
        case .refusing: break
        }
    }

    /// Nobody has said anything about the topic: another probe may leave.
    mutating func failed(_ sequence: Int64) {
        guard case .refusing(let pause, let until, sequence) = state else { return }
        state = .refusing(pause: pause, until: until, probe: nil)
    }
}
