extension AlarmBook {
    /// Evaluates one sample. Returns true when it left something to be recorded.
    ///
    /// Only `good` samples with a finite value are evaluated; any other quality freezes the tag's alarms until the next
    /// good one, but for on-delays that run. So pass what the broker had retained as `uncertain`, and `stale` when a tag falls silent. Without
    /// `hasSourceTime`, `sourceTime` does not matter. For a tag without alarms, or a value inside all limits, this
    /// costs a look-up and a few comparisons.
    ///
    /// - Parameter latestSource: The latest time that the device's clock can show now, where that is known: what is dated
    ///   later is from before a step of that clock.
    public mutating func sampleReceived(
        tag: TagID, value: Double, quality: Quality, sourceTime: Milliseconds, hasSourceTime: Bool,
        receivedTime: Milliseconds, latestSource: Milliseconds = .max
    ) -> Bool {
        changedPhase = false
        guard tag.index < slots.count else { return false }
        let slot = slots[tag.index]
        if slot.isEmpty { return false }
        let isGood = quality == .good && value.isFinite
        let reading = AlarmReading(
            value: value, time: hasSourceTime ? sourceTime : receivedTime, received: receivedTime,
            hasSourceTime: hasSourceTime)
        var left = false
        for position in slot {
            let alarm = bindings[position]
            if isGood {
                if evaluators[alarm].tookQuietly(reading) { continue }
                if !evaluators[alarm].sampleReceived(
                    reading, heardThrough: heardThrough, latestSource: latestSource, into: &scratch)
                {
                    statistics.samplesIgnored &+= 1
                }
                if evaluators[alarm].changedPhase { changedPhase = true }
            } else {
                evaluators[alarm].qualityLost(
                    time: reading.time, hasSourceTime: hasSourceTime && quality != .stale, received: receivedTime,
                    heardThrough: heardThrough, into: &scratch)
            }
            if !scratch.isEmpty {
                left = true
                keepScratch(alarm)
            }
            schedule(alarm)
        }
        return left
    }

    /// Evaluates a sample that is history: only for alarms with a delay that runs, which ends or breaks by it. Returns true
    /// when it left something to be recorded.
    public mutating func historyReceived(
        tag: TagID, value: Double, sourceTime: Milliseconds, receivedTime: Milliseconds,
        latestSource: Milliseconds = .max
    ) -> Bool {
        guard tag.index < slots.count, value.isFinite else { return false }
        var left = false
        let reading = AlarmReading(value: value, time: sourceTime, received: receivedTime, hasSourceTime: true)
        for position in slots[tag.index] where evaluators[bindings[position]].isDelaying {
            let alarm = bindings[position]
            _ = evaluators[alarm].sampleReceived(
                reading, heardThrough: heardThrough, latestSource: latestSource, into: &scratch)
            if keepScratchIfAny(alarm) { left = true }
            schedule(alarm)
        }
        return left
    }

    // MARK: While the clock is in doubt

    /// Whether every alarm of a tag remembers just this sample.
    public func hasSeen(_ tag: TagID, value: Double, at sourceTime: Milliseconds) -> Bool {
        guard tag.index < slots.count else { return false }
        return slots[tag.index].allSatisfy { evaluators[bindings[$0]].hasSeen(value: value, at: sourceTime) }
    }

    /// The clock behind a tag's samples is in doubt: nothing is evaluated, no delay ends.
    public mutating func holdBack(_ tag: TagID) {
        guard tag.index < slots.count else { return }
        for position in slots[tag.index] { evaluators[bindings[position]].holdBack() }
    }

    /// The times of a tag's samples can be trusted again; see ``AlarmEvaluator/trustTimes(isOtherClock:)``.
    public mutating func trustTimes(of tag: TagID, isOtherClock: Bool) {
        guard tag.index < slots.count else { return }
        for position in slots[tag.index] {
            let alarm = bindings[position]
            evaluators[alarm].trustTimes(isOtherClock: isOtherClock)
            schedule(alarm)
        }
    }

    /// A sample whose time is in doubt, after that has stayed undecided for long: it may raise, and returns nothing. Returns
    /// true when it left something to be recorded.
    public mutating func raiseUnsure(
        tag: TagID, value: Double, sourceTime: Milliseconds, receivedTime: Milliseconds, latestSource: Milliseconds
    ) -> Bool {
        guard tag.index < slots.count, value.isFinite else { return false }
        changedPhase = false
        var left = false
        let reading = AlarmReading(value: value, time: sourceTime, received: receivedTime, hasSourceTime: true)
        for position in slots[tag.index] {
            let alarm = bindings[position]
            evaluators[alarm].raiseUnsure(
                reading, heardThrough: heardThrough, latestSource: latestSource, into: &scratch)
            if evaluators[alarm].changedPhase { changedPhase = true }
            if keepScratchIfAny(alarm) { left = true }
            schedule(alarm)
        }
        return left
    }

    /// What tells whether two values of a tag may mean something else to any of its alarms.
    public func zones(of tag: TagID, _ value: Double) -> UInt64 {
        guard tag.index < slots.count else { return 0 }
        var zones: UInt64 = 0
        for position in slots[tag.index] {
            zones = zones &* 257 &+ UInt64(rules[ledgers[bindings[position]].definition].signal.zone(of: value).bits)
        }
        return zones
    }
}
