import DequeModule

/// What is too old, or too much, is given up, so that the journal stays within its bounds.
extension Announcements {
    mutating func boundAge(at now: Milliseconds) {
        while let oldest = oldestOwed(), let owed = entries[oldest], now &- owed.since > limits.age {
            giveUp(oldest, owed)
        }
    }

    mutating func boundCount() {
        while entries.count > limits.count, let oldest = oldestOwed(), let owed = entries[oldest] {
            giveUp(oldest, owed)
        }
    }

    /// Leaves out those whose event is on its way just now: the outcome decides.
    private mutating func oldestOwed() -> Int64? {
        while let first = ages.first, entries[first] == nil { ages.removeFirst() }
        return ages.first { sequence in
            guard let owed = entries[sequence] else { return false }
            return alarms[owed.transition.path]?.eventInFlight != sequence
        }
    }

    private mutating func giveUp(_ sequence: Int64, _ owed: Owed) {
        let path = owed.transition.path
        let pause = owed.isEventOut ? alarms[path]?.recordPause : alarms[path]?.eventPause
        let isRefused = pause?.isRefusal == true || !owed.isEventOut && !gate.isOpen
        alarms[path]?.drop(sequence)
        settle(sequence, as: .givenUp(isRefused ? .refused : .unannounced))
        givenUp &+= 1
        tidy(path)
    }
}
