/// What one gateway knows of one alarm: the record as the tree holds it, and the edges that it computed and has not yet
/// seen recorded.
///
/// After every input: the pending edges are dated in order, later than the record; each one changes the condition; and
/// the last one leads to the evaluator's condition, or the record does when there is none. So a gateway that becomes
/// the active processor at any moment records exactly what is missing, and nobody's newest state is ever lost.
struct AlarmLedger: Sendable {
    let path: AlarmPath
    /// Index of its definition.
    let definition: Int
    private(set) var pending: [AlarmEdge] = []
    /// Whether any of them is from the backlog.
    private(set) var hasBacklog = false
    /// Whether any of them was computed in an earlier life.
    private(set) var hasResumed = false
    /// Revision of the last record when the alarm was forgotten: the next one follows it.
    private(set) var forgottenRevision: Int64 = 0
    private var boxed = Boxed.none

    /// A record is large, and most alarms have none.
    private indirect enum Boxed: Sendable {
        case none
        case record(AlarmRecord)
    }

    init(path: AlarmPath, definition: Int) {
        self.path = path
        self.definition = definition
    }

    private(set) var committed: AlarmRecord? {
        get {
            switch boxed {
            case .none: nil
            case .record(let record): record
            }
        }
        set { boxed = newValue.map(Boxed.record) ?? .none }
    }

    var committedCondition: AlarmCondition { committed?.condition ?? .normal }

    /// What a record did to the pending edges.
    struct Settlement {
        var matched = 0
        var superseded = 0
        var adopted = false
        /// When the edge was computed here that the record is of, from a sample that was heard live.
        var live: Milliseconds?
    }

    /// Keeps edges that the evaluator has just reported. Returns how many old ones had to go for the bound.
    mutating func edgesComputed(_ edges: some Sequence<AlarmEdge>, limit: Int, clock: ReceptionClock) -> Int {
        for edge in edges { append(edge, clock) }
        let before = pending.count
        while pending.count > max(1, limit) {
            pending.removeFirst()
            straighten(clock)
        }
        return before - pending.count
    }

    /// Keeps an edge that changes something, with what the clock is that it was computed by.
    private mutating func append(_ edge: AlarmEdge, _ clock: ReceptionClock) {
        guard committed?.lifeCycle.isEnabled ?? true,
            edge.condition != (pending.last?.condition ?? committedCondition)
        else { return }
        pending.append(edge)
        pending[pending.count - 1].away = clock.away
        if !edge.hasSourceTime, clock.backlog.contains(edge.sampleTime) {
            pending[pending.count - 1].isFromBacklog = true
            hasBacklog = true
        }
    }

    /// Takes a record that stands in the tree or the journal, ours or somebody else's. Nil when it is no news.
    ///
    /// It covers our pending edges up to the one that it is, or, where we computed no such edge, all that are not
    /// later. When that leaves the evaluator in another condition, or the recorder had heard more than we, the
    /// evaluator continues from the record.
    mutating func recorded(
        _ record: AlarmRecord, evaluator: inout AlarmEvaluator, limits: AlarmBook.Limits, heardThrough: Milliseconds,
        clock: ReceptionClock, now: Milliseconds
    ) -> Settlement? {
        if let committed, record.revision <= committed.revision { return nil }
        let isEdge = committed.map { $0.changedAt != record.changedAt || $0.condition != record.condition } ?? true
        committed = record
        var settlement = Settlement()
        let count = pending.count
        if !record.lifeCycle.isEnabled {
            // Nothing of it is to be recorded for as long as it is out of use.
            pending.removeAll()
            hasBacklog = false
            hasResumed = false
            settlement.superseded = count
            return settlement
        }
        guard isEdge else { return settlement }
        var isBehind = false
        if let match = match(of: record, limits) {
            if !pending[match].isFromBacklog { settlement.live = pending[match].computedAt }
            evaluator.noteRecorded(sampleTime: pending[match].sampleTime)
            pending.removeFirst(match + 1)
            settlement.matched = 1
        } else if evaluator.isBehind(sampledAt: record.sampledAt, value: record.value) {
            isBehind = true
            pending.removeAll()
        } else {
            let later = pending.firstIndex { $0.time > record.changedAt } ?? pending.endIndex
            pending.removeFirst(later)
        }
        straighten(clock)
        settlement.superseded = count - settlement.matched - pending.count
        evaluator.noteEdge(at: pending.last?.time ?? record.changedAt)
        if pending.isEmpty, isBehind || evaluator.condition != record.condition {
            settlement.adopted = true
            adoptCommitted(
                evaluator: &evaluator, echoWindow: limits.echoWindow, presentOnly: false, heardThrough: heardThrough,
                clock: clock, now: now)
        }
        return settlement
    }

    /// The alarm was removed, with this as its last record: it is as if it had never been active. False when it has come
    /// back since.
    mutating func forget(_ record: AlarmRecord) -> Bool {
        if let committed, committed.revision > record.revision { return false }
        committed = nil
        pending = []
        hasBacklog = false
        hasResumed = false
        forgottenRevision = max(forgottenRevision, record.revision)
        return true
    }

    /// Takes up edges that this gateway computed in an earlier life and may not have got recorded. Those that the record is of,
    /// or has passed by, are dropped, as are those of limits that are not configured any more. The evaluation continues from the
    /// last edge. Returns how many were taken up.
    ///
    /// - Parameter after: the date of the record's last edge when they were kept: while it is the same, none has been recorded.
    mutating func resume(
        _ edges: some Sequence<AlarmEdge>, after: Milliseconds?, evaluator: inout AlarmEvaluator,
        definition: AlarmDefinition,
        limits: AlarmBook.Limits,
        heardThrough: Milliseconds, clock: ReceptionClock, now: Milliseconds
    ) -> Int {
        // An alarm that was removed is not raised by what was before.
        guard committed?.lifeCycle.isEnabled ?? (forgottenRevision == 0) else { return 0 }
        let former = pending
        pending = edges.filter { $0.condition == .normal || definition.limit(of: $0.condition) != nil }
        hasBacklog = pending.contains(where: \.isFromBacklog)
        hasResumed = true
        if let committed, committed.changedAt != after {
            let covered =
                nearestMatch(of: committed, limits).map { $0 + 1 }
                ?? pending.firstIndex { $0.time > committed.changedAt } ?? pending.endIndex
            pending.removeFirst(covered)
        }
        pending.insert(contentsOf: former, at: 0)
        straighten(clock)
        let resumed = pending.count { $0.isResumed }
        guard resumed > 0, let last = pending.last else { return 0 }
        var further: [AlarmEdge] = []
        _ = evaluator.adopt(
            last.condition, changedAt: last.time, sampledAt: last.sampleTime, value: last.value, now: now,
            echoWindow: limits.echoWindow, presentOnly: false, heardThrough: heardThrough, into: &further)
        for edge in further { append(edge, clock) }
        evaluator.noteEdge(at: last.time)
        return resumed
    }

    /// Gives up edges that were computed before a moment, and continues from what is recorded. Returns how many. What was
    /// computed in an earlier life, before the gateway that records now was started, stays, because that nobody has recorded it
    /// does not show that anybody disagrees; and so does what followed it here.
    mutating func dropPending(
        olderThan moment: Milliseconds, recorderSince: Milliseconds, evaluator: inout AlarmEvaluator,
        heardThrough: Milliseconds,
        clock: ReceptionClock, now: Milliseconds
    ) -> Int {
        let stays = pending.firstIndex { $0.isResumed && $0.computedAt < recorderSince } ?? pending.endIndex
        guard pending[..<stays].contains(where: { $0.computedAt < moment }) else { return 0 }
        let count = pending.count
        pending = pending[..<stays].filter { $0.computedAt >= moment } + pending[stays...]
        straighten(clock)
        let dropped = count - pending.count
        if pending.isEmpty, evaluator.condition != committedCondition {
            adoptCommitted(
                evaluator: &evaluator, echoWindow: 0, presentOnly: true, heardThrough: heardThrough, clock: clock,
                now: now)
        }
        return dropped
    }

    /// The pending edge that a record is of.
    private func match(of record: AlarmRecord, _ limits: AlarmBook.Limits) -> Int? {
        // Those of the backlog were sent before this gateway read them: what is dated later is more likely another one.
        let likely =
            !hasBacklog
            ? nil
            : pending.firstIndex { edge in
                edge.isFromBacklog
                    ? edge.isSame(as: record, within: limits.matchWindow)
                        && record.changedAt <= edge.time.addingClamped(limits.liveWindow)
                    : edge.isSame(as: record, within: limits.liveWindow)
            }
        return likely ?? pending.firstIndex { $0.isSame(as: record, within: limits.matchWindow) }
            ?? pending.firstIndex { $0.isOfSameSample(as: record) }
    }

    /// The pending edge that the newest record is of, where the edges before that one may have been recorded as well. Without
    /// source times it is the one that is dated nearest: of an alarm that chatters, several lie within the window.
    private func nearestMatch(of record: AlarmRecord, _ limits: AlarmBook.Limits) -> Int? {
        func distance(_ index: Int) -> UInt64 { (pending[index].time &- record.changedAt).magnitude }
        return pending.indices.filter { pending[$0].isSame(as: record, within: limits.matchWindow) }
            .min { distance($0) < distance($1) }
            ?? pending.lastIndex { $0.isOfSameSample(as: record) }
    }

    /// Gives up the edges of the backlog that were computed by a moment: they are recorded, as something later is. What stands
    /// in the end stays. Returns how many went.
    mutating func settleBacklog(computedBy moment: Milliseconds, clock: ReceptionClock) -> Int {
        guard let last = pending.last else { return 0 }
        let standing =
            last.condition == committedCondition
            ? pending.endIndex : pending.dropLast().lastIndex { $0.condition == .normal }.map { $0 + 1 } ?? 0
        let count = pending.count
        pending = pending.indices.filter { index in
            index >= standing || !pending[index].isFromBacklog || pending[index].computedAt > moment
        }.map { pending[$0] }
        if pending.count < count { straighten(clock) }
        return count - pending.count
    }

    /// The clock by which edges are computed has been set.
    mutating func clockLeapt(by leap: Milliseconds) {
        for index in pending.indices { pending[index].computedAt = pending[index].computedAt &+ leap }
    }

    private mutating func adoptCommitted(
        evaluator: inout AlarmEvaluator, echoWindow: Milliseconds, presentOnly: Bool, heardThrough: Milliseconds,
        clock: ReceptionClock, now: Milliseconds
    ) {
        var edges: [AlarmEdge] = []
        let sampledAt = committed?.sampledAt ?? .min
        let changedAt = committed?.changedAt ?? .min
        let adopted = evaluator.adopt(
            committedCondition, changedAt: changedAt, sampledAt: sampledAt, value: committed?.value, now: now,
            echoWindow: echoWindow, presentOnly: presentOnly, heardThrough: heardThrough, into: &edges)
        if let committed, adopted != committed.condition {
            // The limit that the record speaks of is no longer configured.
            pending.append(
                AlarmEdge(
                    condition: adopted, limits: AlarmLimits(committed.condition), time: changedAt &+ 1,
                    shown: changedAt &+ 1, sampleTime: sampledAt, value: committed.value,
                    hasSourceTime: true, computedAt: now))
        }
        for edge in edges { append(edge, clock) }
        straighten(clock)
        if let last = pending.last { evaluator.noteEdge(at: last.time) }
    }

    /// Restores the order after edges have gone from the front: what no longer changes anything goes too, and what is
    /// left is dated later than what it follows, unless that was dated by a clock that was ahead: then only revisions
    /// tell the order.
    private mutating func straighten(_ clock: ReceptionClock) {
        var condition = committedCondition
        var time = committed?.changedAt
        pending.removeAll { edge in
            defer { condition = edge.condition }
            return edge.condition == condition
        }
        if hasBacklog { hasBacklog = pending.contains(where: \.isFromBacklog) }
        if hasResumed { hasResumed = pending.contains(where: \.isResumed) }
        for index in pending.indices {
            if let time, pending[index].time <= time,
                !AlarmEvaluator.isAhead(
                    time, computedAt: pending[index].computedAt, clockSetBack: clock.setBack)
            {
                pending[index].time = time &+ 1
            }
            time = pending[index].time
        }
    }
}

extension AlarmEdge {
    /// Whether a record is the record of this edge, computed here or elsewhere (see `AlarmIdentity`).
    fileprivate func isSame(as record: AlarmRecord, within window: Milliseconds) -> Bool {
        guard condition == record.condition else { return false }
        return hasSourceTime ? time == record.changedAt : (time &- record.changedAt).magnitude <= window.magnitude
    }

    /// After a device's clock has been set back, dates follow from the edges before, of which another gateway may have
    /// computed more; what began an edge does not.
    fileprivate func isOfSameSample(as record: AlarmRecord) -> Bool {
        hasSourceTime && condition == record.condition && sampleTime == record.sampledAt && value == record.value
    }
}
