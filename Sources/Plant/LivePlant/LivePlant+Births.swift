// What the times in a birth of Sparkplug B are worth: it tells what is so when it is sent, with the times at which its values last
// changed, or what the client takes for these.
extension LivePlant {
    /// A birth tells values with the times of their last change, so it neither confirms nor contradicts the clock that data has
    /// settled: old values are honest there, and no news. Before that its time of sending may contradict; it settles nothing,
    /// since another clock may date the values.
    @inline(never)
    mutating func judgeBirth(
        _ topic: Int, sent: Milliseconds?, received: Milliseconds, effects: inout Effects
    ) -> Timing {
        guard let sent else { return Timing(topic: topic) }
        let clock = clocks[topic]
        if !clock.isSettled, min(received, provedThrough) &- sent &+ leap > historyAge(of: topic) {
            return judgeSlowly(topic, source: sent, received: received, effects: &effects)
        }
        guard clock.doubt == nil else {
            for index in samples.indices where samples[index].quality == .good { samples[index].quality = .uncertain }
            return Timing(topic: topic, isDoubtful: true)
        }
        if samples.contains(where: { isKnownAlready($0) }) {
            samples = ContiguousArray(samples.filter { !isKnownAlready($0) })
        }
        if clock.isSettled, clock.excludes(sent, received: received, heardThrough: provedThrough) {
            // What has no time of its own is dated by another clock than data is: the two times do not compare.
            for index in samples.indices where samples[index].hasSourceTime && samples[index].sourceTime == sent {
                samples[index].dropSourceTime()
            }
            for index in samples.indices where isContradicted(samples[index]) { date(index, sent: nil) }
        } else {
            for index in samples.indices where isContradicted(samples[index]) { date(index, sent: sent) }
        }
        return Timing(topic: topic, latestSource: clock.latestSource(at: latestMoment))
    }

    /// Whether a birth tells once more what has been heard here, dated before that: it is older, also where what comes next is
    /// newer whatever its time.
    private func isKnownAlready(_ sample: Sample) -> Bool {
        guard sample.hasSourceTime, let entry = latest.entry(sample.tag), entry.isHeard, entry.hasSourceTime else {
            return false
        }
        return sample.sourceTime < entry.sourceTime && sample.value == entry.value && entry.quality == .good
    }

    /// Whether a birth tells of a tag another value than the newest that is known, or has to make it good again, and dates it
    /// before that one: the message that brought it has been lost, or its client gives all values the time at which it was
    /// started. A birth tells what is so when it is sent.
    private func isContradicted(_ sample: Sample) -> Bool {
        guard sample.hasSourceTime, let entry = latest.entry(sample.tag), entry.hasSourceTime else { return false }
        return sample.sourceTime <= entry.sourceTime && sample.value != entry.value
            || sample.sourceTime < entry.sourceTime && entry.quality != .good
    }

    /// Dates a value of a birth by the birth, or by its reception where even that is dated before what is known, or by another
    /// clock. What the tree has was heard by another gateway: a birth that the broker had kept may be older than that, so it has to
    /// have been sent later than that was received; otherwise it stays as it is, and is refused as older.
    ///
    /// - Parameter sent: nil where it does not compare with the times of data.
    private mutating func date(_ index: Int, sent: Milliseconds?) {
        let tag = samples[index].tag
        guard let entry = latest.entry(tag) else { return }
        let known = entry.isHeard ? entry.sourceTime : max(entry.sourceTime, entry.receivedTime)
        if let sent, sent > known {
            samples[index].sourceTime = sent
            // Data is dated by the metric's clock, which may lie behind the edge node's.
            redated.append(tag)
        } else if entry.isHeard {
            samples[index].dropSourceTime()
        }
    }

    /// What comes next of the tags that a birth has dated is newer, whatever its time.
    mutating func letGoOfRedated() {
        for tag in redated {
            latest.letGoOfOrder(tag)
            alarms.trustTimes(of: tag, isOtherClock: true)
        }
        redated.removeAll(keepingCapacity: true)
    }
}
