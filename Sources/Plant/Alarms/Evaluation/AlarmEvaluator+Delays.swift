extension AlarmEvaluator {
    /// Ends the delays that were over before a reading, lets the levels see it, and ends those that are over at once.
    mutating func take(
        _ reading: AlarmReading, computedAt: Milliseconds, heardThrough: Milliseconds, into edges: inout [AlarmEdge]
    ) {
        let proved = reading.hasSourceTime ? reading.time : min(reading.time, heardThrough)
        fire(sampleTime: proved, received: .min, computedAt: computedAt, into: &edges)
        if see(reading, .sample) { changedPhase = true }
        fire(sampleTime: proved, received: .min, computedAt: computedAt, endingAtOnce: true, into: &edges)
    }

    /// Keeps a reading that enters another zone.
    mutating func remember(_ reading: AlarmReading) {
        let zone = rule.signal.zone(of: reading.value)
        if zone == self.zone, !history.indices.isEmpty { return }
        self.zone = zone
        history.append(reading)
    }

    /// The recorded sample has stayed out: what has come since counts.
    mutating func endEcho(
        _ echo: Echo, computedAt: Milliseconds, heardThrough: Milliseconds, into edges: inout [AlarmEdge]
    ) {
        self.echo = nil
        for position in history.indices where history[position].received >= echo.since {
            take(history[position], computedAt: computedAt, heardThrough: heardThrough, into: &edges)
        }
        if let newest { take(newest, computedAt: computedAt, heardThrough: heardThrough, into: &edges) }
    }

    /// Lets levels see a reading, all of them or some. True when the phase of one has changed.
    mutating func see(
        _ reading: AlarmReading, _ manner: DelayedLevel.Manner, levels some: AlarmLimits? = nil
    ) -> Bool {
        let zone = rule.signal.zone(of: reading.value)
        if levels.isEmpty {
            guard zone.isBeyondAny else { return false }
            levels = rule.idleLevels
        }
        var changed = false
        for index in levels.indices where some?.contains(AlarmLimits(rule.condition(of: index))) ?? true {
            if levels[index].see(reading, at: zone[index], manner) { changed = true }
        }
        dropIdleLevels()
        return changed
    }

    /// Continues from the levels that are active according to a record.
    mutating func settleLevels(_ isActive: (AlarmCondition) -> Bool) {
        if levels.isEmpty { levels = rule.idleLevels }
        for index in levels.indices { levels[index].settle(isActive: isActive(rule.condition(of: index))) }
        dropIdleLevels()
    }

    mutating func dropIdleLevels() {
        if levels.allSatisfy({ $0.phase == .normal }) { levels = [] }
    }

    /// Ends every delay that is over by sample time or by the clock of reception, the earliest first.
    mutating func fire(
        sampleTime: Milliseconds, received: Milliseconds, computedAt: Milliseconds, reservation: Reservation? = nil,
        endingAtOnce: Bool = false, into edges: inout [AlarmEdge]
    ) {
        if isIdle { return }
        let onDelaysOnly = reservation != nil || frozen != nil
        // Delays that began with samples read late end late by the clock of reception. But when one has ended, those that
        // end before it in sample time have ended too.
        var sampleTime = sampleTime
        for level in levels where isDue(level, .min, received, onDelaysOnly: onDelaysOnly, false) {
            sampleTime = max(sampleTime, level.start &+ rule.delay(of: level))
        }
        while true {
            let due = levels.indices.filter {
                isDue(levels[$0], sampleTime, received, onDelaysOnly: onDelaysOnly, endingAtOnce)
            }
            guard let earliest = due.map({ levels[$0].start &+ rule.delay(of: levels[$0]) }).min() else { return }
            // When one side activates as the other returns, the activation is what counts.
            var cause: (index: Int, level: DelayedLevel)?
            var ended = AlarmLimits()
            for index in due where levels[index].start &+ rule.delay(of: levels[index]) == earliest {
                if cause?.level.phase != .pendingOn || levels[index].phase == .pendingOn {
                    cause = (index, levels[index])
                }
                levels[index].delayEnded()
                ended.insert(AlarmLimits(rule.condition(of: index)))
            }
            guard let cause else { return }
            if cause.level.phase == .pendingOn { endOtherSide(than: rule.condition(of: cause.index)) }
            settle(
                at: earliest, cause: cause.level, ended: ended, computedAt: computedAt, reservation: reservation,
                into: &edges)
        }
    }

    private func isDue(
        _ level: DelayedLevel, _ sampleTime: Milliseconds, _ received: Milliseconds, onDelaysOnly: Bool,
        _ endingAtOnce: Bool
    ) -> Bool {
        guard onDelaysOnly ? level.phase == .pendingOn : level.isPending else { return false }
        let delay = rule.delay(of: level)
        if endingAtOnce, delay == 0 { return true }
        return level.start &+ delay <= sampleTime || level.startReceived &+ delay <= received
    }

    /// A value beyond one side's limits is behind the other's, whatever its off-delay says.
    private mutating func endOtherSide(than condition: AlarmCondition) {
        for index in levels.indices where !rule.condition(of: index).isSameSide(as: condition) {
            levels[index].settle(isActive: false)
        }
    }

    /// Reports what the condition has become, over normal when the side changes.
    private mutating func settle(
        at time: Milliseconds, cause: DelayedLevel, ended: AlarmLimits, computedAt: Milliseconds,
        reservation: Reservation?,
        into edges: inout [AlarmEdge]
    ) {
        let reached = currentCondition
        dropIdleLevels()
        if reached == condition { return }
        let path =
            condition != .normal && reached != .normal && !reached.isSameSide(as: condition)
            ? [.normal, reached] : [reached]
        for step in path {
            let isFirst =
                lastEdge == .min
                || Self.isAhead(lastEdge, computedAt: computedAt, clockSetBack: lead &- Self.maximumLead)
            lastEdge = isFirst ? time : max(time, lastEdge &+ 1)
            condition = step
            edges.append(
                AlarmEdge(
                    condition: step, limits: ended, time: lastEdge, shown: time, sampleTime: cause.sampleTime,
                    value: cause.value,
                    hasSourceTime: cause.hasSourceTime, computedAt: computedAt, reservation: reservation))
        }
    }

    var currentCondition: AlarmCondition {
        var worst = AlarmCondition.normal
        for (index, level) in levels.enumerated() where level.isActive {
            let condition = rule.condition(of: index)
            if condition.severity > worst.severity { worst = condition }
        }
        return worst
    }

    /// Our copy of the recorded sample has come: from here on the stream is heard as by everybody, so what follows with
    /// the same time is news, and the delays that it began run by our reception of it, as they do for the samples that
    /// may end them.
    mutating func echoReceived(_ reading: AlarmReading) {
        newestIsRecorded = false
        newest = reading
        for index in levels.indices where levels[index].isPending && levels[index].sampleTime == reading.time {
            levels[index].sampleArrived(received: reading.received)
        }
    }

    /// Resumes the off-delays, which stood still while the quality was lost.
    mutating func thaw(at reading: AlarmReading) {
        guard let frozen else { return }
        self.frozen = nil
        shift(
            sampleTime: max(0, reading.time &- frozen.time), received: max(0, reading.received &- frozen.received),
            offDelaysOnly: true)
    }

    /// Keeps what has passed of each delay when two samples' times cannot be compared: what has passed between them is
    /// then known by the clock of reception alone.
    mutating func carryOver(to reading: AlarmReading, from newest: AlarmReading) {
        let elapsed = max(0, reading.received &- newest.received)
        let jump = reading.time &- newest.time &- elapsed
        if jump != 0 {
            shift(sampleTime: jump, received: 0)
            history.removeAll()
            settledThrough = .min
        }
        if reading.received < newest.received { shift(sampleTime: 0, received: reading.received &- newest.received) }
        if let frozen {
            self.frozen = Frozen(time: frozen.time &+ jump, received: min(frozen.received, reading.received))
        }
    }

    private mutating func shift(sampleTime: Milliseconds, received: Milliseconds, offDelaysOnly: Bool = false) {
        for index in levels.indices where offDelaysOnly ? levels[index].phase == .pendingOff : levels[index].isPending {
            levels[index].shift(start: sampleTime, received: received)
        }
    }
}
