import DequeModule

// The clocks of the devices: what a message's own time is worth, and what waits while that is in doubt.
extension LivePlant {
    /// What the time of a message is worth.
    struct Timing: Sendable {
        let topic: Int
        var isDoubtful = false
        var isHistory = false
        /// The newest time of the message, where it has several.
        var newest: Milliseconds?
        /// The latest time that the device's clock can show now; see ``TopicClock/latestSource(at:)``.
        var latestSource: Milliseconds = .max
    }

    /// Samples of one topic that are kept while its clock is in doubt, by tag; only of tags that have alarms.
    struct HeldSamples: Sendable {
        struct Held: Sendable {
            let value: Double
            let source: Milliseconds
            /// By the wall clock.
            var received: Milliseconds
            /// Of its message.
            let offset: Milliseconds
            let zones: UInt64

            /// Whether nothing lies between the two for any alarm.
            func isLike(_ other: Held) -> Bool {
                zones == other.zones && (offset &- other.offset).magnitude <= 1_000 && source <= other.source
            }
        }

        /// Of one tag. Beyond it the oldest go.
        static let capacity = 2_048
        /// Of all tags together, suspects among them; beyond it each tag still keeps its least share.
        static let totalCapacity = 131_072
        /// What each tag may keep however much the others have.
        static let leastShare = 8

        /// How many samples a tag may keep while the others keep `others`: the less room there is, the fewer, so that tags that
        /// get many leave room for those that get some later.
        static func share(beside others: Int) -> Int { min(capacity, max(leastShare, (totalCapacity - others) / 32)) }

        /// Topics that are suspected at a time; beyond it the suspicions are forgotten.
        static let suspectCapacity = 4_096
        /// Suspected samples of a tag: none is older than the longest deadline.
        static let suspectsPerTag = 64
        static let suspectFor: Milliseconds = 60_000

        /// Deques, because the oldest go.
        var samples: [TagID: Deque<Held>] = [:]
        /// Of suspects: when the first one came, without leaps, when they may raise, and which tags they made `uncertain`.
        var since: Milliseconds = 0
        var deadline: Milliseconds = .max
        var marked: Set<TagID> = []
        /// The wall clock has been set.
        mutating func clockLeapt(by leap: Milliseconds) {
            for tag in samples.keys {
                guard var kept = samples.removeValue(forKey: tag) else { continue }
                for index in kept.indices { kept[index].received = kept[index].received &+ leap }
                samples[tag] = kept
            }
        }

        /// Tags whose alarms are held back.
        var tags: [TagID] { samples.keys.sorted { $0.rawValue < $1.rawValue } }
    }

    /// Longer ago than anything, and far from overflowing.
    static let unproved: Milliseconds = -(1 << 60)
    /// A gateway whose echoes never come back presumes, after so long a time without a pause or a connection, that
    /// everything has been read which is older than ``TopicClock/longestWait``.
    static let presumedAfter: Milliseconds = 60_000
    /// After a leap of this gateway's clock, messages may come for so long that were stamped before it.
    static let leapIsFreshFor: Milliseconds = 1_000

    // MARK: Our own clock

    /// A moment of the wall clock by the clock without leaps.
    @inline(__always)
    func withoutLeaps(_ wall: Milliseconds) -> Milliseconds {
        if let freshLeap { return withoutLeaps(wall, freshLeap) }
        return wall &- leap
    }

    @inline(never)
    private func withoutLeaps(_ wall: Milliseconds, _ fresh: (by: Milliseconds, at: Milliseconds)) -> Milliseconds {
        afterLeap(wall, fresh) &- leap
    }

    /// A moment that was perhaps stamped before the last leap, by the clock as it is now.
    @inline(never)
    func afterLeap(_ wall: Milliseconds, _ fresh: (by: Milliseconds, at: Milliseconds)) -> Milliseconds {
        let middle = fresh.at &- fresh.by / 2
        let isBefore = fresh.by > 0 ? wall < middle : wall > middle
        return isBefore ? wall &+ fresh.by : wall
    }

    mutating func noteMoment(_ now: Milliseconds) {
        latestMoment = max(latestMoment, withoutLeaps(now))
        if let fresh = freshLeap, now < fresh.at || now &- fresh.at > Self.leapIsFreshFor { freshLeap = nil }
    }

    mutating func noteProof(of time: Milliseconds, at now: Milliseconds) {
        let moment = withoutLeaps(now)
        let proved = min(withoutLeaps(time), moment)
        provedThrough = isProofPresumed || provedThrough > moment ? proved : max(provedThrough, proved)
        isProofPresumed = false
    }

    /// Without echoes, or after the last one, the clocks of devices would never be judged, and one that has stepped back would
    /// go unwatched. Messages between two looks at the clock are behind it too.
    mutating func presumeProof(at now: Milliseconds) {
        let moment = withoutLeaps(now)
        guard unheardNotBefore != .min, now &- unheardNotBefore >= Self.presumedAfter,
            isProofPresumed || moment &- provedThrough >= Self.presumedAfter
        else { return }
        provedThrough = max(provedThrough, moment &- TopicClock.longestWait / 2)
        isProofPresumed = true
        alarms.clock.backlog.end(provedThrough: now, at: now &- TopicClock.longestWait / 2)
    }

    func clocksWantProof(at now: Milliseconds) -> Bool {
        proofWanted > provedThrough || min(nextDoubtDeadline, nextSuspectDeadline) <= withoutLeaps(now)
    }

    // MARK: The devices' clocks

    /// Gives every topic that has none a clock, and watches it and its new tags for silence from now on.
    mutating func bindClocks(at now: Milliseconds) {
        for topic in clocks.count..<ingest.topicCount {
            clocks.append(TopicClock())
            let route = ingest.route(ofTopic: topic)
            silences.bind(
                ingest.tags(ofTopic: topic), limit: silenceLimit(of: route), isPeriodic: route?.reporting == .periodic,
                at: withoutLeaps(now))
            note(topic, ofTags: ingest.tags(ofTopic: topic))
        }
        for topic in ingest.takeGrownTopics() {
            silences.grow(
                topic.number, to: ingest.tags(ofTopic: topic.number),
                limit: silenceLimit(of: ingest.route(ofTopic: topic.number)), at: withoutLeaps(now))
            note(topic.number, ofTags: ingest.tags(ofTopic: topic.number).dropFirst(topic.known))
        }
    }

    /// How long a topic may be silent. An edge node leaves out what has not changed, and its death tells the rest.
    private func silenceLimit(of route: RouteDefinition?) -> Milliseconds? {
        route?.payload == .sparkplug ? nil : route?.staleAfter
    }

    private mutating func note(_ topic: Int, ofTags tags: some Sequence<TagID>) {
        for tag in tags {
            if topicOfTag[tag.index] >= 0, Int(topicOfTag[tag.index]) != topic { sharedTags.insert(tag) }
            topicOfTag[tag.index] = Int32(truncatingIfNeeded: topic)
        }
    }

    /// The latest time that the clock behind a tag can show; `.max` while that is not known.
    static func latestSource(
        of tag: TagID, _ clocks: borrowing ContiguousArray<TopicClock>, _ topics: borrowing ContiguousArray<Int32>,
        at moment: Milliseconds
    ) -> Milliseconds {
        let topic = Int(topics[tag.index])
        return topic < 0 ? .max : clocks[topic].latestSource(at: moment)
    }

    /// Judges the time of the message that `samples` are from, and gives them the quality that follows.
    @inline(__always)
    mutating func judge(
        _ outcome: MessageOutcome, isRetained: Bool, receivedAt: Milliseconds, effects: inout Effects
    ) -> Timing {
        let received = withoutLeaps(receivedAt)
        if received > latestMoment { latestMoment = received }
        if outcome.isBirth {
            return judgeBirth(outcome.topic, sent: outcome.sourceTime, received: received, effects: &effects)
        }
        if let source = outcome.sourceTime, !isRetained,
            clocks[outcome.topic].judgeQuickly(source: source, received: received)
        {
            return Timing(
                topic: outcome.topic, newest: source,
                latestSource: clocks[outcome.topic].latestSource(at: latestMoment))
        }
        if isRetained { return judgeRetained(outcome.topic, source: outcome.sourceTime, received: received) }
        return judgeSlowly(outcome.topic, source: outcome.sourceTime, received: received, effects: &effects)
    }

    @inline(never)
    mutating func judgeSlowly(
        _ topic: Int, source: Milliseconds?, received: Milliseconds, effects: inout Effects
    ) -> Timing {
        guard let source else {
            // It has come to say no time, or none that a clock shows: then that of reception is all there is.
            if clocks[topic].doubt != nil, samples.contains(where: { $0.value != nil }) {
                clocks[topic] = TopicClock()
                if evaluateByReception(topic) { effects.alarmsPending = true }
            }
            return Timing(topic: topic)
        }
        let arrival = TopicClock.Arrival(
            source: source, received: received, heardThrough: provedThrough, historyAge: historyAge(of: topic),
            rightOffset: 0 &- leap, isRepetition: isRepetition(source))
        let judgement = clocks[topic].judge(arrival)
        if judgement.wantsProof { proofWanted = max(proofWanted, received) }
        if judgement.change != .none { letGo(topic, judgement.change, effects: &effects) }
        if judgement.clearsSuspects { clearSuspects(topic) }
        if judgement.isSuspect { noteSuspects(topic, source: source, received: received) }
        guard judgement.standing == .doubtful else {
            let isOnTime = judgement.standing == .onTime
            return Timing(
                topic: topic, isHistory: judgement.isHistory, newest: source,
                latestSource: isOnTime ? clocks[topic].latestSource(at: latestMoment) : .max)
        }
        for index in samples.indices where samples[index].quality == .good { samples[index].quality = .uncertain }
        return Timing(topic: topic, isDoubtful: true, isHistory: judgement.isHistory, newest: source)
    }

    /// What the time of one sample of a message is worth whose newest sample has been judged: the same clock dated it, and it
    /// may be so much older that it is history.
    @inline(never)
    func timing(of sample: Sample, in timing: Timing) -> Timing {
        guard !timing.isDoubtful, !sample.isRetained, sample.hasSourceTime, sample.sourceTime != timing.newest else {
            return timing
        }
        let clock = clocks[timing.topic]
        let late =
            withoutLeaps(sample.receivedTime) &- sample.sourceTime &- (clock.isSettled ? clock.offset : 0 &- leap)
        var timing = timing
        timing.isHistory = timing.isHistory || late > historyAge(of: timing.topic)
        return timing
    }

    /// What the broker had kept is as good as it is young, by the offset of its device's clock.
    private mutating func judgeRetained(_ topic: Int, source: Milliseconds?, received: Milliseconds) -> Timing {
        guard let source, clocks[topic].isSettled else { return Timing(topic: topic, isHistory: true) }
        if let staleAfter = staleAfter(of: topic) {
            for index in samples.indices {
                let sample = samples[index]
                let age = received &- (sample.hasSourceTime ? sample.sourceTime : source) &- clocks[topic].offset
                if sample.quality == (age > staleAfter ? .good : .stale) {
                    samples[index].quality = age > staleAfter ? .stale : .good
                }
            }
        }
        return Timing(
            topic: topic, isHistory: true, latestSource: clocks[topic].latestSource(at: latestMoment))
    }

    /// Whether what the message dates with its newest time is the latest value of its tags already. A message that was sent later
    /// than all of it was measured is none that came before.
    private func isRepetition(_ newest: Milliseconds) -> Bool {
        var isKnown = false
        for sample in samples where !sample.hasSourceTime || sample.sourceTime >= newest {
            guard let entry = latest.entry(sample.tag), entry.hasSourceTime, entry.sourceTime == sample.sourceTime,
                entry.value == sample.value
            else { return false }
            isKnown = true
        }
        return isKnown
    }

    private func staleAfter(of topic: Int) -> Milliseconds? {
        ingest.tags(ofTopic: topic).first.flatMap { ingest.devices[ingest.tags[$0].device].rules.staleAfter }
    }

    /// What is older on arrival is history.
    func historyAge(of topic: Int) -> Milliseconds {
        max(staleAfter(of: topic) ?? 0, TopicClock.leastHistoryAge)
    }

    // MARK: In doubt

    /// A sample whose time contradicts its device's clock; true when it left an alarm transition.
    mutating func evaluateDoubtful(_ sample: Sample, _ timing: Timing) -> Bool {
        guard let doubt = clocks[timing.topic].doubt, alarms.hasAlarms(sample.tag) else { return false }
        guard let value = sample.value else {
            return alarms.sampleReceived(
                tag: sample.tag, value: .nan, quality: .bad, sourceTime: sample.sourceTime, hasSourceTime: false,
                receivedTime: sample.receivedTime)
        }
        guard let held = held(sample, value, newest: timing.newest) else { return false }
        if doubt.isGivenUp {
            let isLeft = evaluateByReception(timing.topic)
            return evaluateByReception(held, sample.tag) || isLeft
        }
        alarms.holdBack(sample.tag)
        guard doubt.isOverdue else {
            if doubts[timing.topic] == nil {
                nextDoubtDeadline = min(nextDoubtDeadline, doubt.deadline)
                convictSuspects(timing.topic, since: doubt.since)
            }
            hold(held, sample.tag, timing.topic)
            return false
        }
        // Which tags are held back.
        doubts[timing.topic, default: HeldSamples()].samples[sample.tag, default: []] = []
        return raiseUnsure(held, sample.tag, timing.topic)
    }

    /// Nobody knows when the samples of a topic were taken: those that are kept count in the order in which they came. True
    /// when that left an alarm transition.
    private mutating func evaluateByReception(_ topic: Int) -> Bool {
        guard let held = doubts.removeValue(forKey: topic) else { return false }
        var left = false
        for tag in held.tags {
            let samples = held.samples[tag] ?? []
            heldCount -= samples.count
            alarms.trustTimes(of: tag, isOtherClock: true)
            for sample in samples where evaluateByReception(sample, tag) { left = true }
        }
        return left
    }

    private mutating func evaluateByReception(_ sample: HeldSamples.Held, _ tag: TagID) -> Bool {
        alarms.sampleReceived(
            tag: tag, value: sample.value, quality: .good, sourceTime: sample.received, hasSourceTime: false,
            receivedTime: sample.received)
    }

    /// - Parameter newest: of the times of its message, which tells of the device's clock; nil: its own.
    private func held(_ sample: Sample, _ value: TagValue, newest: Milliseconds?) -> HeldSamples.Held? {
        guard let number = value.doubleValue, number.isFinite else { return nil }
        return HeldSamples.Held(
            value: number, source: sample.sourceTime, received: sample.receivedTime,
            offset: withoutLeaps(sample.receivedTime) &- (newest ?? sample.sourceTime),
            zones: alarms.zones(of: sample.tag, number))
    }

    /// The message may be the first after a step back; its values are older than the latest, and go by unless that is shown.
    /// Until then nobody knows which of the two is the later one.
    private mutating func noteSuspects(_ topic: Int, source: Milliseconds, received: Milliseconds) {
        if suspects.count >= HeldSamples.suspectCapacity, suspects[topic] == nil {
            for other in suspects.keys.sorted() { clearSuspects(other) }
        }
        for sample in samples {
            guard let entry = latest.entry(sample.tag), entry.hasSourceTime, entry.sourceTime > sample.sourceTime else {
                continue
            }
            let suspect = alarms.hasAlarms(sample.tag) ? sample.value.flatMap { held(sample, $0, newest: source) } : nil
            // Delivered again.
            if let suspect, alarms.hasSeen(sample.tag, value: suspect.value, at: suspect.source) { continue }
            if suspects[topic] == nil {
                let deadline = clocks[topic].suspectDeadline(since: received)
                suspects[topic] = HeldSamples(since: received, deadline: deadline)
                nextSuspectDeadline = min(nextSuspectDeadline, deadline)
            }
            if latest.changeQuality(of: sample.tag, from: .good, to: .uncertain) {
                suspects[topic]?.marked.insert(sample.tag)
            }
            guard let suspect else { continue }
            var kept = suspects[topic]?.samples.removeValue(forKey: sample.tag) ?? []
            heldCount -= kept.count
            kept.removeAll { received &- withoutLeaps($0.received) > HeldSamples.suspectFor }
            makeRoom(in: &kept, upTo: HeldSamples.suspectsPerTag)
            kept.append(suspect)
            heldCount += kept.count
            suspects[topic]?.samples[sample.tag] = kept
        }
    }

    private mutating func takeSuspects(_ topic: Int) -> HeldSamples? {
        guard let taken = suspects.removeValue(forKey: topic) else { return nil }
        for samples in taken.samples.values { heldCount -= samples.count }
        return taken
    }

    /// What was suspected had come before.
    private mutating func clearSuspects(_ topic: Int) {
        guard let suspects = takeSuspects(topic) else { return }
        for tag in suspects.marked { latest.changeQuality(of: tag, from: .uncertain, to: .good) }
    }

    /// The clock has been contradicted: what was suspected of it just before belongs to what is kept.
    private mutating func convictSuspects(_ topic: Int, since: Milliseconds) {
        guard let suspects = takeSuspects(topic) else { return }
        for tag in suspects.tags {
            for sample in suspects.samples[tag] ?? []
            where since &- withoutLeaps(sample.received) <= TopicClock.longestWait {
                alarms.holdBack(tag)
                hold(sample, tag, topic)
            }
        }
    }

    /// Nothing has come after what was suspected, and everything has been read that was kept meanwhile: the newest may raise.
    private mutating func raiseOverdueSuspects(through heard: Milliseconds) -> Bool {
        guard nextSuspectDeadline <= heard else { return false }
        var left = false
        nextSuspectDeadline = .max
        for topic in suspects.keys.sorted() {
            guard let found = suspects[topic] else { continue }
            guard found.deadline <= heard else {
                nextSuspectDeadline = min(nextSuspectDeadline, found.deadline)
                continue
            }
            _ = takeSuspects(topic)
            // A doubt that has begun since knows better.
            guard clocks[topic].convict(since: found.since) else { continue }
            for tag in found.tags {
                guard let newest = found.samples[tag]?.last else { continue }
                doubts[topic, default: HeldSamples()].samples[tag] = []
                alarms.holdBack(tag)
                if raiseUnsure(newest, tag, topic) { left = true }
            }
        }
        return left
    }

    private mutating func hold(_ sample: HeldSamples.Held, _ tag: TagID, _ topic: Int) {
        var samples = doubts[topic]?.samples.removeValue(forKey: tag) ?? []
        heldCount -= samples.count
        if samples.count >= 2, samples[samples.count - 1].isLike(sample),
            samples[samples.count - 2].isLike(samples[samples.count - 1])
        {
            samples.removeLast()
        }
        makeRoom(in: &samples, upTo: HeldSamples.capacity)
        samples.append(sample)
        heldCount += samples.count
        doubts[topic, default: HeldSamples()].samples[tag] = samples
    }

    /// Lets go of the oldest samples of a tag, which are not counted in `heldCount` now, so that one more has room.
    private mutating func makeRoom(in samples: inout Deque<HeldSamples.Held>, upTo capacity: Int) {
        let excess = samples.count + 1 - min(capacity, HeldSamples.share(beside: heldCount))
        guard excess > 0 else { return }
        samples.removeFirst(excess)
        heldDropped &+= UInt64(excess)
    }

    private mutating func raiseUnsure(_ sample: HeldSamples.Held, _ tag: TagID, _ topic: Int) -> Bool {
        let latestSource = clocks[topic].latestUndoubted(at: latestMoment, rightOffset: 0 &- leap)
        return alarms.raiseUnsure(
            tag: tag, value: sample.value, sourceTime: sample.source, receivedTime: sample.received,
            latestSource: latestSource)
    }

    /// Where a clock has been in doubt for too long, and everything has been read that was kept until then, the newest
    /// sample may raise. True when one did.
    ///
    /// - Parameter heard: Until when everything has been read, or what is taken for that when nobody can hear better.
    mutating func raiseOverdueDoubts(through heard: Milliseconds) -> Bool {
        var left = raiseOverdueSuspects(through: heard)
        guard nextDoubtDeadline <= heard else { return left }
        nextDoubtDeadline = .max
        for topic in doubts.keys.sorted() {
            guard let doubt = clocks[topic].doubt, !doubt.isOverdue, let held = doubts[topic] else { continue }
            guard doubt.deadline <= heard else {
                nextDoubtDeadline = min(nextDoubtDeadline, doubt.deadline)
                continue
            }
            clocks[topic].doubtOverdue()
            for tag in held.tags {
                let samples = held.samples[tag] ?? []
                heldCount -= samples.count
                doubts[topic]?.samples[tag] = []
                if let newest = samples.last, raiseUnsure(newest, tag, topic) { left = true }
            }
        }
        return left
    }

    /// The clock of a topic is another one: nothing that was heard before compares with what comes, for any of its tags,
    /// also for those of which nothing has come since.
    private mutating func letGoOfOrder(_ topic: Int, _ offsets: ClosedRange<Milliseconds>) {
        let range = offsets.lowerBound &- 1_000...offsets.upperBound &+ 1_000
        for tag in ingest.tags(ofTopic: topic) where topicOfTag[tag.index] == Int32(truncatingIfNeeded: topic) {
            alarms.trustTimes(of: tag, isOtherClock: true)
            guard let entry = latest.entry(tag), entry.hasSourceTime,
                !range.contains(withoutLeaps(entry.receivedTime) &- entry.sourceTime)
            else { continue }
            latest.letGoOfOrder(tag)
        }
    }

    /// The clock of a topic is no longer in doubt: what was kept is evaluated in its order.
    private mutating func letGo(_ topic: Int, _ change: TopicClock.Change, effects: inout Effects) {
        if case .rebased(let offsets) = change { letGoOfOrder(topic, offsets) }
        guard let held = doubts.removeValue(forKey: topic) else { return }
        // A tag that another topic gives as well may count as that one's.
        if case .rebased = change { for tag in held.tags { alarms.trustTimes(of: tag, isOtherClock: true) } }
        let latestSource = clocks[topic].latestSource(at: latestMoment)
        let historyAge = historyAge(of: topic)
        for tag in held.tags {
            var samples = held.samples[tag] ?? []
            heldCount -= samples.count
            switch change {
            case .rebased(let offsets):
                let range = offsets.lowerBound &- 1_000...offsets.upperBound &+ 1_000
                samples.removeAll { !range.contains($0.offset) }
            case .confirmed:
                alarms.trustTimes(of: tag, isOtherClock: false)
                // A clock that was ahead for a moment must not make the alarms deaf until that time comes.
                samples.removeAll { $0.source > latestSource }
                samples.sort { $0.source < $1.source }
            case .none: break
            }
            for sample in samples {
                let isLeft =
                    withoutLeaps(sample.received) &- sample.source &- clocks[topic].offset > historyAge
                    ? alarms.historyReceived(
                        tag: tag, value: sample.value, sourceTime: sample.source, receivedTime: sample.received,
                        latestSource: latestSource)
                    : alarms.sampleReceived(
                        tag: tag, value: sample.value, quality: .good, sourceTime: sample.source, hasSourceTime: true,
                        receivedTime: sample.received, latestSource: latestSource)
                if isLeft { effects.alarmsPending = true }
            }
        }
    }
}
