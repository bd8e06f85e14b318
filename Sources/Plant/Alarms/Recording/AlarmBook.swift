import HeapModule

/// The state of all alarms on one gateway, active or standby.
///
/// Every gateway feeds its book with every sample, so that it could take over at any moment. Edges that the book
/// computes stay pending until they are seen in the tree: the active processor turns them into transitions
/// (`proposals`), commits those, and reports each commit back (`transitionRecorded`); a standby hears of the same
/// commits through the journal and reports them alike. Nothing else consumes a pending edge, so a lost lease or a
/// failed transaction loses none.
///
/// Before the first proposal of a term the whole of `/alarms` has to be restored.
public struct AlarmBook: Sendable {
    /// Bounds, and how far two computations of one edge may lie apart.
    public struct Limits: Sendable, Hashable {
        /// Edges that one alarm may have pending. Beyond it the oldest goes; the newest state always stays.
        public var pendingPerAlarm = 8_192
        /// Edges that all alarms together may have pending. Beyond it an alarm that gets a new one gives up its older
        /// ones, so that at most one an alarm comes on top.
        public var pendingTotal = 65_536
        /// For samples without a source time: how far our date of an edge may lie from the recorded one.
        public var matchWindow: Milliseconds = 5_000
        /// How long nothing may be heard beyond the end of an on-delay before its alarm is raised unheard.
        public var unheardAfter: Milliseconds = 10_000
        /// For samples without a source time: how long we wait for a sample that the active processor has already acted
        /// upon.
        public var echoWindow: Milliseconds = 1_000

        public init() {}
    }

    /// Counters since the start.
    public struct Statistics: Sendable, Hashable {
        /// Samples that one alarm's evaluation ignored: older than the newest, or a repetition.
        public var samplesIgnored = 0
        /// Edges computed here.
        public var edgesComputed = 0
        /// Edges computed here and seen recorded.
        public var edgesMatched = 0
        /// Edges computed here that the record has passed by.
        public var edgesSuperseded = 0
        /// Records that nothing was computed for here, or that told more than we had heard.
        public var recordsAdopted = 0
        /// Edges given up by `dropPending`.
        public var edgesDropped = 0
        /// Edges given up for `Limits.pendingPerAlarm` or `pendingTotal`.
        public var edgesOverflowed = 0

        public init() {}
    }

    public let definitions: [AlarmDefinition]
    public let limits: Limits
    public private(set) var statistics = Statistics()
    /// Everything received until then has been passed in: delays end by it. As it is, everything is heard the moment it
    /// is said.
    public var heardThrough: Milliseconds = .max
    /// Edges that wait to be recorded.
    public private(set) var pendingCount = 0
    /// Whether the last sample passed a limit of one of its tag's alarms, in either direction.
    public private(set) var changedPhase = false

    /// By alarm number. Evaluators are apart from the rest because every sample touches them.
    private var evaluators: ContiguousArray<AlarmEvaluator> = []
    private var ledgers: ContiguousArray<AlarmLedger> = []
    /// The deadline under which an alarm stands in `deadlines`; `.max` when it does not.
    private var scheduled: ContiguousArray<Milliseconds> = []
    private var numbers: [AlarmPath: Int] = [:]
    /// By tag number: which part of `bindings` are its alarms.
    private var slots: ContiguousArray<Range<Int>> = []
    private var bindings: ContiguousArray<Int> = []
    /// Alarms that have pending edges.
    private var pendingAlarms: Set<Int> = []
    private var deadlines = Heap<Deadline>()
    private var scratch: [AlarmEdge] = []
    /// By how much this gateway's clock has been set since the start, all in all.
    private var clockLeap: Milliseconds = 0
    /// The number of the leap by which it is away; nil when it is not.
    private var clockAway: Int?
    private var clockSetBack: Milliseconds { max(0, Milliseconds.zero.subtractingClamped(clockLeap)) }

    private struct Deadline: Comparable, Sendable {
        let time: Milliseconds
        let alarm: Int

        static func < (left: Deadline, right: Deadline) -> Bool {
            left.time == right.time ? left.alarm < right.alarm : left.time < right.time
        }
    }

    /// Throws the first mistake when definitions cannot be used; `AlarmDefinition.mistakes(in:)` tells all of them.
    public init(definitions: [AlarmDefinition], limits: Limits = Limits()) throws(AlarmMistake) {
        if let first = AlarmDefinition.mistakes(in: definitions).first { throw first.mistake }
        self.definitions = definitions
        self.limits = limits
    }
}

// MARK: - Samples and time

extension AlarmBook {
    /// Finds the alarms of a tag; call it once when the tag gets its number, before its first sample. Numbers are small
    /// and dense. Returns how many alarms apply.
    @discardableResult
    public mutating func bind(tag: TagID, path: TagPath) -> Int {
        let start = bindings.endIndex
        for (index, definition) in definitions.enumerated() where definition.tags.matches(path) {
            bindings.append(number(of: AlarmPath(tag: path, alarm: definition.name), definition: index))
        }
        while slots.count <= tag.index { slots.append(0..<0) }
        slots[tag.index] = start..<bindings.endIndex
        return bindings.endIndex - start
    }

    /// Whether any alarm watches a tag.
    public func hasAlarms(_ tag: TagID) -> Bool { tag.index < slots.count && !slots[tag.index].isEmpty }

    /// Evaluates one sample. Returns true when it left something to be recorded.
    ///
    /// Only `good` samples with a finite value are evaluated; any other quality freezes the tag's alarms until the next
    /// good one, but for on-delays that run. So pass what the broker had retained as `uncertain`, and `stale` when a tag falls silent. Without
    /// `hasSourceTime`, `sourceTime` does not matter. For a tag without alarms, or a value inside all limits, this
    /// costs a look-up and a few comparisons.
    ///
    /// - Parameter latestSource: The latest time that the device's clock can show now, where that is known: what is dated
    ///   later is from before a step of that clock.
    public mutating func sampleReceived(
        tag: TagID, value: Double, quality: Quality, sourceTime: Milliseconds, hasSourceTime: Bool,
        receivedTime: Milliseconds, latestSource: Milliseconds = .max
    ) -> Bool {
        changedPhase = false
        guard tag.index < slots.count else { return false }
        let slot = slots[tag.index]
        if slot.isEmpty { return false }
        let isGood = quality == .good && value.isFinite
        let reading = AlarmReading(
            value: value, time: hasSourceTime ? sourceTime : receivedTime, received: receivedTime,
            hasSourceTime: hasSourceTime)
        var left = false
        for position in slot {
            let alarm = bindings[position]
            if isGood {
                if evaluators[alarm].tookQuietly(reading) { continue }
                if !evaluators[alarm].sampleReceived(
                    reading, heardThrough: heardThrough, latestSource: latestSource, into: &scratch)
                {
                    statistics.samplesIgnored &+= 1
                }
                if evaluators[alarm].changedPhase { changedPhase = true }
            } else {
                evaluators[alarm].qualityLost(
                    time: reading.time, hasSourceTime: hasSourceTime && quality != .stale, received: receivedTime,
                    heardThrough: heardThrough, into: &scratch)
            }
            if !scratch.isEmpty {
                left = true
                keepScratch(alarm)
            }
            schedule(alarm)
        }
        return left
    }

    /// Evaluates a sample that is history: only for alarms with a delay that runs, which ends or breaks by it. Returns true
    /// when it left something to be recorded.
    public mutating func historyReceived(
        tag: TagID, value: Double, sourceTime: Milliseconds, receivedTime: Milliseconds,
        latestSource: Milliseconds = .max
    ) -> Bool {
        guard tag.index < slots.count, value.isFinite else { return false }
        var left = false
        let reading = AlarmReading(value: value, time: sourceTime, received: receivedTime, hasSourceTime: true)
        for position in slots[tag.index] where evaluators[bindings[position]].isDelaying {
            let alarm = bindings[position]
            _ = evaluators[alarm].sampleReceived(
                reading, heardThrough: heardThrough, latestSource: latestSource, into: &scratch)
            if keepScratchIfAny(alarm) { left = true }
            schedule(alarm)
        }
        return left
    }

    // MARK: While the clock is in doubt

    /// Whether every alarm of a tag remembers just this sample.
    public func hasSeen(_ tag: TagID, value: Double, at sourceTime: Milliseconds) -> Bool {
        guard tag.index < slots.count else { return false }
        return slots[tag.index].allSatisfy { evaluators[bindings[$0]].hasSeen(value: value, at: sourceTime) }
    }

    /// The clock behind a tag's samples is in doubt: nothing is evaluated, no delay ends.
    public mutating func holdBack(_ tag: TagID) {
        guard tag.index < slots.count else { return }
        for position in slots[tag.index] { evaluators[bindings[position]].holdBack() }
    }

    /// The times of a tag's samples can be trusted again; see ``AlarmEvaluator/trustTimes(isOtherClock:)``.
    public mutating func trustTimes(of tag: TagID, isOtherClock: Bool) {
        guard tag.index < slots.count else { return }
        for position in slots[tag.index] {
            let alarm = bindings[position]
            evaluators[alarm].trustTimes(isOtherClock: isOtherClock)
            schedule(alarm)
        }
    }

    /// A sample whose time is in doubt, after that has stayed undecided for long: it may raise, and returns nothing. Returns
    /// true when it left something to be recorded.
    public mutating func raiseUnsure(
        tag: TagID, value: Double, sourceTime: Milliseconds, receivedTime: Milliseconds, latestSource: Milliseconds
    ) -> Bool {
        guard tag.index < slots.count, value.isFinite else { return false }
        changedPhase = false
        var left = false
        let reading = AlarmReading(value: value, time: sourceTime, received: receivedTime, hasSourceTime: true)
        for position in slots[tag.index] {
            let alarm = bindings[position]
            evaluators[alarm].raiseUnsure(
                reading, heardThrough: heardThrough, latestSource: latestSource, into: &scratch)
            if evaluators[alarm].changedPhase { changedPhase = true }
            if keepScratchIfAny(alarm) { left = true }
            schedule(alarm)
        }
        return left
    }

    /// What tells whether two values of a tag may mean something else to any of its alarms.
    public func zones(of tag: TagID, _ value: Double) -> UInt64 {
        guard tag.index < slots.count else { return 0 }
        var zones: UInt64 = 0
        for position in slots[tag.index] {
            zones = zones &* 257 &+ UInt64(evaluators[bindings[position]].zone(of: value))
        }
        return zones
    }

    // MARK: Time

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
        clockLeap = clockLeap.addingClamped(leap)
        clockAway = away
        if heardThrough != .max, heardThrough != .min { heardThrough = heardThrough &+ leap }
        for alarm in evaluators.indices {
            evaluators[alarm].clockLeapt(by: leap, setBack: clockSetBack)
            ledgers[alarm].clockLeapt(by: leap, setBack: clockSetBack, away: away)
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

    private mutating func keepScratchIfAny(_ alarm: Int) -> Bool {
        if scratch.isEmpty { return false }
        keepScratch(alarm)
        return true
    }

    private mutating func keepScratch(_ alarm: Int) {
        statistics.edgesComputed &+= scratch.count
        let room = pendingCount + scratch.count > limits.pendingTotal ? 1 : limits.pendingPerAlarm
        statistics.edgesOverflowed &+= changingPending(of: alarm) { book in
            book.ledgers[alarm].edgesComputed(book.scratch, limit: room)
        }
        scratch.removeAll(keepingCapacity: true)
    }

    private mutating func schedule(_ alarm: Int) {
        guard let deadline = evaluators[alarm].nextDeadline, deadline < scheduled[alarm] else { return }
        scheduled[alarm] = deadline
        deadlines.insert(Deadline(time: deadline, alarm: alarm))
    }
}

// MARK: - What was not heard here

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
            for (limit, delays) in delays { table[delayName(alarm, limit)] = delays }
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
                evaluators[alarm].replay(reading, limits: limits, at: now, into: &scratch)
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

// MARK: - What is recorded

extension AlarmBook {
    /// What became of a record that was passed in.
    public enum Reception: Sendable, Hashable {
        /// It is the record of an edge that was pending here, or a step such as an acknowledgement that concerns no
        /// edge.
        case agreed
        /// It told something that we had not computed; the evaluation continues from it.
        case adopted
        /// We knew it already, or a later one.
        case known
        /// No such alarm is configured for that tag.
        case unconfigured
    }

    /// Takes the records that stand in `/alarms`: at the start, after an election, after a reconnection. Those that are
    /// older than what we know change nothing.
    public mutating func restore(_ records: some Sequence<AlarmRecord>, at now: Milliseconds) {
        for record in records { transitionRecorded(record, at: now) }
    }

    /// Takes the record after a transition that was seen committed: our own, or somebody else's through the journal.
    /// Entries may come twice, late, out of order, and before the sample that they tell of.
    @discardableResult
    public mutating func transitionRecorded(_ record: AlarmRecord, at now: Milliseconds) -> Reception {
        guard let alarm = number(of: record.path) else { return .unconfigured }
        let limits = limits
        let heardThrough = heardThrough
        let settlement = changingPending(of: alarm) { book in
            book.ledgers[alarm].recorded(
                record, evaluator: &book.evaluators[alarm], matchWindow: limits.matchWindow,
                echoWindow: limits.echoWindow,
                heardThrough: heardThrough, now: now)
        }
        schedule(alarm)
        guard let settlement else { return .known }
        statistics.edgesMatched &+= settlement.matched
        statistics.edgesSuperseded &+= settlement.superseded
        if settlement.adopted { statistics.recordsAdopted &+= 1 }
        return settlement.adopted ? .adopted : .agreed
    }

    /// An alarm was removed, with this as its last record. It is evaluated as if nothing had been heard of its tag before.
    /// False when it is not configured, or has come back since.
    public mutating func forget(_ record: AlarmRecord) -> Bool {
        guard let alarm = number(of: record.path), changingPending(of: alarm, { $0.ledgers[alarm].forget(record) })
        else { return false }
        evaluators[alarm] = AlarmEvaluator(definitions[ledgers[alarm].definition], clockSetBack: clockSetBack)
        scheduled[alarm] = .max
        return true
    }

    /// Gives up the edges that were computed before a moment, by our own clock, and have not been recorded since.
    ///
    /// For a standby that knows of a live active processor which evidently disagrees, because it has heard other
    /// samples. The evaluation continues from the record; what the newest sample says about it becomes pending again.
    /// Returns how many went.
    @discardableResult
    public mutating func dropPending(olderThan moment: Milliseconds, at now: Milliseconds) -> Int {
        var dropped = 0
        for alarm in Array(pendingAlarms) {
            dropped += changingPending(of: alarm) { book in
                book.ledgers[alarm].dropPending(
                    olderThan: moment, evaluator: &book.evaluators[alarm], heardThrough: book.heardThrough, now: now)
            }
            schedule(alarm)
        }
        statistics.edgesDropped &+= dropped
        return dropped
    }

    /// Runs a change of one alarm's ledger and keeps the totals right.
    private mutating func changingPending<Result>(of alarm: Int, _ change: (inout AlarmBook) -> Result) -> Result {
        let before = ledgers[alarm].pending.count
        let result = change(&self)
        let after = ledgers[alarm].pending.count
        pendingCount += after - before
        if before == 0, after > 0 { pendingAlarms.insert(alarm) }
        if before > 0, after == 0 { pendingAlarms.remove(alarm) }
        return result
    }
}

// MARK: - What is to be recorded

extension AlarmBook {
    /// The transitions that are to be recorded next, at most `limit`, in order of their time; several of one alarm
    /// follow from each other. Stamped with the epoch of the caller's lease.
    ///
    /// Asking consumes nothing: `transitionRecorded` does. Commit them in this order; when one fails, the later ones of
    /// its alarm must not be committed either.
    ///
    /// - Parameter excluded: alarms that have to wait.
    public func proposals(limit: Int, epoch: Int64, except excluded: Set<AlarmPath> = []) -> [ProposedTransition] {
        var edges: [(time: Milliseconds, alarm: Int, edge: AlarmEdge)] = []
        for alarm in pendingAlarms where excluded.isEmpty || !excluded.contains(ledgers[alarm].path) {
            for edge in ledgers[alarm].pending { edges.append((edge.time, alarm, edge)) }
        }
        edges.sort { left, right in
            left.time == right.time ? ledgers[left.alarm].path < ledgers[right.alarm].path : left.time < right.time
        }
        var latest: [Int: AlarmRecord] = [:]
        return edges.prefix(max(0, limit)).map { _, alarm, edge in
            let ledger = ledgers[alarm]
            let proposal = AlarmRecord.applying(
                edge, to: latest[alarm] ?? ledger.committed, path: ledger.path,
                definition: definitions[ledger.definition],
                epoch: epoch, after: ledger.forgottenRevision)
            latest[alarm] = proposal.record
            return proposal
        }
    }

    /// What an operator's acknowledgement makes of an alarm. Without `eventID` it is for the present occurrence.
    ///
    /// It builds on the record as it stands: commit it before further proposals of the same alarm are asked for, and
    /// report it with `transitionRecorded`.
    public func acknowledge(
        _ path: AlarmPath, eventID: String?, by: String, comment: String?, at now: Milliseconds, epoch: Int64
    ) -> Result<ProposedTransition, AcknowledgementRefusal> {
        guard let record = record(of: path) else { return .failure(.notFound) }
        return record.acknowledging(eventID: eventID, by: by, comment: comment, at: now, epoch: epoch).map {
            var acknowledged = $0
            acknowledged.dating = .init(shown: now, away: clockAway)
            return acknowledged
        }
    }

    /// The record of an alarm as far as we have seen it; nil when it was never active.
    public func record(of path: AlarmPath) -> AlarmRecord? { numbers[path].flatMap { ledgers[$0].committed } }

    /// All records that we have seen, in no particular order.
    public var records: [AlarmRecord] { ledgers.compactMap(\.committed) }

    /// The condition as evaluated here, which may be ahead of the record; nil when no such alarm is bound.
    public func condition(of path: AlarmPath) -> AlarmCondition? { numbers[path].map { evaluators[$0].condition } }

    /// Where an alarm stands as evaluated here; `normal` when no such alarm is bound.
    public func standing(of path: AlarmPath) -> AlarmStanding {
        numbers[path].map { evaluators[$0].standing } ?? .normal
    }

    /// The definition behind an alarm; nil when none applies to that tag.
    public func definition(of path: AlarmPath) -> AlarmDefinition? {
        definitions.first { $0.name.utf8.elementsEqual(path.alarm.utf8) && $0.tags.matches(path.tag) }
    }

    /// The number of an alarm, given when it is first heard of; nil when it is not configured.
    private mutating func number(of path: AlarmPath) -> Int? {
        if let number = numbers[path] { return number }
        let definition = definitions.firstIndex {
            $0.name.utf8.elementsEqual(path.alarm.utf8) && $0.tags.matches(path.tag)
        }
        return definition.map { number(of: path, definition: $0) }
    }

    private mutating func number(of path: AlarmPath, definition: Int) -> Int {
        if let number = numbers[path] { return number }
        let number = ledgers.count
        numbers[path] = number
        ledgers.append(
            AlarmLedger(path: path, definition: definition, clockSetBack: clockSetBack, clockAway: clockAway))
        evaluators.append(AlarmEvaluator(definitions[definition], clockSetBack: clockSetBack))
        scheduled.append(.max)
        return number
    }
}
