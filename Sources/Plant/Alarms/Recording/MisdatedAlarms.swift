/// Which dates of alarm records this gateway's clock has given while it was away from where it had been: those that need a
/// correction once it shows that it was wrong, by being set back.
///
/// A value without I/O or clock. The dates that devices gave are none of them, nor are those of records that somebody has
/// changed since. At most one entry per alarm. What decides is when a date was given, not when it was recorded:
///
/// | the date | its correction |
/// | --- | --- |
/// | given while the clock was away, recorded then or after its return | what the clock showed, plus the correction of that time |
/// | of an edge that was moved behind the one before it | by what the clock showed, not by the record's date |
/// | given before or after, recorded while the clock is away | none |
/// | given after the return, moved behind one that was not | what the clock showed |
/// | of a sample from that time that began a delay which ended after the return | as of that time, where it lies after its own edge; else it cannot be told from one that is right |
public struct MisdatedAlarms: Sendable {
    /// A date that may need a correction.
    private struct Stray {
        /// What the clock showed when it was given.
        var shown: Milliseconds
        /// The leap that the clock was away by; nil: the excursion tells by its dates.
        var leap: Int?
        /// Whether the clock was right, and only the record's date is not.
        var isRight = false

        /// nil: none needed, or not yet.
        func corrected(by excursions: [ClockExcursion]) -> Milliseconds? {
            if isRight { return shown }
            if let leap, !excursions.contains(where: { $0.number == leap }) { return nil }
            // A sample may be older than the step of the clock in which its edge was computed.
            let excursion = excursions.last { $0.dates.contains(shown) && $0.number <= leap ?? .max }
            guard let right = excursion.map({ shown.addingClamped($0.correction) }), right.isShownByClocks else {
                return nil
            }
            return right
        }
    }

    private struct Entry {
        var revision: Int64 = 0
        var since: Stray?
        var changedAt: Stray?
        var sampledAt: Stray?
        var acknowledgedAt: Stray?

        var isEmpty: Bool { since == nil && changedAt == nil && sampledAt == nil && acknowledgedAt == nil }

        mutating func removeAll(where isOver: (Stray) -> Bool) {
            for date in [\Entry.since, \.changedAt, \.sampledAt, \.acknowledgedAt] {
                if let stray = self[keyPath: date], isOver(stray) { self[keyPath: date] = nil }
            }
        }
    }

    private var alarms: [AlarmPath: Entry] = [:]
    /// Whether something was noted since the corrections were last asked for.
    private var hasNews = false
    /// The last excursion whose corrections are made. Not by number: the leap before another one may be taken back after it.
    private var settled: ClockExcursion?

    public init() {}

    public var isEmpty: Bool { alarms.isEmpty }

    /// A transition has been recorded by this gateway.
    public mutating func recorded(_ transition: ProposedTransition) {
        let record = transition.record
        let known = alarms[transition.path]
        var entry = known ?? Entry()
        entry.revision = record.revision
        switch transition.transition {
        case .forgotten: return alarms[transition.path] = nil
        case .acknowledged:
            entry.acknowledgedAt = Self.stray(transition.dating)
        case .activated, .escalated, .deescalated, .returned:
            entry.changedAt = Self.stray(transition.dating, of: record, after: known?.changedAt)
            entry.sampledAt = Self.stray(transition.dating, sampledAt: record.sampledAt)
            if transition.transition == .activated { entry.since = entry.changedAt }
            if transition.transition == .activated || transition.transition == .escalated {
                entry.acknowledgedAt = nil
            }
        // Their dates are not kept in the record.
        case .reset, .reAlarmed, .shelved, .unshelved, .suppressed, .unsuppressed, .outOfService, .inService,
            .disabled, .enabled:
            break
        }
        guard known != nil || !entry.isEmpty else { return }
        alarms[transition.path] = entry.isEmpty ? nil : entry
        hasNews = true
    }

    private static func stray(_ dating: ProposedTransition.Dating?) -> Stray? {
        guard let dating, let leap = dating.away else { return nil }
        return Stray(shown: dating.shown, leap: leap)
    }

    /// The date of an edge, after a date that may need a correction.
    private static func stray(
        _ dating: ProposedTransition.Dating?, of record: AlarmRecord, after former: Stray?
    ) -> Stray? {
        if let dating, dating.away == nil, let former, record.changedAt > dating.shown {
            return Stray(shown: dating.shown, leap: former.leap, isRight: true)
        }
        return stray(dating)
    }

    /// The date of the sample that began an edge.
    private static func stray(_ dating: ProposedTransition.Dating?, sampledAt: Milliseconds) -> Stray? {
        guard let dating else { return nil }
        if let leap = dating.away { return Stray(shown: sampledAt, leap: leap) }
        // Only a clock that was ahead gives a sample a date after its own edge.
        return sampledAt > dating.shown ? Stray(shown: sampledAt, leap: nil) : nil
    }

    /// The records that follow when the clock has been set back to where it was before: each with its correction and the
    /// next revision. Asking consumes nothing: ``corrected(_:)`` does.
    ///
    /// - Parameters:
    ///   - excursions: those that have ended, the newest last.
    ///   - current: the newest record of an alarm.
    public func corrections(
        of excursions: [ClockExcursion], current: (AlarmPath) -> AlarmRecord?
    ) -> [AlarmRecord] {
        guard let newest = excursions.last, hasNews || newest != settled, !alarms.isEmpty else { return [] }
        return alarms.keys.sorted().compactMap { path in
            guard let entry = alarms[path], var record = current(path), record.revision == entry.revision else {
                return nil
            }
            func corrected(_ date: Milliseconds?, _ stray: Stray?) -> Milliseconds? {
                guard let date, let right = stray?.corrected(by: excursions), right != date else { return nil }
                return right
            }
            let former = record.corrected
            record.corrected.since = corrected(record.since, entry.since) ?? former.since
            record.corrected.changedAt = corrected(record.changedAt, entry.changedAt) ?? former.changedAt
            record.corrected.sampledAt = corrected(record.sampledAt, entry.sampledAt) ?? former.sampledAt
            record.corrected.acknowledgedAt =
                corrected(record.acknowledgedAt, entry.acknowledgedAt) ?? former.acknowledgedAt
            guard record.corrected != former else { return nil }
            record.revision &+= 1
            return record
        }
    }

    /// The corrections of these excursions are recorded, or none were needed. A clock that was set before them, and not
    /// back, shows what counts; unless it still may come back.
    ///
    /// - Parameter open: the leaps that have not been taken back.
    public mutating func corrected(_ excursions: [ClockExcursion], open: [Int] = []) {
        guard let newest = excursions.last, hasNews || newest != settled else { return }
        hasNews = false
        settled = newest
        let last = excursions.map(\.number).max() ?? 0
        for path in Array(alarms.keys) {
            alarms[path]?.removeAll { stray in
                guard let leap = stray.leap else { return true }
                return !open.contains(leap) && leap <= last
            }
            if alarms[path]?.isEmpty == true { alarms[path] = nil }
        }
    }
}
