// Time passes: delays of alarms end, devices fall silent.
extension LivePlant {
    /// This gateway is not connected to the broker, which may keep what is sent meanwhile. A gateway begins with it.
    public mutating func brokerLost(at now: Milliseconds) {
        alarms.clock.backlog.begin(at: now)
        if !isDeaf { edgeNodesLost(at: now) }
        isDeaf = true
    }

    /// The broker has taken this gateway back.
    public mutating func brokerConnected(at now: Milliseconds) {
        alarms.clock.backlog.begin(at: now)
        deafnessBegins(at: now)
        if isDeaf {
            ingest.heardAgain(at: now)
            ingest.edgeNodes.connectionRegained(at: now)
        }
        isDeaf = false
    }

    /// This gateway's own wall clock has been set: what it shows changed by so much, at once. Nothing that is measured
    /// between two moments changes by it: silence, delays, what waits. So every moment that is kept for that is moved along;
    /// dates that others have seen are not.
    ///
    /// - Parameters:
    ///   - away: the number of the leap by which it is away now from where it had been; nil when it is not.
    ///   - now: by the clock as it has been set.
    public mutating func clockLeapt(by leap: Milliseconds, away: Int? = nil, at now: Milliseconds) {
        self.leap = self.leap &+ leap
        freshLeap = (leap, now)
        ingest.clockLeapt(by: leap)
        ingest.clockSetBack = max(0, 0 &- self.leap)
        latest.clockLeapt(by: leap)
        alarms.clockLeapt(by: leap, away: away)
        for (tag, look) in unseen { unseen[tag] = (look.since &+ leap, look.delays) }
        for topic in doubts.keys { doubts[topic]?.clockLeapt(by: leap) }
        for topic in suspects.keys { suspects[topic]?.clockLeapt(by: leap) }
        unreadableReports.clockLeapt(by: leap)
        lastRecorded = lastRecorded &+ leap
    }

    /// The process did not run for a while, in which it could not have heard any device.
    public mutating func wasPaused(for time: Milliseconds, at now: Milliseconds) {
        ingest.forgiveSilence(time, at: now)
        silences.forgive(time, at: withoutLeaps(now))
    }

    /// Everything that the broker kept for this gateway until `time` has been read: delays that ended by then end, and
    /// values that the alarms have not seen are looked at.
    public mutating func heard(through time: Milliseconds, at now: Milliseconds) -> Effects {
        var effects = Effects()
        noteMoment(now)
        noteProof(of: time, at: now)
        alarms.clock.backlog.end(provedThrough: time, at: now)
        // A clock that was ahead and has been set right must not have delays end by it until that time comes again.
        alarms.heardThrough = heardThrough > now ? time : max(heardThrough, time)
        // In the order of the tags, so that gateways that see the same do the same.
        let due = unseen.filter { $0.value.since <= heardThrough }.sorted { $0.key < $1.key }
        for (tag, look) in due {
            unseen[tag] = nil
            if rebuildAlarms(of: tag, delays: look.delays, at: now) { effects.alarmsPending = true }
        }
        if raiseOverdueDoubts(through: provedThrough) { effects.alarmsPending = true }
        if alarms.advance(to: now) { effects.alarmsPending = true }
        return effects
    }

    /// Whether proof is wanted of what has been heard: a delay is due, or values wait to be looked at.
    public func wantsProof(at now: Milliseconds) -> Bool {
        if !unseen.isEmpty || clocksWantProof(at: now) { return true }
        guard let deadline = alarms.nextDeadline else { return false }
        return deadline <= now && deadline > heardThrough
    }

    /// Lets time pass: ends alarm delays by what has been heard, finds silent devices and tags.
    ///
    /// - Parameter raisesUnheard: Whether nobody else could hear what this gateway does not: then an on-delay that is long
    ///   over raises its alarm all the same, marked as unheard.
    public mutating func advance(to now: Milliseconds, raisesUnheard: Bool = false) -> Effects {
        var effects = owedEffects
        owedEffects = Effects()
        if now < lastAdvance || now &- lastAdvance > Self.longestStep { deafnessBegins(at: now) }
        lastAdvance = now
        noteMoment(now)
        presumeProof(at: now)
        advanceEdgeNodes(to: now, effects: &effects)
        let mayRaiseUnheard = raisesUnheard && now >= unheardNotBefore
        let heard =
            mayRaiseUnheard ? max(provedThrough, withoutLeaps(now) &- alarms.limits.unheardAfter) : provedThrough
        if min(nextDoubtDeadline, nextSuspectDeadline) <= heard, raiseOverdueDoubts(through: heard) {
            effects.alarmsPending = true
        }
        if alarms.advance(to: now, raisesUnheard: mayRaiseUnheard) {
            effects.alarmsPending = true
        }
        if now &- lastExpiry >= Self.expiryInterval || now < lastExpiry {
            lastExpiry = now
            var turns: [(device: DeviceID, turn: DeviceTurn)] = []
            ingest.expireDevices(at: now, isDeaf: isDeaf, into: &turns)
            for (device, turn) in turns { take(turn, of: device, at: now, effects: &effects) }
            expireTags(at: now, effects: &effects)
        }
        return effects
    }

    /// Tags of devices that still speak have been silent for too long.
    private mutating func expireTags(at now: Milliseconds, effects: inout Effects) {
        var silent: [SilenceTable.Silent] = []
        silences.expire(at: withoutLeaps(now), into: &silent)
        // Another topic of the same tag may still speak; the tag falls silent when that one has not for as long, either.
        silent += spokenForElsewhere.filter(silences.isStill)
        spokenForElsewhere = []
        for silent in silent {
            let tag = silent.tag
            if sharedTags.contains(tag), let entry = latest.entry(tag),
                let limit = ingest.route(ofTopic: silent.topic)?.staleAfter,
                entry.isHeard, entry.quality != .stale, (0...limit).contains(now &- entry.receivedTime)
            {
                spokenForElsewhere.insert(silent)
                continue
            }
            if fallSilent(tag, at: now) { effects.alarmsPending = true }
            effects.tagsChanged = true
        }
    }

    /// From now on it counts how long nothing is heard: at the start, after a pause of the process, a leap of the clock or a
    /// connection, what was kept meanwhile is still to be read.
    private mutating func deafnessBegins(at now: Milliseconds) {
        unheardNotBefore = now &+ alarms.limits.unheardAfter
    }

    /// The alarms of a tag may not have seen its latest value.
    mutating func lookLater(at tag: TagID, since: Milliseconds, delays: RunningDelay.Table) {
        guard alarms.hasAlarms(tag) else { return }
        unseen[tag] = (since, delays)
    }

    mutating func rebuildAlarms(of tag: TagID, delays: RunningDelay.Table, at now: Milliseconds) -> Bool {
        guard let unheard = unheardValue(of: tag, delays: delays), let entry = latest.entry(tag) else { return false }
        let staleAfter = ingest.devices[ingest.tags[tag].device].rules.staleAfter
        let isFresh = entry.quality == .good && now &- entry.receivedTime <= staleAfter ?? .max
        return alarms.rebuild(unheard, mayReturn: isFresh, at: now)
    }

    /// A tag's latest value as the alarms may see it; nil when it is no number, it was heard here and its time is in doubt,
    /// or only retained messages tell of it that are stale or of unknown age: for those nobody vouches. What the tree has
    /// may raise although its time is in doubt: the gateway that heard it is gone, and its device may be silent.
    func unheardValue(of tag: TagID, delays: RunningDelay.Table) -> AlarmBook.UnheardValue? {
        guard let entry = latest.entry(tag), entry.isLive || entry.quality == .good,
            let value = entry.value?.doubleValue
        else { return nil }
        let isInDoubt = entry.quality == .uncertain && !isSuspected(tag)
        guard !isInDoubt || latest.isFromTree(tag) else { return nil }
        return AlarmBook.UnheardValue(
            tag: tag, value: value, sourceTime: entry.sourceTime, receivedTime: entry.receivedTime,
            hasSourceTime: entry.hasOwnTime, isTimeUnsure: isInDoubt, delays: delays)
    }

    /// Whether the latest value is good but for a later message that is dated before it.
    private func isSuspected(_ tag: TagID) -> Bool {
        !suspects.isEmpty && suspects[Int(topicOfTag[tag.index])]?.marked.contains(tag) == true
    }
}
