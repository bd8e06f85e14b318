import HeapModule

extension AlarmBook {
    /// The earliest moment at which `advance` may have something to decide, possibly too early; nil when no delay runs.
    public var nextDeadline: Milliseconds? { deadlines.min?.time }

    /// Ends the delays that are over by what has been heard. Returns true when something was left to be recorded.
    ///
    /// - Parameter raisesUnheard: Whether an on-delay that has been over for ``Limits/unheardAfter`` without anything heard
    ///   raises its alarm all the same.
    @discardableResult
    public mutating func advance(to now: Milliseconds, raisesUnheard: Bool = false) -> Bool {
        let heardThrough = min(now, heardThrough)
        var left = false
        while let alarm = popDeadline(notAfter: heardThrough) {
            evaluators[alarm].advance(to: heardThrough, at: now, into: &scratch)
            if keepScratchIfAny(alarm) { left = true }
            schedule(alarm)
        }
        guard raisesUnheard else { return left }
        let horizon = now &- limits.unheardAfter
        var waiting: [Int] = []
        while let alarm = popDeadline(notAfter: horizon) {
            evaluators[alarm].raiseUnheard(through: horizon, at: now, into: &scratch)
            if keepScratchIfAny(alarm) { left = true }
            waiting.append(alarm)
        }
        // Off-delays among them keep waiting.
        for alarm in waiting { schedule(alarm) }
        return left
    }

    /// This gateway's clock has been set: delays that run take as long as before. Dates of edges stay.
    ///
    /// - Parameter away: the number of the leap by which it is away now; nil when it is not.
    public mutating func clockLeapt(by leap: Milliseconds, away: Int? = nil) {
        clock.leapt(by: leap, away: away)
        if settlesNotBefore != .min { settlesNotBefore = settlesNotBefore.addingClamped(leap) }
        if heardThrough != .max, heardThrough != .min { heardThrough = heardThrough &+ leap }
        for alarm in evaluators.indices {
            evaluators[alarm].clockLeapt(by: leap, setBack: clock.setBack)
            ledgers[alarm].clockLeapt(by: leap)
            if scheduled[alarm] != .max { scheduled[alarm] = scheduled[alarm] &+ leap }
        }
        deadlines = Heap(deadlines.unordered.map { Deadline(time: $0.time &+ leap, alarm: $0.alarm) })
    }

    /// The next alarm whose deadline is not later; nil when there is none.
    private mutating func popDeadline(notAfter moment: Milliseconds) -> Int? {
        while let first = deadlines.min, first.time <= moment {
            _ = deadlines.popMin()
            // An entry that an earlier one has replaced.
            guard scheduled[first.alarm] == first.time else { continue }
            scheduled[first.alarm] = .max
            return first.alarm
        }
        return nil
    }

    mutating func keepScratchIfAny(_ alarm: Int) -> Bool {
        if scratch.isEmpty { return false }
        keepScratch(alarm)
        return true
    }

    mutating func keepScratch(_ alarm: Int) {
        statistics.edgesComputed &+= scratch.count
        let room = pendingCount + scratch.count > limits.pendingTotal ? 1 : limits.pendingPerAlarm
        statistics.edgesOverflowed &+= changingPending(of: alarm) { book in
            book.ledgers[alarm].edgesComputed(book.scratch, limit: room, clock: book.clock)
        }
        scratch.removeAll(keepingCapacity: true)
    }

    mutating func schedule(_ alarm: Int) {
        guard let deadline = evaluators[alarm].nextDeadline, deadline < scheduled[alarm] else { return }
        scheduled[alarm] = deadline
        deadlines.insert(Deadline(time: deadline, alarm: alarm))
    }
}
