extension AlarmEvaluator {
    /// Nothing is evaluated and no delay ends until ``trustTimes(isOtherClock:)``.
    mutating func holdBack() {
        guard trust == .trusted else { return }
        trust = .held
        echo = nil
        standingValue = nil
    }

    /// The times of samples can be trusted again.
    ///
    /// - Parameter isOtherClock: Whether they are dated by another clock than those before.
    mutating func trustTimes(isOtherClock: Bool) {
        // What was recorded meanwhile may be of either; its time tells.
        self.isOtherClock = isOtherClock && !newestIsRecorded
        if isOtherClock {
            history.removeAll()
            settledThrough = .min
        }
        trust = .trusted
    }

    /// A sample whose time is in doubt, while that stays undecided: what it is beyond of becomes pending, nothing returns.
    mutating func raiseUnsure(
        _ sample: AlarmReading, heardThrough: Milliseconds, latestSource: Milliseconds, into edges: inout [AlarmEdge]
    ) {
        trust = .unsure
        changedPhase = false
        echo = nil
        var reading = sample
        if let newest {
            let fits =
                reading.hasSourceTime && newest.hasSourceTime && reading.time > newest.time
                && reading.time <= latestSource
            if !fits {
                reading.hasSourceTime = false
                reading.time = reading.received
                carryOver(to: reading, from: newest)
            }
        }
        thaw(at: reading)
        newest = reading
        newestIsRecorded = false
        standingValue = nil
        remember(reading)
        let proved = reading.hasSourceTime ? reading.time : min(reading.time, heardThrough)
        fire(sampleTime: proved, received: .min, computedAt: reading.received, reservation: .timeUnsure, into: &edges)
        if see(reading, .unsure) { changedPhase = true }
        fire(
            sampleTime: proved, received: .min, computedAt: reading.received, reservation: .timeUnsure,
            endingAtOnce: true, into: &edges)
    }

    func isRunning(_ level: DelayedLevel) -> Bool {
        trust == .unsure || frozen != nil ? level.phase == .pendingOn : level.isPending
    }

    /// Whether just this sample stands in the history.
    func hasSeen(value: Double, at time: Milliseconds) -> Bool {
        history.indices.contains {
            history[$0].hasSourceTime && history[$0].time == time && history[$0].value == value
        }
    }
}
