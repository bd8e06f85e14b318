/// One level of an alarm's signal, and the delays by which it becomes active and returns:
///
///     normal      the signal is beyond the level → pendingOn
///     pendingOn   not beyond it → normal; on-delay over → abnormal
///     abnormal    returned by more than the deadband → pendingOff
///     pendingOff  not returned → abnormal; off-delay over → normal
///
/// What ends a delay is decided by the evaluator, which knows what has been heard.
struct DelayedLevel: Sendable {
    enum Phase: UInt8, Sendable {
        case normal, pendingOn, abnormal, pendingOff
    }

    /// What a reading may do to a level.
    enum Manner: Sendable {
        /// A sample in its order.
        case sample
        /// A sample whose time is in doubt: nothing returns by it.
        case unsure
        /// A sample that began a delay, seen again: it begins delays alone.
        case replayed
        /// The latest value, which was not heard here; nothing returns by one that is not good and fresh.
        case standing(mayReturn: Bool)
        /// The same, and its time is in doubt: it only raises.
        case standingUnsure
    }

    private(set) var phase = Phase.normal
    // The times mean something only while a delay runs, or has led to what is not recorded yet.
    /// The run's start in sample time, moved on by what the delay stood still.
    private(set) var start: Milliseconds = 0
    /// The same on the clock of reception.
    private(set) var startReceived: Milliseconds = 0
    /// The sample that began the run, as it came.
    private(set) var sampleTime: Milliseconds = 0
    private(set) var value: Double = 0
    private(set) var hasSourceTime = false
    /// Whether a sample that came here began the run; what follows from a record alone has none.
    private(set) var hasSample = false

    var isPending: Bool { phase == .pendingOn || phase == .pendingOff }
    var isActive: Bool { phase == .abnormal || phase == .pendingOff }

    /// A reading is seen. True when the phase is another one after it.
    mutating func see(_ reading: AlarmReading, at position: SignalPosition, _ manner: Manner) -> Bool {
        let next = next(position, manner)
        if next == phase { return false }
        let begins =
            switch manner {
            case .sample, .unsure: true
            // What ends is as if it had not begun.
            case .replayed, .standing, .standingUnsure: next == .pendingOn || next == .pendingOff
            }
        phase = next
        if begins {
            start = reading.time
            startReceived = reading.received
            sampleTime = reading.time
            value = reading.value
            hasSourceTime = reading.hasSourceTime
            hasSample = true
        }
        return true
    }

    private func next(_ position: SignalPosition, _ manner: Manner) -> Phase {
        switch phase {
        case .normal: return position == .beyond ? .pendingOn : .normal
        case .pendingOn:
            switch manner {
            case .sample, .unsure, .standing: return position == .beyond ? .pendingOn : .normal
            case .replayed, .standingUnsure: return .pendingOn
            }
        case .abnormal:
            switch manner {
            case .sample, .replayed, .standing(mayReturn: true):
                return position == .returned ? .pendingOff : .abnormal
            case .unsure, .standing(mayReturn: false), .standingUnsure: return .abnormal
            }
        case .pendingOff:
            switch manner {
            case .sample, .unsure, .standing: return position == .returned ? .pendingOff : .abnormal
            case .replayed, .standingUnsure: return .pendingOff
            }
        }
    }

    /// The delay that runs is over.
    mutating func delayEnded() { phase = phase == .pendingOn ? .abnormal : .normal }

    /// The delay that runs counts as if it had not begun.
    mutating func delayWithdrawn() {
        switch phase {
        case .pendingOn: phase = .normal
        case .pendingOff: phase = .abnormal
        case .normal, .abnormal: break
        }
    }

    /// Continues from a record, or from what another level has decided.
    mutating func settle(isActive: Bool) {
        if isActive, !self.isActive { hasSample = false }
        phase = isActive ? .abnormal : .normal
    }

    /// What has passed of a delay stays although times have changed.
    mutating func shift(start: Milliseconds, received: Milliseconds) {
        self.start = self.start &+ start
        startReceived = startReceived &+ received
    }

    /// The sample that began the run has come here, too.
    mutating func sampleArrived(received: Milliseconds) { startReceived = received }

    /// The clock of reception has been set.
    mutating func clockLeapt(by leap: Milliseconds) { shift(start: hasSourceTime ? 0 : leap, received: leap) }
}
