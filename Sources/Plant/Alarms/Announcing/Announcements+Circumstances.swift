import DequeModule

/// The connection, the term, and what the broker has lost.
extension Announcements {
    /// There is a connection to the broker: everything is tried at once, because who refused may have been mended.
    public mutating func connected(at now: Milliseconds) {
        isConnected = true
        gate.connected(at: now)
        for path in Array(alarms.keys) {
            alarms[path]?.recordPause?.until = now
            alarms[path]?.eventPause?.until = now
            enqueue(path)
        }
    }

    public mutating func disconnected() { isConnected = false }

    /// The broker does not retain these records, or others in their place. They are published again in this order, unless
    /// something newer of their alarm is owed or out. `areRemoved`: they are the last ones of alarms that were removed, and
    /// the broker is to retain nothing of those.
    public mutating func recordsLost(_ records: some Sequence<AlarmRecord>, areRemoved: Bool = false) {
        for record in records {
            let isOwed = alarms[record.path, default: AnnouncementQueue()].owe(again: record, isRemoved: areRemoved)
            guard isOwed, alarms[record.path]?.isRepeating == false else { continue }
            alarms[record.path]?.isRepeating = true
            repeating.append(record.path)
        }
    }

    /// This gateway is not the active alarm processor any more: the next one compares for itself.
    public mutating func termEnded() {
        for path in Array(alarms.keys) {
            alarms[path]?.isRepeating = false
            alarms[path]?.dropRepetition()
            tidy(path)
            enqueue(path)
        }
        repeating = []
    }

    // MARK: Numbers

    /// Entries whose announcement is not known to be out, and records that are to be published again.
    public var waiting: Int { entries.count + alarms.values.count { $0.record != nil && !$0.isRecordOwed } }

    /// Of them, those that the broker refuses.
    public var refused: Int {
        let events = gate.isOpen ? refusedEvents : alarms.values.reduce(0) { $0 + $1.events.count }
        return events + refusedRecords
    }

    /// What keeps announcements from leaving now; nil when nothing does, or nothing is owed.
    public var obstacle: Obstacle? {
        if refusedRecords > 0 || refusedEvents > 0 { return .refusals }
        return !isConnected && !entries.isEmpty ? .noConnection : nil
    }
}
