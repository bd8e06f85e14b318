/// What the evidence says about the clock of the device behind one topic. No clock is trusted when the evidence contradicts
/// it: neither the device's, nor the presumption that a message which comes late was sent late.
///
/// All times but the samples' own are of the gateway's clock without leaps, so that a leap of it shifts nothing here.
///
/// **Offset.** Reception minus source time, by the samples that arrived soonest. A gateway begins from nothing with
/// every start and takes nothing from the tree. It follows a clock that runs fast or slow by up to ``fastestDrift``. A
/// clock that is wrong and constant is as good as a right one.
///
/// **How late a message may have come.** A message may have waited, at the broker or unread in a process that stood still,
/// since the last moment for which an echo has proved that everything was read (`heardThrough`). So its age on arrival at
/// the broker lies between two bounds, and it contradicts only when even the lower one does. What waiting explains is taken
/// for what it says (`queued`): live and in its order, or history. An echo is asked for when it matters.
///
/// **The first offset** after a start is therefore that of the first sample behind the proof; what the broker had kept
/// settles nothing. A first sample older than the line of history is either a wrong clock or what a device, or a bridge
/// behind the broker, had kept itself: it contradicts the presumption that clocks are right, and the rules below decide.
///
///     unsettled ── sample behind the proof, younger than history ─────────────▶ settled ◀─┐
///         │                                                                      │        │ 3 in a row at the offset
///         │                                       sample that contradicts ───────┘        │ (`confirmed`), or 3 source
///         │                                                       ▼                       │ times at another, constant
///         └── sample behind the proof, older than history ──▶ in doubt ───────────────────┘ one (`rebased`)
///                                                                 │
///                                   undecided after ``Doubt/deadline``: the newest sample may raise, never clear;
///                                   after ``Doubt/givenUpAfter``: taken as a device without a clock, until one of the two
///
/// **History** is what is older on arrival, by the settled offset, than `historyAge`: max(`staleAfter`, 30 s). Before an
/// offset is settled the device's clock is presumed right.
///
/// | message | clock right, or wrong and constant | stepping | standing still |
/// | --- | --- | --- | --- |
/// | live | `onTime` | `doubtful` from the first one; at the new offset after 3 source times over 5 s | `onTime` for 2 s, then `doubtful` until it runs; each value that comes undecided may raise |
/// | queued by the broker | `queued`: live in its order; history when older than that | the same: waiting explains what is late; what is ahead is `doubtful` | `queued` |
/// | buffered by the device | `doubtful`, until 3 in a row are at the offset; then it is live in its order, or history. Comes it so again and again, that is the topic's usual ``jitter``: `onTime` | `doubtful` | – |
/// | retained | not judged: history, which tells nothing of the clock | the same; nothing, when it is dated later than the device's clock shows | the same |
/// | late again and again, back at the offset between (batches, whole minutes) | the usual ``jitter`` after two returns, up to ``greatestUsual``: `onTime`, what is older than the line of history is history | `doubtful` | `onTime` up to a minute |
/// | two clocks on one topic, or one that is never constant for 5 min | – | given up: `doubtful`, but evaluated in the order of reception and by its time: raises and returns | the same |
/// | dated before what has come, by less than contradicts | ignored; until a later one comes `uncertain`. Comes none until the deadline of a doubt: in doubt, and may raise | the same | – |
/// | a repetition of the latest sample | tells nothing of the clock | the same | the same |
///
/// | device's clock | what that is |
/// | --- | --- |
/// | behind by any time | an offset like any other; until settled (above) messages older than history are `doubtful` |
/// | ahead by up to ``IngestLimits/clockLead`` | an offset like any other |
/// | ahead by more, before 2000, unreadable | no time: that of reception, `uncertain`; not judged here |
/// | absent | that of reception, `good`; not judged here, never history |
public struct TopicClock: Sendable {
    /// What a sample's time is worth.
    public enum Standing: Sendable, Hashable {
        /// No offset is settled, and this sample settles none: order is by its own time.
        case unsettled
        /// At the topic's offset.
        case onTime
        /// Late, and waiting may explain it, or a repetition: order is by its own time.
        case queued
        /// It contradicts, or comes while the clock is in doubt.
        case doubtful
    }

    /// What a sample did to the topic's clock.
    public enum Change: Sendable, Hashable {
        case none
        /// The offset that was settled is right: what contradicted it was late or wrong.
        case confirmed
        /// Another offset has been settled; these are the offsets of the samples that show it.
        case rebased(ClosedRange<Milliseconds>)
    }

    public struct Judgement: Sendable, Hashable {
        public var standing: Standing
        public var change = Change.none
        public var isHistory = false
        /// Whether proof of what has been heard would tell more.
        public var wantsProof = false
        /// Whether it does not contradict, but is dated before what has come: either it has come before, or the clock has
        /// stepped back, which the next one will show.
        public var isSuspect = false
        /// Whether a later sample, or the latest once more, shows that those which were suspected had come before.
        public var clearsSuspects = false
    }

    /// A sample as the clock sees it.
    struct Arrival: Sendable {
        /// The sample's own time.
        let source: Milliseconds
        let received: Milliseconds
        /// Until when everything is proved to have been read.
        let heardThrough: Milliseconds
        let historyAge: Milliseconds
        /// The offset of a clock that shows the same as the gateway's does now, leaps included.
        var rightOffset: Milliseconds = 0
        /// The latest sample once more: same time, same value.
        var isRepetition = false

        /// When it came to the broker, at the earliest.
        var earliest: Milliseconds { min(received, heardThrough) }
    }

    /// The least by which an offset must differ to contradict.
    static let tolerance: Milliseconds = 2_000
    /// An offset is settled by samples that can have waited for so long at most.
    public static let longestWait: Milliseconds = 10_000
    /// The least time after which a late message is history.
    public static let leastHistoryAge: Milliseconds = 30_000
    /// Samples in a row at the offset that end a doubt.
    static let confirmations: UInt8 = 3
    /// For so long after it was last seen a lateness counts as usual, and for twice its own time more.
    static let usualFor: Milliseconds = 3_600_000
    /// The greatest lateness that can be usual: a device may send once a day what it has measured.
    static let greatestUsual: Milliseconds = 86_400_000
    /// A device's clock may gain or lose one millisecond in so many.
    static let fastestDrift: Milliseconds = 500
    /// As much as a clock may have drifted since it was last heard contradicts nothing, but no more than this.
    static let greatestTolerance: Milliseconds = 60_000
    private static let driftWindow: Milliseconds = 5_000

    // First what every message touches: one cache line.

    /// Received minus source time.
    public private(set) var offset: Milliseconds = 0
    private var newestSource: Milliseconds = .min
    private var newestReceived: Milliseconds = .min
    private var windowStart: Milliseconds = 0
    /// The least lateness in the window by which the offset follows the drift.
    private var windowLeast: Milliseconds = .max
    /// Between two samples, usually.
    private var interval: Milliseconds = 0
    /// By how much the offset may be too great, because the samples that it comes from may have waited.
    private var slack: Milliseconds = 0
    public private(set) var isSettled = false
    /// Settled, without slack, not in doubt, and back at the offset.
    private var isPlain = false

    /// How late messages of this topic usually come; counts until `usualUntil`.
    private var usualLateness: Milliseconds = 0
    private var usualUntil: Milliseconds = .min
    /// How often messages that were late, and in order, were followed by ones at the offset.
    private var returnsFromLate = 0
    private var greatestLateness: Milliseconds = 0
    private var lastReturn: Milliseconds = .min
    /// The greatest lateness of samples that were usual, since the last one that was not late.
    private var usualSeen: Milliseconds = 0
    /// Whether the first sample with the newest time was history; those with the same time that follow are what it was.
    private var isNewestHistory = false
    /// Whether a sample was suspected since the newest one.
    private var isSuspected = false
    /// nil while nothing contradicts.
    public private(set) var doubt: Doubt?

    init() {}

    /// The latest time that the device's clock can show at `now`; `.max` while that is not known. What is dated later was
    /// dated by another clock: before a step.
    @inline(__always)
    func latestSource(at now: Milliseconds) -> Milliseconds {
        if isPlain { return now &- offset &+ Self.tolerance }
        return isSettled && doubt == nil ? now &- offset &+ slack &+ Self.tolerance : .max
    }

    /// The latest time that the device's clock could show at `now` if nothing had contradicted.
    func latestUndoubted(at now: Milliseconds, rightOffset: Milliseconds) -> Milliseconds {
        now &- (isSettled ? offset &- slack : rightOffset) &+ Self.tolerance
    }

    /// By how much an offset must differ to contradict, at a moment: silence has let it drift, but a doubt has not.
    private func tolerance(at moment: Milliseconds) -> Milliseconds {
        let silence = max(0, min(moment, doubt?.since ?? moment) &- newestReceived)
        return max(Self.tolerance, min(Self.greatestTolerance, silence / Self.fastestDrift))
    }

    /// Whether the clock cannot have shown `source` when something was sent that has been received now, however long it waited.
    func excludes(_ source: Milliseconds, received: Milliseconds, heardThrough: Milliseconds) -> Bool {
        let tolerance = tolerance(at: received)
        let shown = source &+ offset
        return received &- shown < -(tolerance &+ slack) || min(received, heardThrough) &- shown > tolerance
    }

    /// How much later than at its offset a sample may come without contradicting.
    func jitter(at now: Milliseconds) -> Milliseconds { now <= usualUntil ? usualLateness : 0 }

    /// Judges a live sample with a time of its own. True for `onTime`, as almost every one is; else ``judge(_:)`` tells.
    @inline(__always)
    mutating func judgeQuickly(source: Milliseconds, received: Milliseconds) -> Bool {
        let late = received &- source &- offset
        guard isPlain, late.magnitude <= Self.tolerance.magnitude, source > newestSource else { return false }
        note(source: source, received: received, late: late)
        return true
    }

    /// Judges a live sample with a time of its own.
    mutating func judge(_ arrival: Arrival) -> Judgement {
        let isOlder = isSettled && arrival.source < newestSource
        let isNewer = isSettled && arrival.source > newestSource
        var judgement = judged(arrival)
        if judgement.standing != .doubtful, judgement.change == .none {
            if isOlder, !arrival.isRepetition {
                judgement.isSuspect = true
                isSuspected = true
            } else if isSuspected, isNewer || arrival.isRepetition {
                judgement.clearsSuspects = true
                isSuspected = false
            }
        }
        isPlain = isSettled && slack == 0 && doubt == nil && usualSeen == 0 && !isSuspected
        return judgement
    }

    /// When samples that were suspected since then may raise, unless a later one comes.
    func suspectDeadline(since: Milliseconds) -> Milliseconds {
        Doubt(since: since, usualInterval: interval, newestSource: newestSource).deadline
    }

    /// Nothing has come after samples that were suspected: what they say may be what there is. True when that began a doubt.
    mutating func convict(since: Milliseconds) -> Bool {
        isSuspected = false
        guard doubt == nil, isSettled else { return false }
        doubt = Doubt(since: since, usualInterval: interval, newestSource: newestSource)
        isPlain = false
        doubtOverdue()
        return true
    }

    private mutating func judged(_ arrival: Arrival) -> Judgement {
        let presumed = isSettled ? offset : arrival.rightOffset
        let late = arrival.received &- arrival.source &- presumed
        let leastLate = arrival.earliest &- arrival.source &- presumed
        let isHistory = late > arrival.historyAge
        if arrival.isRepetition {
            // Said again by the device, or delivered again by the broker.
            let isRedelivered = leastLate <= arrival.historyAge
            return Judgement(standing: doubt == nil ? .queued : .doubtful, isHistory: isHistory && isRedelivered)
        }
        guard isSettled else { return judgeUnsettled(arrival, late: late, leastLate: leastLate) }
        let tolerance = tolerance(at: arrival.received)
        let usual = max(tolerance, jitter(at: arrival.received))
        // Usually late or not: no source time comes before one that has come already.
        let isBack = arrival.source < newestSource &- Self.tolerance
        let allowed = isBack ? Self.tolerance : usual
        if late < -(tolerance &+ slack) || leastLate > allowed {
            var judgement = contradicted(arrival, late: late)
            if judgement.standing == .doubtful { judgement.isHistory = isHistory }
            return judgement
        }
        guard late <= allowed else {
            doubt?.noteTime(arrival)
            return Judgement(
                standing: doubt == nil ? .queued : .doubtful, isHistory: isHistory, wantsProof: true)
        }
        return agreed(arrival, late: late)
    }

    /// The samples that contradict have come for so long that the newest may raise.
    mutating func doubtOverdue() { doubt?.isOverdue = true }
}

extension TopicClock {
    private mutating func judgeUnsettled(
        _ arrival: Arrival, late: Milliseconds, leastLate: Milliseconds
    ) -> Judgement {
        let isHistory = late > arrival.historyAge
        guard arrival.received &- Self.longestWait <= arrival.heardThrough else {
            let standing = doubt == nil ? Standing.unsettled : .doubtful
            return Judgement(standing: standing, isHistory: isHistory, wantsProof: true)
        }
        guard leastLate > arrival.historyAge else {
            let change = doubt == nil ? Change.none : .confirmed
            // It may have waited; and its device, whose clock may be right, may have kept it.
            let slack = max(arrival.received &- arrival.earliest, late)
            settle(at: arrival.received &- arrival.source, slack: slack, arrival)
            return Judgement(standing: .onTime, change: change)
        }
        var judgement = contradicted(arrival, late: late)
        if judgement.standing == .doubtful { judgement.isHistory = isHistory }
        return judgement
    }

    private mutating func settle(at offset: Milliseconds, slack: Milliseconds, _ arrival: Arrival) {
        self.offset = offset
        self.slack = slack
        isSettled = true
        doubt = nil
        newestSource = arrival.source
        newestReceived = arrival.received
        windowStart = arrival.received
        windowLeast = .max
    }

    private mutating func contradicted(_ arrival: Arrival, late: Milliseconds) -> Judgement {
        var doubt =
            doubt
            ?? Doubt(
                since: arrival.received, usualInterval: interval, newestSource: isSettled ? newestSource : .min)
        doubt.contradicted(arrival, late: late)
        if let offsets = doubt.newOffsets {
            settle(at: offsets.lowerBound, slack: 0, arrival)
            usualUntil = .min
            usualSeen = 0
            returnsFromLate = 0
            return Judgement(standing: .onTime, change: .rebased(offsets))
        }
        self.doubt = doubt
        return Judgement(standing: .doubtful)
    }

    private mutating func agreed(_ arrival: Arrival, late: Milliseconds) -> Judgement {
        // A clock that shows whole minutes says the same time for a minute: what comes with it is as new as the first one.
        let isNewest = arrival.source == newestSource
        let isHistory = late > arrival.historyAge && !(isNewest && !isNewestHistory)
        if arrival.source > newestSource { isNewestHistory = isHistory }
        if var doubt {
            if let lateness = doubt.agreed(arrival) { noteReturn(from: lateness, arrival) }
            guard doubt.agreeing >= Self.confirmations else {
                self.doubt = doubt
                return Judgement(standing: .doubtful, isHistory: isHistory)
            }
            self.doubt = nil
            newestSource = arrival.source
            newestReceived = arrival.received
            windowStart = arrival.received
            windowLeast = .max
            return Judgement(standing: .onTime, change: .confirmed, isHistory: isHistory)
        }
        if late > tolerance(at: arrival.received) {
            usualSeen = max(usualSeen, late)
        } else if usualSeen > 0 {
            // Usual, and seen again. Not before it has come back: a clock that runs slow must not carry the line along.
            setUsual(max(usualLateness, usualSeen &+ usualSeen / 4), arrival)
        }
        note(source: arrival.source, received: arrival.received, late: late)
        return Judgement(standing: .onTime, isHistory: isHistory)
    }

    /// Messages that were late and in order have been followed by one at the offset: what happens twice is usual.
    private mutating func noteReturn(from lateness: Milliseconds, _ arrival: Arrival) {
        let isLongAgo = lastReturn == .min || arrival.received &- lastReturn > Self.usualFor &+ 2 &* greatestLateness
        if isLongAgo {
            returnsFromLate = 0
            greatestLateness = 0
        }
        lastReturn = arrival.received
        returnsFromLate += 1
        greatestLateness = max(greatestLateness, min(lateness, Self.greatestUsual))
        guard returnsFromLate >= 2 else { return }
        setUsual(greatestLateness &+ greatestLateness / 4, arrival)
    }

    private mutating func setUsual(_ lateness: Milliseconds, _ arrival: Arrival) {
        usualSeen = 0
        usualLateness = min(lateness, Self.greatestUsual)
        usualUntil = arrival.received &+ Self.usualFor &+ 2 &* usualLateness
    }

    @inline(__always)
    private mutating func note(source: Milliseconds, received: Milliseconds, late: Milliseconds) {
        // What comes sooner than the one that the offset is from shows by how much that one had waited.
        if late < 0, slack > 0 {
            let excess = min(slack, -late)
            offset = offset &- excess
            slack = slack &- excess
        }
        if source > newestSource { newestSource = source }
        let gap = received &- newestReceived
        if gap > 0 { interval = interval == 0 ? min(gap, 600_000) : interval &+ (min(gap, 600_000) &- interval) / 8 }
        if gap >= Self.driftWindow { endWindow() }
        newestReceived = received
        // What is usually late tells nothing of the drift.
        if late <= max(Self.tolerance, min(Self.greatestTolerance, gap / Self.fastestDrift)) {
            windowLeast = min(windowLeast, late)
        }
        if received &- windowStart >= Self.driftWindow { followDrift(to: received) }
    }

    /// What came before a silence tells nothing of the drift in it.
    @inline(never)
    private mutating func endWindow() {
        followDrift(to: newestReceived)
        windowStart = newestReceived
        windowLeast = .max
    }

    @inline(never)
    private mutating func followDrift(to received: Milliseconds) {
        guard windowLeast != .max else { return }
        let most = (received &- windowStart) / Self.fastestDrift
        offset = offset &+ max(-most, min(most, windowLeast))
        // Nothing came sooner: the first ones had not waited.
        slack = windowLeast > -Self.tolerance / 2 || slack < Self.tolerance / 2 ? 0 : slack / 2
        windowStart = received
        windowLeast = .max
    }
}
