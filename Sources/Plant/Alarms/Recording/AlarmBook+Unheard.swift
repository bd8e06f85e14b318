extension AlarmBook {
    /// The delays of a tag's alarms that run or have led to what is not recorded yet, as its node keeps them.
    public func unsettledDelays(of tag: TagID) -> RunningDelay.Table {
        guard tag.index < slots.count else { return [:] }
        var table: RunningDelay.Table = [:]
        for position in slots[tag.index] {
            let alarm = bindings[position]
            // Most alarms are idle with nothing pending: they are passed over without copying evaluator or ledger.
            if evaluators[alarm].isIdle, pendingCount == 0 || ledgers[alarm].pending.isEmpty { continue }
            let delays = evaluators[alarm].unsettledDelays(
                ledgers[alarm].pending, after: ledgers[alarm].committedCondition)
            // A record may have spoken of a limit that is not configured; an alarm with one limit has one name for all of them.
            let definition = definitions[ledgers[alarm].definition]
            for (limit, delays) in delays where definition.limit(of: limit) != nil {
                table[delayName(alarm, limit)] = delays
            }
        }
        return table
    }

    /// A value that was not heard here.
    public struct UnheardValue: Sendable {
        public var tag: TagID
        public var value: Double
        public var sourceTime: Milliseconds
        public var receivedTime: Milliseconds
        public var hasSourceTime: Bool
        /// Whether its time is in doubt: then it only raises, marked.
        public var isTimeUnsure = false
        /// The delays that ran according to the tag's node.
        public var delays: RunningDelay.Table

        var reading: AlarmReading {
            AlarmReading(value: value, time: sourceTime, received: receivedTime, hasSourceTime: hasSourceTime)
        }
    }

    /// Ends the delays that began with the samples of adopted records, where the tag's node has a later value and does not
    /// know them.
    public mutating func confirmDelays(_ unheard: UnheardValue) {
        guard unheard.tag.index < slots.count else { return }
        for position in slots[unheard.tag.index] {
            let alarm = bindings[position]
            let names = Dictionary(
                uniqueKeysWithValues: AlarmCondition.allCases.map { ($0, delayName(alarm, $0)) })
            evaluators[alarm].confirmDelays(
                { limit in names[limit].flatMap { unheard.delays[$0] } ?? [] }, from: unheard.reading)
            schedule(alarm)
        }
    }

    private func delayName(_ alarm: Int, _ limit: AlarmCondition) -> String {
        let name = ledgers[alarm].path.alarm
        return definitions[ledgers[alarm].definition].limitCount > 1 ? name + "/" + limit.rawValue : name
    }

    /// Evaluates the samples that began the delays of a tag's node, as if the broker had delivered them again: those up to
    /// a time, which are taken out of `delays`. Returns true when they left something to be recorded.
    public mutating func replayDelays(
        _ unheard: inout UnheardValue, through time: Milliseconds, at now: Milliseconds
    ) -> Bool {
        guard unheard.tag.index < slots.count, !unheard.delays.isEmpty else { return false }
        var left = false
        let lag = max(0, unheard.receivedTime &- unheard.sourceTime)
        for position in slots[unheard.tag.index] {
            let alarm = bindings[position]
            var due: [RunningDelay: AlarmLimits] = [:]
            for limit in AlarmCondition.allCases {
                let name = delayName(alarm, limit)
                guard let delays = unheard.delays[name], definitions[ledgers[alarm].definition].limit(of: limit) != nil
                else { continue }
                for delay in delays where delay.start <= time { due[delay, default: []].insert(AlarmLimits(limit)) }
                unheard.delays[name] = delays.filter { $0.start > time }
            }
            for (delay, limits) in due.sorted(by: { $0.key < $1.key }) {
                let reading = AlarmReading(
                    value: delay.value, time: delay.start, received: delay.start &+ lag,
                    hasSourceTime: unheard.hasSourceTime)
                evaluators[alarm].replay(reading, levels: limits, at: now, into: &scratch)
                if keepScratchIfAny(alarm) { left = true }
            }
            schedule(alarm)
        }
        return left
    }

    /// Lets the alarms of a tag see its latest value, which may not have been heard here: at the start, and where another
    /// gateway has heard more. Where it was heard this changes nothing. Returns true when it left something to be
    /// recorded.
    ///
    /// - Parameter mayReturn: Whether the value is good and fresh: from any other nothing returns to normal.
    public mutating func rebuild(_ unheard: UnheardValue, mayReturn: Bool, at now: Milliseconds) -> Bool {
        guard unheard.tag.index < slots.count, unheard.value.isFinite else { return false }
        var unheard = unheard
        var left = unheard.isTimeUnsure ? false : replayDelays(&unheard, through: unheard.sourceTime, at: now)
        for position in slots[unheard.tag.index] {
            let alarm = bindings[position]
            if unheard.isTimeUnsure {
                evaluators[alarm].rebuildUnsure(
                    from: unheard.reading, heardThrough: min(now, heardThrough), at: now, into: &scratch)
                if keepScratchIfAny(alarm) { left = true }
                schedule(alarm)
                continue
            }
            evaluators[alarm].rebuild(
                from: unheard.reading, mayReturn: mayReturn, heardThrough: min(now, heardThrough), at: now,
                into: &scratch)
            if keepScratchIfAny(alarm) { left = true }
            schedule(alarm)
        }
        return left
    }
}
