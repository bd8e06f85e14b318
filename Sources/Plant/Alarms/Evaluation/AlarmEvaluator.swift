/// Decides from the samples of one tag when the condition of one alarm changes.
///
/// The alarm's signal says where a value lies to each of its levels (``LimitSignal``), and each level is delayed by a machine
/// of its own (``DelayedLevel``); the condition is the most severe level that is active. What the condition means to operators
/// is decided elsewhere (``AlarmLifeCycle``). A delay of zero is over at once. When one side becomes active while the other is
/// still pendingOff, the other has returned.
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
/// value alone. `rebuild` lets the levels see it without moving the position: samples older than it that come late are
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

    /// Whether the times of the samples can be trusted.
    enum Trust: UInt8, Sendable {
        case trusted, held, unsure
    }

    /// Why an edge was decided with less than its rule asks for; such edges only raise.
    enum Reservation: Sendable {
        case unheard, timeUnsure
    }

    let rule: AlarmRule
    /// What most samples are compared with, beside the evaluator rather than behind a pointer; see ``LimitSignal``.
    private let settledAbove: Double
    private let settledBelow: Double
    /// The levels while one of them is not `normal`; empty otherwise, as almost always.
    var levels: [DelayedLevel] = []
    var condition = AlarmCondition.normal
    /// Date of the last edge; the next one is later.
    var lastEdge: Milliseconds = .min
    /// The newest sample, or what a record told about one.
    var newest: AlarmReading?
    /// True when `newest` comes from a record: we have not heard it, and of that time nothing counts any more.
    var newestIsRecorded = false
    /// How far samples' times may lie ahead of ours: further once our clock has been set back.
    private(set) var lead = AlarmEvaluator.maximumLead
    /// The zone of the newest sample.
    var zone = SignalZone()
    var history = ReadingHistory()
    /// Our time of the sample that began the last edge that we have seen recorded; the next one began with it or later.
    var settledThrough: Milliseconds = .min
    var trust = Trust.trusted
    /// The next sample is dated by another clock than `newest`: nothing compares them.
    var isOtherClock = false
    /// Whether the last sample changed the phase of a level: then the tag's node must not keep an older value, because a
    /// restart rebuilds from it.
    var changedPhase = false
    private var rarities: [Rarities] = []

    /// What few alarms have at any time, apart so that the others are small.
    private struct Rarities: Sendable {
        var frozen: Frozen?
        var standingValue: AlarmReading?
        var echo: Echo?

        var isEmpty: Bool { frozen == nil && standingValue == nil && echo == nil }
    }

    /// When evaluation froze.
    struct Frozen: Sendable {
        /// In sample time.
        var time: Milliseconds
        /// By the clock of reception.
        var received: Milliseconds
    }

    struct Echo: Sendable {
        let value: Double
        /// By the clock of reception. What has come meanwhile is evaluated when the echo stays out.
        let since: Milliseconds
        let until: Milliseconds
    }

    /// - Parameter clockSetBack: By how much the clock of reception has been set back since the start.
    init(_ rule: AlarmRule, clockSetBack: Milliseconds = 0) {
        self.rule = rule
        settledAbove = rule.signal.settledAbove
        settledBelow = rule.signal.settledBelow
        lead = Self.maximumLead &+ clockSetBack
    }

    /// True when every level is `normal`.
    var isIdle: Bool { levels.isEmpty }

    /// nil unless the quality was lost.
    var frozen: Frozen? {
        get { rarities.first?.frozen }
        set { setRarity(\.frozen, newValue) }
    }

    /// The latest value that the levels were rebuilt from; nil once a sample that is not older has been heard.
    var standingValue: AlarmReading? {
        get { rarities.first?.standingValue }
        set { setRarity(\.standingValue, newValue) }
    }

    /// Our copy of a sample that another gateway has already acted upon, awaited before anything else is evaluated.
    var echo: Echo? {
        get { rarities.first?.echo }
        set { setRarity(\.echo, newValue) }
    }

    private mutating func setRarity<Value>(_ member: WritableKeyPath<Rarities, Value?>, _ value: Value?) {
        if rarities.isEmpty {
            if value == nil { return }
            rarities.append(Rarities())
        }
        rarities[0][keyPath: member] = value
        if rarities[0].isEmpty { rarities = [] }
    }
}

// MARK: - Inputs

extension AlarmEvaluator {
    /// True when nothing but the newest value changed for a value inside all limits: the path of almost every sample.
    @inline(__always)
    mutating func tookQuietly(_ reading: AlarmReading) -> Bool {
        guard isIdle, rarities.isEmpty, !isOtherClock, let newest,
            reading.hasSourceTime == newest.hasSourceTime,
            !newestIsRecorded,
            reading.time > newest.time, reading.received >= newest.received,
            reading.time <= reading.received &+ lead, reading.value > settledAbove, reading.value < settledBelow,
            zone == rule.signal.settledZone
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

    /// A sample that is older than the value which the levels were rebuilt from has come late: that value still stands.
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
    /// sample, or from the value that the levels were rebuilt from, where none has been heard since.
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
        frozen = Frozen(time: moment, received: received)
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
        for level in levels where isRunning(level) {
            let deadline = level.startReceived &+ rule.delay(of: level)
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
        for index in levels.indices { levels[index].clockLeapt(by: leap) }
        let hasSourceTime = (newest ?? standingValue)?.hasSourceTime ?? false
        if let frozen {
            self.frozen = Frozen(
                time: hasSourceTime ? frozen.time : frozen.time &+ leap, received: frozen.received &+ leap)
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
    var isDelaying: Bool { levels.contains { $0.isPending } }

    var standing: AlarmStanding {
        if condition == .normal, levels.contains(where: { $0.phase == .pendingOn }) { return .waitingForOnDelay }
        if frozen != nil { return .frozen(condition) }
        if condition == .normal { return .normal }
        for (index, level) in levels.enumerated()
        where level.phase == .pendingOff && rule.condition(of: index) == condition {
            return .waitingForOffDelay(condition)
        }
        return .active(condition)
    }
}
