// What comes in: messages become samples, and samples latest values and alarms.
extension LivePlant {
    /// Takes one message; the hot path.
    ///
    /// - Parameters:
    ///   - position: of the message in its batch, for ``Effects/answers`` and ``Effects/echoes``.
    ///   - receivedAt: by the wall clock.
    ///   - observe: is shown every sample before it counts.
    @discardableResult
    public mutating func messageReceived(
        topic: borrowing Span<UInt8>, payload: borrowing Span<UInt8>, retained: Bool, receivedAt: Milliseconds,
        position: Int = 0, effects: inout Effects, observe: ((Sample) -> Void)? = nil
    ) -> MessageOutcome? {
        var receivedAt = receivedAt
        if let freshLeap { receivedAt = afterLeap(receivedAt, freshLeap) }
        if topic.count == echoTopic.count, isEcho(topic) {
            if !retained { effects.echoes.append(position) }
            return nil
        }
        if answers.contain(topic) {
            if !retained { effects.answers.append(position) }
            return nil
        }
        var outcome = ingest.message(
            topic: topic, payload: payload, retained: retained, receivedAt: receivedAt, into: &samples)
        take(
            outcome, topic: topic, payload: payload, retained: retained, receivedAt: receivedAt, effects: &effects,
            observe: observe)
        if ingest.hasStaleTags { callStale(at: outcome.receivedAt ?? receivedAt, effects: &effects) }
        while ingest.hasFurtherParts {
            let part = ingest.furtherPart(topic, payload, retained: retained, receivedAt: receivedAt, into: &samples)
            take(
                part, topic: topic, payload: payload, retained: retained, receivedAt: receivedAt, effects: &effects,
                observe: observe)
            if ingest.hasStaleTags { callStale(at: part.receivedAt ?? receivedAt, effects: &effects) }
            outcome.merge(part)
        }
        return outcome
    }

    /// Takes what has been read of a message, or of a part of it, as of when it came.
    @inline(__always)
    mutating func take(
        _ outcome: MessageOutcome, topic: borrowing Span<UInt8>, payload: borrowing Span<UInt8>, retained: Bool,
        receivedAt: Milliseconds, effects: inout Effects, observe: ((Sample) -> Void)?
    ) {
        let receivedAt = outcome.receivedAt ?? receivedAt
        if outcome.isNewTopic || ingest.hasGrownTopics {
            bind(outcome.newTags, at: receivedAt)
            if let device = outcome.device, routeIsLearnt(of: device) { effects.devicesChanged = true }
        }
        if let state = outcome.deviceState, let device = outcome.device {
            take(.counts(as: state), of: device, at: receivedAt, effects: &effects)
        } else if outcome.isDeviceLostAgain, let device = outcome.device {
            take(.lostAgain, of: device, at: receivedAt, effects: &effects)
        }
        if let failure = outcome.failure, !failure.isOrdinary, effects.unreadable == nil,
            unreadableReports.take(failure, on: outcome.topic, at: receivedAt)
        {
            effects.unreadable = Unreadable(
                topic: Self.text(topic), tag: outcome.flaw?.tag.map { ingest.tags[$0].path }, failure: failure,
                found: Self.text(payload))
        }
        if samples.isEmpty { return }
        if outcome.isBatch, silences.isWatched(outcome.topic) {
            noteHeard(outcome.topic, oneOfEach(outcome.topic), retained: retained, at: receivedAt)
        } else {
            noteHeard(outcome.topic, samples, retained: retained, at: receivedAt)
        }
        let timing = judge(outcome, isRetained: retained, receivedAt: receivedAt, effects: &effects)
        for sample in samples {
            observe?(sample)
            let timing = outcome.isBatch ? self.timing(of: sample, in: timing) : timing
            if take(sample, timing) { effects.alarmsPending = true }
        }
        if !redated.isEmpty { letGoOfRedated() }
        samples.removeAll(keepingCapacity: true)
    }

    @inline(__always)
    private mutating func noteHeard(
        _ topic: Int, _ samples: borrowing ContiguousArray<Sample>, retained: Bool, at receivedAt: Milliseconds
    ) {
        if retained {
            silences.keptMessageCame(topic, samples, at: withoutLeaps(receivedAt))
        } else {
            silences.heard(topic, samples, at: withoutLeaps(receivedAt))
        }
    }

    /// One sample of each tag that the message has, in the order of the topic's tags.
    private func oneOfEach(_ topic: Int) -> ContiguousArray<Sample> {
        let byTag = Dictionary(samples.map { ($0.tag, $0) }, uniquingKeysWith: { _, newer in newer })
        return ContiguousArray(ingest.tags(ofTopic: topic).compactMap { byTag[$0] })
    }

    /// Latest value and alarms of one sample; true when it left an alarm transition.
    @inline(__always)
    mutating func take(_ sample: Sample, _ timing: Timing) -> Bool {
        if timing.isDoubtful {
            latest.record(sample, tags: ingest.tags, isOrdered: false)
            return evaluateDoubtful(sample, timing)
        }
        let isLook = !unseen.isEmpty && lookBefore(sample)
        let outcome = latest.record(sample, tags: ingest.tags, latestSource: timing.latestSource)
        let isTransition = evaluate(sample, timing) || isLook
        // Within the deadband and beyond a limit: a restart would rebuild the alarm from the value in the tree.
        if outcome == .withinDeadband, alarms.changedPhase { latest.markDirty(sample.tag) }
        return isTransition
    }

    /// Delays that run according to the tag's node began with samples that may not come again; the alarms see those before
    /// any later one, and the value itself before any that is not older. What is older on the same topic has come already.
    private mutating func lookBefore(_ sample: Sample) -> Bool {
        guard !sample.isRetained, let look = unseen[sample.tag], let entry = latest.entry(sample.tag), !entry.isHeard
        else { return false }
        // What is heard counts instead of a value whose time is in doubt.
        if entry.quality == .uncertain { return false }
        if !sample.hasSourceTime || sample.sourceTime >= entry.sourceTime {
            unseen[sample.tag] = nil
            return rebuildAlarms(of: sample.tag, delays: look.delays, at: sample.receivedTime)
        }
        guard var unheard = unheardValue(of: sample.tag, delays: look.delays) else { return false }
        defer { unseen[sample.tag]?.delays = unheard.delays }
        return alarms.replayDelays(&unheard, through: sample.sourceTime, at: sample.receivedTime)
    }

    /// What a sample is for the alarms.
    private mutating func evaluate(_ sample: Sample, _ timing: Timing) -> Bool {
        if sample.isRetained {
            guard sample.quality == .good, sample.hasSourceTime, !isHeardWithoutTime[sample.tag.index] else {
                return false
            }
        } else if !sample.hasSourceTime {
            isHeardWithoutTime[sample.tag.index] = true
        }
        let number: Double
        let quality: Quality
        switch sample.value {
        case nil:
            number = .nan
            quality = .bad
        case let value?:
            guard let double = value.doubleValue else { return false }
            number = double
            quality = .good
        }
        if timing.isHistory {
            lookLater(at: sample.tag, since: sample.receivedTime, delays: unseen[sample.tag]?.delays ?? [:])
            // It begins nothing; but a delay that ran when the gateway was lost ends or breaks by it.
            return quality == .good
                && alarms.historyReceived(
                    tag: sample.tag, value: number, sourceTime: sample.sourceTime, receivedTime: sample.receivedTime,
                    latestSource: timing.latestSource)
        }
        return alarms.sampleReceived(
            tag: sample.tag, value: number, quality: quality, sourceTime: sample.sourceTime,
            hasSourceTime: sample.hasSourceTime, receivedTime: sample.receivedTime, latestSource: timing.latestSource)
    }

    private func isEcho(_ topic: borrowing Span<UInt8>) -> Bool {
        for index in topic.indices where topic[index] != echoTopic[index] { return false }
        return true
    }

    mutating func bind(_ tags: Range<Int>, at now: Milliseconds) {
        for number in tags {
            let tag = TagID(rawValue: UInt32(truncatingIfNeeded: number))
            alarms.bind(tag: tag, path: ingest.tags[tag].path)
        }
        while nodeExists.count < ingest.tags.count {
            nodeExists.append(false)
            isHeardWithoutTime.append(false)
            topicOfTag.append(-1)
        }
        for tag in ingest.takeRehomedTags() { latest.rehome(tag, tags: ingest.tags) }
        bindClocks(at: now)
    }

    /// As much of a topic or payload as a line of the log takes.
    private static func text(_ bytes: borrowing Span<UInt8>) -> String {
        var beginning: [UInt8] = []
        for index in bytes.indices.prefix(200) { beginning.append(bytes[index]) }
        return String(decoding: beginning, as: UTF8.self) + (bytes.count > 200 ? "…" : "")
    }
}
