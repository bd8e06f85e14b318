// What comes in: messages become samples, and samples latest values and alarms.
extension LivePlant {
    /// Takes one message; the hot path.
    ///
    /// - Parameters:
    ///   - position: of the message in its batch, for ``Effects/answers``.
    ///   - receivedAt: by the wall clock.
    ///   - observe: is shown every sample before it counts.
    @discardableResult
    public mutating func messageReceived(
        topic: borrowing Span<UInt8>, payload: borrowing Span<UInt8>, retained: Bool, receivedAt: Milliseconds,
        position: Int = 0, effects: inout Effects, observe: ((Sample) -> Void)? = nil
    ) -> MessageOutcome? {
        if answers.contain(topic) {
            if !retained { effects.answers.append(position) }
            return nil
        }
        let outcome = ingest.message(
            topic: topic, payload: payload, retained: retained, receivedAt: receivedAt, into: &samples)
        if outcome.isNewTopic { bind(outcome.newTags) }
        if let state = outcome.deviceState, let device = outcome.device {
            deviceChanged(device, to: state, at: receivedAt)
            effects.devicesChanged = true
        }
        if case .undecodable(let failure) = outcome.result, receivedAt >= nextUnreadableLog {
            nextUnreadableLog = receivedAt &+ Self.unreadableLogInterval
            effects.unreadable = Unreadable(topic: Self.text(topic), failure: failure)
        }
        for sample in samples {
            observe?(sample)
            if take(sample) { effects.alarmsPending = true }
        }
        samples.removeAll(keepingCapacity: true)
        return outcome
    }

    /// Latest value and alarms of one sample; true when it left an alarm transition.
    private mutating func take(_ sample: Sample) -> Bool {
        let outcome = latest.record(sample, tags: ingest.tags)
        switch outcome {
        case .older, .retainedAfterLive: return false
        case .changed, .withinDeadband, .behindTree: break
        }
        guard let value = sample.value else {
            return alarms.sampleReceived(
                tag: sample.tag, value: .nan, quality: .bad, sourceTime: sample.sourceTime,
                hasSourceTime: sample.hasSourceTime, receivedTime: sample.receivedTime)
        }
        guard let number = value.doubleValue else { return false }
        // A live reading counts whatever its clock says: a device with a wrong clock must not go unwatched.
        var quality = sample.isRetained ? sample.quality : .good
        if !sample.isRetained, sample.hasSourceTime, sample.receivedTime < backlogUntil,
            let staleAfter = ingest.devices[ingest.tags[sample.tag].device].staleAfter,
            sample.receivedTime &- sample.sourceTime > staleAfter
        {
            quality = .uncertain
        }
        return alarms.sampleReceived(
            tag: sample.tag, value: number, quality: quality, sourceTime: sample.sourceTime,
            hasSourceTime: sample.hasSourceTime, receivedTime: sample.receivedTime)
    }

    mutating func bind(_ tags: Range<Int>) {
        for number in tags {
            let tag = TagID(rawValue: UInt32(truncatingIfNeeded: number))
            alarms.bind(tag: tag, path: ingest.tags[tag].path)
        }
        while nodeExists.count < ingest.tags.count { nodeExists.append(false) }
    }

    private static func text(_ topic: borrowing Span<UInt8>) -> String {
        var bytes: [UInt8] = []
        for index in topic.indices.prefix(200) { bytes.append(topic[index]) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
