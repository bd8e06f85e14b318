extension AlarmEvaluator {
    /// Continues from a recorded condition instead of from what was computed here.
    ///
    /// The sample that began the recorded edge is looked for among those that came here; what came after it is
    /// evaluated again. When it has not come yet (`isBehind`), samples up to it count no longer, and evaluation
    /// continues as if it had just come.
    ///
    /// Without source times the recorded sample is known by its value and, roughly, its time. Unless we have heard it,
    /// or ours are clearly later, the evaluation waits for it, at most `echoWindow`, because older samples may still
    /// come before it.
    ///
    /// With `presentOnly`, of what came after it only the zone in which the value is now counts.
    ///
    /// Returns the condition that the limits as configured make of the recorded one.
    mutating func adopt(
        _ recorded: AlarmCondition, changedAt: Milliseconds, sampledAt: Milliseconds, value: Double?, now: Milliseconds,
        echoWindow: Milliseconds, presentOnly: Bool, heardThrough: Milliseconds, into edges: inout [AlarmEdge]
    ) -> AlarmCondition {
        settleLevels { level in
            recorded.isSameSide(as: level) && level.severity <= recorded.severity
        }
        let adopted = currentCondition
        condition = adopted
        lastEdge = changedAt
        echo = nil
        if trust != .trusted {
            // Which of the samples that are kept it comes from is seen when they are evaluated.
            standingValue = nil
            newest = AlarmReading(value: value ?? .nan, time: sampledAt, received: now, hasSourceTime: true)
            newestIsRecorded = true
            return adopted
        }
        if let standingValue, standingValue.time <= sampledAt { self.standingValue = nil }
        defer {
            if let standingValue { take(standingValue, computedAt: now, heardThrough: heardThrough, into: &edges) }
        }
        let heard = positionInHistory(sampledAt: sampledAt, value: value, window: echoWindow)
        if let heard { settledThrough = history[heard].time }
        if heard == nil, isBehind(sampledAt: sampledAt, value: value) {
            let reading = AlarmReading(value: value ?? .nan, time: sampledAt, received: now, hasSourceTime: true)
            newest = reading
            newestIsRecorded = true
            if value != nil { remember(reading) }
        }
        guard frozen == nil, let newest, !newest.value.isNaN else { return adopted }
        if heard == nil, !presentOnly, !newest.hasSourceTime, newest.time <= sampledAt &+ echoWindow, let value {
            echo = Echo(value: value, since: now, until: now &+ echoWindow)
            return adopted
        }
        let first = presentOnly ? history.indices.upperBound - 1 : heard ?? 0
        for position in history.indices where position >= first {
            // Without the recorded sample in the history, what is later than it.
            if heard == nil, history[position].time <= sampledAt { continue }
            take(history[position], computedAt: now, heardThrough: heardThrough, into: &edges)
        }
        take(newest, computedAt: now, heardThrough: heardThrough, into: &edges)
        return adopted
    }

    /// Where the sample that began a recorded edge stands in the history; nil when we have not heard it or it is too
    /// long ago.
    private func positionInHistory(sampledAt: Milliseconds, value: Double?, window: Milliseconds) -> Int? {
        var nearest: (position: Int, distance: UInt64)?
        for position in history.indices
        where history[position].value == value && history[position].time >= settledThrough {
            let distance = (history[position].time &- sampledAt).magnitude
            if distance > (history[position].hasSourceTime ? 0 : window.magnitude) { continue }
            if distance <= nearest?.distance ?? .max { nearest = (position, distance) }
        }
        return nearest?.position
    }

    /// Whether a record that we did not compute was made from a sample that has not come here yet.
    func isBehind(sampledAt: Milliseconds, value: Double?) -> Bool {
        guard let newest else { return true }
        guard newest.hasSourceTime else { return false }
        return newest.time < sampledAt || newest.time == sampledAt && newest.value != value
    }

    /// The next edge is dated later than a recorded or pending one.
    mutating func noteEdge(at time: Milliseconds) { lastEdge = max(lastEdge, time) }

    /// An edge that was computed here, from a sample of this time, has been seen recorded.
    mutating func noteRecorded(sampleTime: Milliseconds) { settledThrough = sampleTime }
}
