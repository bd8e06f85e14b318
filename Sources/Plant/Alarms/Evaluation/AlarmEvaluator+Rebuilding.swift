extension AlarmEvaluator {
    /// The samples that began the delays which run, and those behind edges that are not recorded yet, by limit: what the
    /// tag's node keeps of this alarm, so that another process comes to the same edges.
    func unsettledDelays(_ pending: [AlarmEdge], after recorded: AlarmCondition) -> [AlarmCondition: [RunningDelay]] {
        var delays: [AlarmCondition: Set<RunningDelay>] = [:]
        for edge in pending.prefix(RunningDelay.capacity) {
            guard let value = edge.value else { continue }
            for limit in edge.limits.all {
                delays[limit, default: []].insert(RunningDelay(start: edge.sampleTime, value: value))
            }
        }
        for (index, level) in levels.enumerated() {
            let condition = rule.condition(of: index)
            // An inner limit that became active together with the outer one has no edge of its own.
            let isUnrecorded =
                level.phase == .abnormal && level.hasSample
                && !(recorded.isSameSide(as: condition) && recorded.severity >= condition.severity)
            guard level.isPending || isUnrecorded else { continue }
            delays[condition, default: []].insert(RunningDelay(start: level.sampleTime, value: level.value))
        }
        return delays.mapValues { Array($0.sorted().prefix(RunningDelay.capacity)) }
    }

    /// A record was adopted whose sample would begin delays, and the tag's node tells of a later value: only those delays
    /// run that the node knows.
    mutating func confirmDelays(
        _ delays: (_ limit: AlarmCondition) -> [RunningDelay], from value: AlarmReading
    ) {
        guard newestIsRecorded, let newest, !hasHeard(value, newest) else { return }
        for index in levels.indices
        where levels[index].sampleTime == newest.time
            && !delays(rule.condition(of: index)).contains(where: { $0.start == newest.time })
        {
            levels[index].delayWithdrawn()
        }
        dropIdleLevels()
    }

    /// Lets some levels see a sample that began delays of theirs according to the tag's node. It does not move the position.
    mutating func replay(
        _ reading: AlarmReading, levels replayed: AlarmLimits, at now: Milliseconds, into edges: inout [AlarmEdge]
    ) {
        guard trust == .trusted else { return }
        if let newest, newest.hasSourceTime, reading.time <= newest.time { return }
        fire(sampleTime: reading.time, received: .min, computedAt: now, into: &edges)
        _ = see(reading, .replayed, levels: replayed)
        fire(sampleTime: reading.time, received: .min, computedAt: now, endingAtOnce: true, into: &edges)
    }

    /// Lets the levels see the tag's latest value, which was not heard here. Does nothing where something as new was.
    ///
    /// - Parameter mayReturn: Whether the value is good and fresh. Otherwise what is active stays so.
    mutating func rebuild(
        from value: AlarmReading, mayReturn: Bool, heardThrough: Milliseconds, at now: Milliseconds,
        into edges: inout [AlarmEdge]
    ) {
        guard trust == .trusted else { return }
        if let newest, hasHeard(value, newest) { return }
        if let frozen, value.time > frozen.time {
            // What is not good and fresh resumes no off-delay.
            for index in levels.indices where levels[index].phase == .pendingOff && !mayReturn {
                levels[index].delayWithdrawn()
            }
            thaw(at: value)
        }
        let proved = value.hasSourceTime ? value.time : .min
        // What ended before the value, as before any other sample.
        fire(sampleTime: proved, received: .min, computedAt: now, into: &edges)
        _ = see(value, .standing(mayReturn: mayReturn))
        standingValue = value
        fire(sampleTime: proved, received: heardThrough, computedAt: now, endingAtOnce: true, into: &edges)
    }

    /// The same for a value whose time is in doubt: it may raise, by its own time where that fits into the order, else by
    /// that of reception; nothing returns, and it is compared with nothing that comes.
    mutating func rebuildUnsure(
        from value: AlarmReading, heardThrough: Milliseconds, at now: Milliseconds, into edges: inout [AlarmEdge]
    ) {
        guard trust == .trusted, frozen == nil else { return }
        var reading = value
        if let newest {
            // When the sample of a record came nobody knows; only its value tells.
            if newestIsRecorded ? value.value == newest.value : value.received <= newest.received { return }
            if !newest.hasSourceTime || value.time <= newest.time {
                reading.hasSourceTime = false
                reading.time = reading.received
            }
        }
        _ = see(reading, .standingUnsure)
        // Delays of others that run are none of its business, but for on-delays, and those end by what has been heard.
        fire(
            sampleTime: .min, received: heardThrough, computedAt: now, reservation: .timeUnsure, endingAtOnce: true,
            into: &edges)
    }

    private func hasHeard(_ value: AlarmReading, _ newest: AlarmReading) -> Bool {
        if newestIsRecorded {
            return value.time < newest.time || value.time == newest.time && value.value == newest.value
        }
        return newest.hasSourceTime && value.hasSourceTime
            ? value.time <= newest.time : value.received <= newest.received
    }
}
