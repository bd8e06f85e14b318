import HeapModule

extension AlarmBook {
    /// Edges that are to be recorded next, in order of their time, with what makes transitions of them.
    ///
    /// Taken out of the book so that the transitions are made outside of its lock.
    public struct Unrecorded: Sendable {
        struct Alarm: Sendable {
            let path: AlarmPath
            let definition: AlarmDefinition
            let committed: AlarmRecord?
            let forgottenRevision: Int64
        }

        fileprivate(set) var edges: [(alarm: Int, edge: AlarmEdge)] = []
        fileprivate(set) var alarms: [Int: Alarm] = [:]

        public var isEmpty: Bool { edges.isEmpty }

        /// The transitions, stamped with the epoch of the caller's lease; several of one alarm follow from each other.
        public func proposals(epoch: Int64) -> [ProposedTransition] {
            var latest: [Int: AlarmRecord] = [:]
            return edges.compactMap { number, edge in
                guard let alarm = alarms[number],
                    let proposal = AlarmRecord.applying(
                        edge, to: latest[number] ?? alarm.committed, path: alarm.path, definition: alarm.definition,
                        epoch: epoch, after: alarm.forgottenRevision)
                else { return nil }
                latest[number] = proposal.record
                return proposal
            }
        }
    }

    /// The edges that are to be recorded next, at most `limit`, in order of their time; what waits besides them costs nothing.
    ///
    /// Asking consumes nothing: `transitionRecorded` does. Commit them in this order; when one fails, the later ones of
    /// its alarm must not be committed either.
    ///
    /// - Parameter excluded: alarms that have to wait.
    public mutating func unrecorded(limit: Int, except excluded: Set<AlarmPath> = []) -> Unrecorded {
        var unrecorded = Unrecorded()
        guard limit > 0 else { return unrecorded }
        // The next edge of each alarm of which one is taken already.
        var next = Heap<Successor>()
        func take(_ successor: Successor) {
            let ledger = ledgers[successor.item.alarm]
            unrecorded.edges.append((successor.item.alarm, ledger.pending[successor.position]))
            let position = successor.position + 1
            guard position < ledger.pending.count else { return }
            next.insert(
                Successor(
                    item: .init(
                        time: max(successor.item.time, ledger.pending[position].time), alarm: successor.item.alarm,
                        path: ledger.path),
                    position: position))
        }
        agenda.inOrder { item in
            let ledger = ledgers[item.alarm]
            if excluded.contains(ledger.path) { return true }
            while let earlier = next.min, earlier.item < item, unrecorded.edges.count < limit {
                _ = next.popMin()
                take(earlier)
            }
            guard unrecorded.edges.count < limit else { return false }
            unrecorded.alarms[item.alarm] = .init(
                path: ledger.path, definition: definitions[ledger.definition], committed: ledger.committed,
                forgottenRevision: ledger.forgottenRevision)
            take(Successor(item: item, position: 0))
            return unrecorded.edges.count < limit
        }
        while unrecorded.edges.count < limit, let earliest = next.popMin() { take(earliest) }
        return unrecorded
    }

    /// A pending edge behind another one of its alarm.
    private struct Successor: Comparable {
        let item: AlarmAgenda.Item
        let position: Int

        static func < (left: Successor, right: Successor) -> Bool { left.item < right.item }
    }

    /// Whether an alarm of that tag, these excepted, has something that is not in the journal yet.
    public func hasUnrecorded(at tag: TagID, except excluded: Set<AlarmPath>) -> Bool {
        guard tag.index < slots.count else { return false }
        return slots[tag.index].contains { position in
            let ledger = ledgers[bindings[position]]
            return !ledger.pending.isEmpty && !excluded.contains(ledger.path)
        }
    }

    /// What an operator's acknowledgement makes of an alarm. Without `eventID` it is for the present occurrence.
    ///
    /// It builds on the record as it stands: commit it before further proposals of the same alarm are asked for, and
    /// report it with `transitionRecorded`.
    public func acknowledge(
        _ path: AlarmPath, eventID: String?, by: Principal, comment: String?, at now: Milliseconds, epoch: Int64
    ) -> Result<ProposedTransition, AcknowledgementRefusal> {
        guard let record = record(of: path) else { return .failure(.notFound) }
        return record.acknowledging(eventID: eventID, by: by, comment: comment, at: now, epoch: epoch).map {
            var acknowledged = $0
            acknowledged.dating = .init(shown: now, away: clock.away)
            return acknowledged
        }
    }
}
