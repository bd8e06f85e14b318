/// Decides from the samples of one tag when the condition of one alarm changes.
///
/// Each configured limit is a machine of its own; the condition is the most severe limit that is `abnormal` or
/// `pendingOff`:
///
///     normal      a value beyond the limit → pendingOn
///     pendingOn   a value not beyond it → normal; onDelay over → abnormal
///     abnormal    a value returned by more than the deadband → pendingOff
///     pendingOff  a value not returned → abnormal; offDelay over → normal
///
/// A delay of zero is over at once. When one side becomes active while the other is still pendingOff, the other has
/// returned.
///
/// **Time.** Delays are measured between samples: a sample at or after the end of a delay proves, whatever its value,
/// that the delay ran out before it. Only where no sample comes, `advance` decides, by the time up to which everything
/// has been heard: a delay does not end by a clock that runs on while samples wait unread. Either way the edge is dated
/// start plus delay in sample time, and later than the edge before it, by a millisecond if need be; but not later than an
/// edge that a gateway dated while its clock was ahead.
///
/// **Order.** A sample older than the newest one is ignored, as is a repetition of it. Of several samples with one time
/// the order of arrival counts. Samples without a source time are taken as they arrive. A source time more than
/// `maximumLead` ahead of the reception is not believed. When a tag changes between source time and reception, running
/// delays are carried over.
///
/// **Rebuilding.** What was heard before this process began, or while it could not hear, is known from the tag's latest
/// value alone. `rebuild` lets the limits see it without moving the position: samples older than it that come late are
/// evaluated, and then it once more.
///
/// **Trust.** While the clock behind the samples is in doubt (``TopicClock``) nothing is evaluated and no delay ends: the
/// samples are kept until that is decided, and then evaluated in their order (`held`). When it stays undecided for too long,
/// the newest sample may raise, by its own time where that fits into the order, else by that of reception; nothing returns
/// (`unsure`). A position that lies later than the device's clock can show comes from before a step of that clock, and
/// counts no more.
///
/// **Quality**. Only good values are evaluated; silence counts as a value that is not good.
/// Anything else freezes the condition: off-delays stand still, and the next good sample resumes them where they stood.
/// On-delays keep running and raise, because a contact that reports on change and then falls silent must still alarm.
struct AlarmEvaluator: Sendable {
    /// How far a device's clock may run ahead of ours before its times are replaced by the time of reception.
    static let maximumLead: Milliseconds = 60_000

    enum Phase: UInt8, Sendable {
        case normal, pendingOn, abnormal, pendingOff
    }

    /// Whether the times of the samples can be trusted.
    enum Trust: UInt8, Sendable {
        case trusted, held, unsure
    }

    /// Why an edge was decided with less than its rule asks for; such edges only raise.
    enum Reservation: Sendable {
        case unheard, timeUnsure
    }

    /// One limit and where it stands. The start times mean something only while a delay runs.
    struct Limit: Sendable {
        let condition: AlarmCondition
        /// 1 for a high limit, −1 for a low one: a value is beyond when `sign * value > activation`.
        let sign: Double
        let activation: Double
        let returning: Double
        var phase = Phase.normal
        /// The run's start in sample time, moved on by what the delay stood still.
        var start: Milliseconds = 0
        /// The same on the clock of reception.
        var startReceived: Milliseconds = 0
        /// The sample that began the run, as it came.
        var sampleTime: Milliseconds = 0
        var value: Double = 0
        var hasSourceTime = false

        var isPending: Bool { phase == .pendingOn || phase == .pendingOff }
        var isActive: Bool { phase == .abnormal || phase == .pendingOff }
    }

    /// One to four, outer limits after inner ones of the same side.
    private var limits: InlineArray<4, Limit>
    private let count: Int
    private let onDelay: Milliseconds
    private let offDelay: Milliseconds
    /// Strictly between these a value has returned from every limit: all that most samples are compared with.
    private let settledAbove: Double
    private let settledBelow: Double
    private let settledZone: UInt8
    /// True when every limit is `normal`.
    private(set) var isIdle = true
    private(set) var condition = AlarmCondition.normal
    /// Date of the last edge; the next one is later.
    private var lastEdge: Milliseconds = .min
    /// The newest sample, or what a record told about one.
    private(set) var newest: AlarmReading?
    /// True when `newest` comes from a record: we have not heard it, and of that time nothing counts any more.
    private var newestIsRecorded = false
    /// How far samples' times may lie ahead of ours: further once our clock has been set back.
    private var lead = AlarmEvaluator.maximumLead
    /// The zone of the newest sample, two bits a limit: 1 returned, 2 beyond, 0 between.
    private var zone: UInt8 = 0
    private var history = ReadingHistory()
    /// Our time of the sample that began the last edge that we have seen recorded; the next one began with it or later.
    private var settledThrough: Milliseconds = .min
    private var trust = Trust.trusted
    /// The next sample is dated by another clock than `newest`: nothing compares them.
    private var isOtherClock = false
    /// When evaluation froze, in sample time and by the clock of reception.
    private var frozen: (time: Milliseconds, received: Milliseconds)?
    /// The latest value that the limits were rebuilt from; nil once a sample that is not older has been heard.
    private var standingValue: AlarmReading?
    /// Whether the last sample changed the phase of a limit: then the tag's node must not keep an older value, because a
    /// restart rebuilds from it.
    private(set) var changedPhase = false
    /// Our copy of a sample that another gateway has already acted upon, awaited before anything else is evaluated.
    private var echo: Echo?

    private struct Echo: Sendable {
        let value: Double
        /// By the clock of reception. What has come meanwhile is evaluated when the echo stays out.
        let since: Milliseconds
        let until: Milliseconds
    }

    /// The definition has to be free of mistakes.
    ///
    /// - Parameter clockSetBack: By how much the clock of reception has been set back since the start.
    init(_ definition: AlarmDefinition, clockSetBack: Milliseconds = 0) {
        lead = Self.maximumLead &+ clockSetBack
        let unused = Limit(condition: .normal, sign: 1, activation: .infinity, returning: .infinity)
        var limits = InlineArray<4, Limit>(repeating: unused)
        var count = 0
        for condition in [AlarmCondition.high, .highHigh, .low, .lowLow] {
            guard let limit = definition.limit(of: condition)?.limit else { continue }
            let sign: Double = condition.isSameSide(as: .high) ? 1 : -1
            limits[count] = Limit(
                condition: condition, sign: sign, activation: sign * limit,
                returning: sign * limit - definition.deadband)
            count += 1
        }
        self.limits = limits
        self.count = count
        onDelay = definition.onDelay
        offDelay = definition.offDelay
        settledAbove = (definition.low ?? definition.lowLow).map { $0.limit + definition.deadband } ?? -.infinity
        settledBelow = (definition.high ?? definition.highHigh).map { $0.limit - definition.deadband } ?? .infinity
        settledZone = (0..<count).reduce(0) { $0 | 1 << (2 * UInt8($1)) }
    }
}

// MARK: - Inputs

extension AlarmEvaluator {
    /// True when nothing but the newest value changed for a value inside all limits: the path of almost every sample.
    @inline(__always)
    mutating func tookQuietly(_ reading: AlarmReading) -> Bool {
        guard isIdle, frozen == nil, echo == nil, !isOtherClock, let newest,
            reading.hasSourceTime == newest.hasSourceTime,
            !newestIsRecorded,
            reading.time > newest.time, reading.received >= newest.received,
            reading.time <= reading.received &+ lead, zone == settledZone, reading.value > settledAbove,
            reading.value < settledBelow
        else { return false }
        self.newest = reading
        return true
    }

    /// A good sample. Returns false when it was ignored.
    ///
    /// - Parameter heardThrough: Everything received until then has been evaluated. A sample without a time of its own may
    ///   have been read long after it was sent, so it ends no delay that goes beyond.
    /// - Parameter latestSource: The latest time that the device's clock can show now.
    mutating func sampleReceived(
        _ sample: AlarmReading, heardThrough: Milliseconds = .max, latestSource: Milliseconds = .max,
        into edges: inout [AlarmEdge]
    ) -> Bool {
        changedPhase = false
        var reading = sample
        if !reading.hasSourceTime || reading.time > reading.received &+ lead || reading.time < 0 {
            reading.hasSourceTime = false
            reading.time = reading.received
        }
        if let newest {
            let isComparable =
                reading.hasSourceTime && newest.hasSourceTime && !isOtherClock && newest.time <= latestSource
                && newest.time <= reading.received &+ lead
            isOtherClock = false
            if isComparable {
                if reading.time < newest.time { return false }
                if reading.time == newest.time {
                    if reading.value == newest.value {
                        if newestIsRecorded { echoReceived(reading) }
                        return false
                    }
                    if newestIsRecorded { return false }
                }
            } else {
                carryOver(to: reading, from: newest)
                // From before a step of the clock, like all that would be compared with it.
                if let value = standingValue, value.time > latestSource { standingValue = nil }
            }
        }
        thaw(at: reading)
        newest = reading
        newestIsRecorded = false
        remember(reading)
        if let echo {
            if reading.received >= echo.until {
                endEcho(echo, computedAt: reading.received, heardThrough: heardThrough, into: &edges)
            }
            if !reading.hasSourceTime, reading.value != echo.value, reading.received < echo.until { return true }
            settledThrough = reading.time
            self.echo = nil
        }
        take(reading, computedAt: reading.received, heardThrough: heardThrough, into: &edges)
        if let standingValue { evaluateAgain(standingValue, after: reading, heardThrough: heardThrough, into: &edges) }
        return true
    }

    /// A sample that is older than the value which the limits were rebuilt from has come late: that value still stands.
    private mutating func evaluateAgain(
        _ value: AlarmReading, after reading: AlarmReading, heardThrough: Milliseconds, into edges: inout [AlarmEdge]
    ) {
        if reading.hasSourceTime == value.hasSourceTime, reading.time < value.time {
            take(value, computedAt: reading.received, heardThrough: heardThrough, into: &edges)
        } else {
            standingValue = nil
        }
    }

    /// The tag's value cannot be trusted from `time` on. Without a source time the moment is reckoned from the newest
    /// sample, or from the value that the limits were rebuilt from, where none has been heard since.
    mutating func qualityLost(
        time: Milliseconds, hasSourceTime: Bool, received: Milliseconds, heardThrough: Milliseconds = .max,
        into edges: inout [AlarmEdge]
    ) {
        guard frozen == nil else { return }
        var moment = time
        var proved = time
        if let newest = newest ?? standingValue {
            let elapsed = newest.time &+ max(0, received &- newest.received)
            if hasSourceTime, newest.hasSourceTime {
                if time < newest.time { return }
                moment = min(time, elapsed &+ lead)
                proved = moment
            } else {
                moment = elapsed
                proved = newest.time &+ (max(newest.received, min(received, heardThrough)) &- newest.received)
            }
        }
        if trust == .trusted { fire(sampleTime: proved, received: .min, computedAt: received, into: &edges) }
        frozen = (moment, received)
    }

    /// Everything received up to `heardThrough` has been evaluated. `now` is when this is computed.
    mutating func advance(to heardThrough: Milliseconds, at now: Milliseconds, into edges: inout [AlarmEdge]) {
        switch trust {
        case .held: return
        case .unsure:
            fire(sampleTime: .min, received: heardThrough, computedAt: now, reservation: .timeUnsure, into: &edges)
        case .trusted:
            if frozen == nil, let echo, echo.until <= heardThrough {
                endEcho(echo, computedAt: now, heardThrough: heardThrough, into: &edges)
            }
            fire(sampleTime: .min, received: heardThrough, computedAt: now, into: &edges)
        }
    }

    /// The clock has reached `horizon`, and nobody can hear whether the value has returned meanwhile: on-delays end, marked
    /// as unheard; off-delays wait, because an alarm too many does less harm than one too few.
    mutating func raiseUnheard(through horizon: Milliseconds, at now: Milliseconds, into edges: inout [AlarmEdge]) {
        guard trust != .held else { return }
        fire(
            sampleTime: .min, received: horizon, computedAt: now,
            reservation: trust == .unsure ? .timeUnsure : .unheard, into: &edges)
    }

    /// When `advance` next has something to decide; nil while no delay runs.
    var nextDeadline: Milliseconds? {
        guard trust != .held, !isIdle || echo != nil else { return nil }
        var next = frozen == nil ? echo?.until : nil
        for index in 0..<count where isRunning(limits[index]) {
            let deadline = limits[index].startReceived &+ delay(of: limits[index])
            next = min(next ?? deadline, deadline)
        }
        return next
    }
}

extension AlarmEvaluator {
    /// The clock of reception has been set: what has passed of each delay, and of what is waited for, stays. The dates of
    /// edges, and of the samples that began them, stay as well.
    ///
    /// - Parameter setBack: By how much it has been set back since the start, all in all.
    mutating func clockLeapt(by leap: Milliseconds, setBack: Milliseconds) {
        lead = Self.maximumLead &+ setBack
        for index in 0..<count {
            limits[index].startReceived = limits[index].startReceived &+ leap
            if !limits[index].hasSourceTime { limits[index].start = limits[index].start &+ leap }
        }
        let hasSourceTime = (newest ?? standingValue)?.hasSourceTime ?? false
        if let frozen {
            self.frozen = (hasSourceTime ? frozen.time : frozen.time &+ leap, frozen.received &+ leap)
        }
        if let echo {
            self.echo = Echo(value: echo.value, since: echo.since &+ leap, until: echo.until &+ leap)
        }
        if settledThrough != .min, !hasSourceTime { settledThrough = settledThrough &+ leap }
        newest?.clockLeapt(by: leap)
        standingValue?.clockLeapt(by: leap)
        history.clockLeapt(by: leap)
    }

    /// Whether a date lies so far ahead of the moment in which an edge is computed that a gateway's clock must have been
    /// wrong when it was taken: no sample's time is believed that is half as far ahead. What comes later is not dated after
    /// it.
    static func isAhead(_ date: Milliseconds, computedAt now: Milliseconds, clockSetBack: Milliseconds) -> Bool {
        date > now.addingClamped(2 * maximumLead).addingClamped(clockSetBack)
    }

    /// Whether a delay runs.
    var isDelaying: Bool {
        for index in 0..<count where limits[index].isPending { return true }
        return false
    }

    var standing: AlarmStanding {
        var isPendingOn = false
        for index in 0..<count {
            if limits[index].phase == .pendingOn { isPendingOn = true }
        }
        if condition == .normal, isPendingOn { return .waitingForOnDelay }
        if frozen != nil { return .frozen(condition) }
        if condition == .normal { return .normal }
        for index in 0..<count where limits[index].phase == .pendingOff && limits[index].condition == condition {
            return .waitingForOffDelay(condition)
        }
        return .active(condition)
    }
}

// MARK: - While the clock is in doubt

extension AlarmEvaluator {
    /// Nothing is evaluated and no delay ends until ``trustTimes(isOtherClock:)``.
    mutating func holdBack() {
        guard trust == .trusted else { return }
        trust = .held
        echo = nil
        standingValue = nil
    }

    /// The times of samples can be trusted again.
    ///
    /// - Parameter isOtherClock: Whether they are dated by another clock than those before.
    mutating func trustTimes(isOtherClock: Bool) {
        // What was recorded meanwhile may be of either; its time tells.
        self.isOtherClock = isOtherClock && !newestIsRecorded
        if isOtherClock {
            history.removeAll()
            settledThrough = .min
        }
        trust = .trusted
    }

    /// A sample whose time is in doubt, while that stays undecided: what it is beyond of becomes pending, nothing returns.
    mutating func raiseUnsure(
        _ sample: AlarmReading, heardThrough: Milliseconds, latestSource: Milliseconds, into edges: inout [AlarmEdge]
    ) {
        trust = .unsure
        changedPhase = false
        echo = nil
        var reading = sample
        if let newest {
            let fits =
                reading.hasSourceTime && newest.hasSourceTime && reading.time > newest.time
                && reading.time <= latestSource
            if !fits {
                reading.hasSourceTime = false
                reading.time = reading.received
                carryOver(to: reading, from: newest)
            }
        }
        thaw(at: reading)
        newest = reading
        newestIsRecorded = false
        standingValue = nil
        remember(reading)
        let proved = reading.hasSourceTime ? reading.time : min(reading.time, heardThrough)
        fire(sampleTime: proved, received: .min, computedAt: reading.received, reservation: .timeUnsure, into: &edges)
        var isIdle = true
        for index in 0..<count {
            let level = limits[index].sign * reading.value
            let next: Phase
            switch limits[index].phase {
            case .normal: next = level > limits[index].activation ? .pendingOn : .normal
            case .pendingOn: next = level > limits[index].activation ? .pendingOn : .normal
            case .abnormal: next = .abnormal
            case .pendingOff: next = level < limits[index].returning ? .pendingOff : .abnormal
            }
            if next != limits[index].phase {
                changedPhase = true
                begin(index, next, reading)
            }
            if next != .normal { isIdle = false }
        }
        self.isIdle = isIdle
        fire(
            sampleTime: proved, received: .min, computedAt: reading.received, reservation: .timeUnsure,
            endingAtOnce: true, into: &edges)
    }

    private func isRunning(_ limit: Limit) -> Bool {
        trust == .unsure || frozen != nil ? limit.phase == .pendingOn : limit.isPending
    }

    /// Whether just this sample stands in the history.
    func hasSeen(value: Double, at time: Milliseconds) -> Bool {
        history.indices.contains {
            history[$0].hasSourceTime && history[$0].time == time && history[$0].value == value
        }
    }

    /// In which zone between the limits a value is.
    func zone(of value: Double) -> UInt8 {
        var zone: UInt8 = 0
        for index in 0..<count {
            let level = limits[index].sign * value
            let bits: UInt8 = level > limits[index].activation ? 2 : level < limits[index].returning ? 1 : 0
            zone |= bits << (2 * UInt8(index))
        }
        return zone
    }
}

// MARK: - Taking over what is recorded

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
        for index in 0..<count {
            let isActive =
                recorded.isSameSide(as: limits[index].condition)
                && limits[index].condition.severity <= recorded.severity
            limits[index].phase = isActive ? .abnormal : .normal
        }
        let adopted = currentCondition
        condition = adopted
        isIdle = adopted == .normal
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

// MARK: - Rebuilding

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
        for index in 0..<count {
            let limit = limits[index]
            // An inner limit that became active together with the outer one has no edge of its own.
            let isUnrecorded =
                limit.phase == .abnormal
                && !(recorded.isSameSide(as: limit.condition) && recorded.severity >= limit.condition.severity)
            guard limit.isPending || isUnrecorded else { continue }
            delays[limit.condition, default: []].insert(RunningDelay(start: limit.sampleTime, value: limit.value))
        }
        return delays.mapValues { Array($0.sorted().prefix(RunningDelay.capacity)) }
    }

    /// A record was adopted whose sample would begin delays, and the tag's node tells of a later value: only those delays
    /// run that the node knows.
    mutating func confirmDelays(
        _ delays: (_ limit: AlarmCondition) -> [RunningDelay], from value: AlarmReading
    ) {
        guard newestIsRecorded, let newest, !hasHeard(value, newest) else { return }
        for index in 0..<count
        where limits[index].sampleTime == newest.time
            && !delays(limits[index].condition).contains(where: { $0.start == newest.time })
        {
            switch limits[index].phase {
            case .pendingOn: limits[index].phase = .normal
            case .pendingOff: limits[index].phase = .abnormal
            case .normal, .abnormal: break
            }
        }
        isIdle = (0..<count).allSatisfy { limits[$0].phase == .normal }
    }

    /// Lets some limits see a sample that began delays of theirs according to the tag's node. It does not move the position.
    mutating func replay(
        _ reading: AlarmReading, limits replayed: AlarmLimits, at now: Milliseconds, into edges: inout [AlarmEdge]
    ) {
        guard trust == .trusted else { return }
        if let newest, newest.hasSourceTime, reading.time <= newest.time { return }
        fire(sampleTime: reading.time, received: .min, computedAt: now, into: &edges)
        for index in 0..<count where replayed.contains(AlarmLimits(limits[index].condition)) {
            let level = limits[index].sign * reading.value
            switch limits[index].phase {
            case .normal where level > limits[index].activation: begin(index, .pendingOn, reading)
            case .abnormal where level < limits[index].returning: begin(index, .pendingOff, reading)
            case .normal, .pendingOn, .abnormal, .pendingOff: continue
            }
            isIdle = false
        }
        fire(sampleTime: reading.time, received: .min, computedAt: now, endingAtOnce: true, into: &edges)
    }

    /// Lets the limits see the tag's latest value, which was not heard here. Does nothing where something as new was.
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
            for index in 0..<count where limits[index].phase == .pendingOff && !mayReturn {
                limits[index].phase = .abnormal
            }
            thaw(at: value)
        }
        let proved = value.hasSourceTime ? value.time : .min
        // What ended before the value, as before any other sample.
        fire(sampleTime: proved, received: .min, computedAt: now, into: &edges)
        var isIdle = true
        for index in 0..<count {
            let level = limits[index].sign * value.value
            let isBeyond = level > limits[index].activation
            let isReturned = level < limits[index].returning
            switch limits[index].phase {
            case .normal where isBeyond: begin(index, .pendingOn, value)
            case .pendingOn where !isBeyond: limits[index].phase = .normal
            case .abnormal where isReturned && mayReturn: begin(index, .pendingOff, value)
            case .pendingOff where !isReturned: limits[index].phase = .abnormal
            case .normal, .pendingOn, .abnormal, .pendingOff: break
            }
            if limits[index].phase != .normal { isIdle = false }
        }
        self.isIdle = isIdle
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
        for index in 0..<count
        where limits[index].phase == .normal && limits[index].sign * reading.value > limits[index].activation {
            begin(index, .pendingOn, reading)
            isIdle = false
        }
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

    private mutating func begin(_ index: Int, _ phase: Phase, _ reading: AlarmReading) {
        limits[index].phase = phase
        limits[index].start = reading.time
        limits[index].startReceived = reading.received
        limits[index].sampleTime = reading.time
        limits[index].value = reading.value
        limits[index].hasSourceTime = reading.hasSourceTime
    }
}

// MARK: - The machine

extension AlarmEvaluator {
    private func delay(of limit: Limit) -> Milliseconds { limit.phase == .pendingOn ? onDelay : offDelay }

    /// Ends the delays that were over before a reading, lets the limits see it, and ends those that are over at once.
    private mutating func take(
        _ reading: AlarmReading, computedAt: Milliseconds, heardThrough: Milliseconds, into edges: inout [AlarmEdge]
    ) {
        let proved = reading.hasSourceTime ? reading.time : min(reading.time, heardThrough)
        fire(sampleTime: proved, received: .min, computedAt: computedAt, into: &edges)
        evaluate(reading)
        fire(sampleTime: proved, received: .min, computedAt: computedAt, endingAtOnce: true, into: &edges)
    }

    /// Keeps a reading that enters another zone.
    private mutating func remember(_ reading: AlarmReading) {
        let zone = zone(of: reading.value)
        if zone == self.zone, !history.indices.isEmpty { return }
        self.zone = zone
        history.append(reading)
    }

    /// The recorded sample has stayed out: what has come since counts.
    private mutating func endEcho(
        _ echo: Echo, computedAt: Milliseconds, heardThrough: Milliseconds, into edges: inout [AlarmEdge]
    ) {
        self.echo = nil
        for position in history.indices where history[position].received >= echo.since {
            take(history[position], computedAt: computedAt, heardThrough: heardThrough, into: &edges)
        }
        if let newest { take(newest, computedAt: computedAt, heardThrough: heardThrough, into: &edges) }
    }

    /// Lets each limit see a value.
    private mutating func evaluate(_ reading: AlarmReading) {
        var isIdle = true
        for index in 0..<count {
            let value = limits[index].sign * reading.value
            let next: Phase
            switch limits[index].phase {
            case .normal: next = value > limits[index].activation ? .pendingOn : .normal
            case .pendingOn: next = value > limits[index].activation ? .pendingOn : .normal
            case .abnormal: next = value < limits[index].returning ? .pendingOff : .abnormal
            case .pendingOff: next = value < limits[index].returning ? .pendingOff : .abnormal
            }
            if next != limits[index].phase {
                changedPhase = true
                begin(index, next, reading)
            }
            if next != .normal { isIdle = false }
        }
        self.isIdle = isIdle
    }

    /// Ends every delay that is over by sample time or by the clock of reception, the earliest first.
    private mutating func fire(
        sampleTime: Milliseconds, received: Milliseconds, computedAt: Milliseconds, reservation: Reservation? = nil,
        endingAtOnce: Bool = false, into edges: inout [AlarmEdge]
    ) {
        if isIdle { return }
        let onDelaysOnly = reservation != nil || frozen != nil
        // Delays that began with samples read late end late by the clock of reception. But when one has ended, those that
        // end before it in sample time have ended too.
        var sampleTime = sampleTime
        for index in 0..<count where isDue(limits[index], .min, received, onDelaysOnly: onDelaysOnly, false) {
            sampleTime = max(sampleTime, limits[index].start &+ delay(of: limits[index]))
        }
        while true {
            var earliest: Milliseconds?
            for index in 0..<count
            where isDue(limits[index], sampleTime, received, onDelaysOnly: onDelaysOnly, endingAtOnce) {
                let deadline = limits[index].start &+ delay(of: limits[index])
                earliest = min(earliest ?? deadline, deadline)
            }
            guard let earliest else { return }
            // When one side activates as the other returns, the activation is what counts.
            var cause: Limit?
            var ended = AlarmLimits()
            for index in 0..<count
            where isDue(limits[index], sampleTime, received, onDelaysOnly: onDelaysOnly, endingAtOnce) {
                guard limits[index].start &+ delay(of: limits[index]) == earliest else { continue }
                if cause?.phase != .pendingOn || limits[index].phase == .pendingOn { cause = limits[index] }
                limits[index].phase = limits[index].phase == .pendingOn ? .abnormal : .normal
                ended.insert(AlarmLimits(limits[index].condition))
            }
            guard let cause else { return }
            if cause.phase == .pendingOn { endOtherSide(than: cause.condition) }
            settle(
                at: earliest, cause: cause, ended: ended, computedAt: computedAt, reservation: reservation, into: &edges
            )
        }
    }

    private func isDue(
        _ limit: Limit, _ sampleTime: Milliseconds, _ received: Milliseconds, onDelaysOnly: Bool, _ endingAtOnce: Bool
    ) -> Bool {
        guard onDelaysOnly ? limit.phase == .pendingOn : limit.isPending else { return false }
        let delay = delay(of: limit)
        if endingAtOnce, delay == 0 { return true }
        return limit.start &+ delay <= sampleTime || limit.startReceived &+ delay <= received
    }

    /// A value beyond one side's limits is behind the other's, whatever its off-delay says.
    private mutating func endOtherSide(than condition: AlarmCondition) {
        for index in 0..<count where !limits[index].condition.isSameSide(as: condition) {
            limits[index].phase = .normal
        }
    }

    /// Reports what the condition has become, over normal when the side changes.
    private mutating func settle(
        at time: Milliseconds, cause: Limit, ended: AlarmLimits, computedAt: Milliseconds,
        reservation: Reservation?,
        into edges: inout [AlarmEdge]
    ) {
        let reached = currentCondition
        isIdle = (0..<count).allSatisfy { limits[$0].phase == .normal }
        if reached == condition { return }
        let path =
            condition != .normal && reached != .normal && !reached.isSameSide(as: condition)
            ? [.normal, reached] : [reached]
        for step in path {
            let isFirst =
                lastEdge == .min
                || Self.isAhead(lastEdge, computedAt: computedAt, clockSetBack: lead &- Self.maximumLead)
            lastEdge = isFirst ? time : max(time, lastEdge &+ 1)
            condition = step
            edges.append(
                AlarmEdge(
                    condition: step, limits: ended, time: lastEdge, shown: time, sampleTime: cause.sampleTime,
                    value: cause.value,
                    hasSourceTime: cause.hasSourceTime, computedAt: computedAt, reservation: reservation))
        }
    }

    private var currentCondition: AlarmCondition {
        var worst = AlarmCondition.normal
        for index in 0..<count where limits[index].isActive && limits[index].condition.severity > worst.severity {
            worst = limits[index].condition
        }
        return worst
    }

    /// Our copy of the recorded sample has come: from here on the stream is heard as by everybody, so what follows with
    /// the same time is news, and the delays that it began run by our reception of it, as they do for the samples that
    /// may end them.
    private mutating func echoReceived(_ reading: AlarmReading) {
        newestIsRecorded = false
        newest = reading
        for index in 0..<count where limits[index].isPending && limits[index].sampleTime == reading.time {
            limits[index].startReceived = reading.received
        }
    }

    /// Resumes the off-delays, which stood still while the quality was lost.
    private mutating func thaw(at reading: AlarmReading) {
        guard let frozen else { return }
        self.frozen = nil
        shift(
            sampleTime: max(0, reading.time &- frozen.time), received: max(0, reading.received &- frozen.received),
            offDelaysOnly: true)
    }

    /// Keeps what has passed of each delay when two samples' times cannot be compared: what has passed between them is
    /// then known by the clock of reception alone.
    private mutating func carryOver(to reading: AlarmReading, from newest: AlarmReading) {
        let elapsed = max(0, reading.received &- newest.received)
        let jump = reading.time &- newest.time &- elapsed
        if jump != 0 {
            shift(sampleTime: jump, received: 0)
            history.removeAll()
            settledThrough = .min
        }
        if reading.received < newest.received { shift(sampleTime: 0, received: reading.received &- newest.received) }
        if let frozen { self.frozen = (frozen.time &+ jump, min(frozen.received, reading.received)) }
    }

    private mutating func shift(sampleTime: Milliseconds, received: Milliseconds, offDelaysOnly: Bool = false) {
        for index in 0..<count where offDelaysOnly ? limits[index].phase == .pendingOff : limits[index].isPending {
            limits[index].start = limits[index].start &+ sampleTime
            limits[index].startReceived = limits[index].startReceived &+ received
        }
    }
}
