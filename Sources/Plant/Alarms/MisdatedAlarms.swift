/// Which dates of alarm records this gateway's clock has given since it was last set: those that need a correction once it
/// shows that it was wrong, by being set back.
///
/// A value without I/O or clock. The dates that devices gave are none of them, nor are those of records that somebody has
/// changed since. At most one entry per alarm.
public struct MisdatedAlarms: Sendable {
    private struct Dates: OptionSet {
        let rawValue: UInt8
        static let since = Dates(rawValue: 1)
        static let changedAt = Dates(rawValue: 2)
        static let sampledAt = Dates(rawValue: 4)
        static let acknowledgedAt = Dates(rawValue: 8)
    }

    private struct Entry {
        var revision: Int64
        var dates: Dates
    }

    /// The leap since which the dates are noted.
    private var leap: Int?
    private var alarms: [AlarmPath: Entry] = [:]

    public init() {}

    public var isEmpty: Bool { alarms.isEmpty }

    /// A transition has been recorded by this gateway.
    ///
    /// - Parameter leap: the number of the leap that has not been taken back; nil when there is none.
    public mutating func recorded(_ transition: ProposedTransition, leap: Int?) {
        if let leap, leap != self.leap {
            // The clock was set again and not back: that is the time that counts, and what came before stays as it is.
            self.leap = leap
            alarms = [:]
        }
        guard leap != nil || !alarms.isEmpty else { return }
        var dates = alarms[transition.path]?.dates ?? []
        switch transition.transition {
        case .activated: dates = []
        case .escalated: dates.subtract([.changedAt, .sampledAt, .acknowledgedAt])
        case .deescalated, .returned: dates.subtract([.changedAt, .sampledAt])
        case .acknowledged: dates.remove(.acknowledgedAt)
        case .forgotten: return alarms[transition.path] = nil
        }
        if leap != nil {
            if transition.transition == .acknowledged {
                dates.insert(.acknowledgedAt)
            } else if transition.isDatedHere {
                dates.formUnion([.changedAt, .sampledAt])
                if transition.transition == .activated { dates.insert(.since) }
            }
        }
        alarms[transition.path] = dates.isEmpty ? nil : Entry(revision: transition.record.revision, dates: dates)
    }

    /// The records that follow when the clock has been set back to where it was before a leap: each with its correction and
    /// the next revision. Asking consumes nothing: ``corrected(_:)`` does.
    ///
    /// - Parameters:
    ///   - leap: the number of the leap that has been taken back.
    ///   - dates: what the clock showed meanwhile.
    ///   - correction: what makes such a date right when it is added.
    ///   - current: the newest record of an alarm.
    public func corrections(
        after leap: Int, dates: ClosedRange<Milliseconds>, correction: Milliseconds,
        current: (AlarmPath) -> AlarmRecord?
    ) -> [AlarmRecord] {
        guard leap == self.leap else { return [] }
        return alarms.keys.sorted().compactMap { path in
            guard let entry = alarms[path], var record = current(path), record.revision == entry.revision else {
                return nil
            }
            func corrected(_ date: Milliseconds?, _ member: Dates) -> Milliseconds? {
                guard let date, entry.dates.contains(member), dates.contains(date) else { return nil }
                let right = date.addingClamped(correction)
                return right.isShownByClocks ? right : nil
            }
            let former = record.corrected
            record.corrected.since = corrected(record.since, .since) ?? former.since
            record.corrected.changedAt = corrected(record.changedAt, .changedAt) ?? former.changedAt
            record.corrected.sampledAt = corrected(record.sampledAt, .sampledAt) ?? former.sampledAt
            record.corrected.acknowledgedAt =
                corrected(record.acknowledgedAt, .acknowledgedAt) ?? former.acknowledgedAt
            guard record.corrected != former else { return nil }
            record.revision &+= 1
            return record
        }
    }

    /// The corrections after that leap are recorded, or none were needed.
    public mutating func corrected(after leap: Int) {
        if leap == self.leap { alarms = [:] }
    }
}
