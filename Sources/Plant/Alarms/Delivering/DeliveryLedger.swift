import DequeModule

/// Which entries of the journal are owed by which channel, and what of it is to be written into them.
///
/// It knows nothing of how a channel delivers: ``entryRead(_:_:version:)`` says what has become owed or been settled
/// elsewhere, and the channel says what it has settled by ``settled(_:by:as:)``. For each channel of an entry a delivery goes
/// from *owed* to *settled* to *marked*: the journal says so. An entry is held until all of them are marked, by anybody.
///
/// A mark is a new version of the whole entry. It may be written only over the version that it was made from, because
/// another gateway may have written the outcome of another channel meanwhile; ``entryRead(_:_:version:)`` brings both
/// together. What is settled for one channel is never owed again, whatever an older copy of the entry says.
public struct DeliveryLedger: Sendable {
    /// What a channel is to be told of an entry.
    public enum Notice: Sendable, Hashable {
        /// The channel owes it from now on.
        case owed(Channel)
        /// Nothing is to be done for it any more. nil: the entry does not say that anything was.
        case settledElsewhere(Channel, Delivery?)
    }

    /// An entry as it is to be written, over this version of its node alone.
    public struct Mark: Sendable, Hashable {
        public let sequence: Int64
        public let entry: JournalEntry
        public let version: Int32
        /// What the journal does not say yet.
        public let settled: [Channel]
    }

    private struct Held: Sendable {
        /// With what has been settled here.
        var entry: JournalEntry
        /// Of the node when the entry was read or written.
        var version: Int32
        /// Settled, and not in the journal as far as we know.
        var unmarked: [Channel] = []
        var isQueued = false
    }

    /// In the order in which they hear of an entry.
    public let channels: [Channel]
    private var entries: [Int64: Held] = [:]
    /// Entries that may have something to be marked, the oldest settlement first.
    private var queue: Deque<Int64> = []
    /// Of no interest any more: a read that was under way meanwhile must not bring them back.
    private var finished: Set<Int64> = []

    /// - Parameter channels: those that this gateway delivers by. Nothing is owed by others.
    public init(channels: [Channel]) { self.channels = channels }

    // MARK: The journal

    /// An entry stands in the journal like this, in this version of its node. Reads may come in any order.
    public mutating func entryRead(_ sequence: Int64, _ entry: JournalEntry, version: Int32) -> [Notice] {
        guard !finished.contains(sequence) else { return [] }
        guard let former = entries[sequence] else {
            let owed = channels.filter { entry.deliveries[$0] == .owed }
            if !owed.isEmpty { entries[sequence] = Held(entry: entry, version: version) }
            return owed.map(Notice.owed)
        }
        guard version > former.version else { return [] }
        var held = Held(entry: entry, version: version, isQueued: former.isQueued)
        var notices: [Notice] = []
        for channel in channels {
            let there = entry.deliveries[channel]
            switch (former.entry.deliveries[channel], there) {
            case (nil, .owed): notices.append(.owed(channel))
            case (.owed, .owed), (nil, _): break
            case (.owed, _): notices.append(.settledElsewhere(channel, there))
            case (let here?, let there?) where here.outdoes(there):
                held.entry.deliveries[channel] = here
                held.unmarked.append(channel)
            case (_?, _): break
            }
        }
        keep(held, at: sequence)
        return notices
    }

    /// The node of the entry holds something else, which nobody can read: the next mark writes the entry over it.
    public mutating func entryOverwritten(_ sequence: Int64, version: Int32) {
        guard let held = entries[sequence], version > held.version else { return }
        entries[sequence]?.version = version
    }

    /// The entry has gone from the journal.
    public mutating func entryRemoved(_ sequence: Int64) {
        finished.remove(sequence)
        if entries.removeValue(forKey: sequence)?.isQueued == true { queue.removeAll { $0 == sequence } }
    }

    /// The journal was deleted and begins again: its numbers mean other entries from now on.
    public mutating func journalRestarted() {
        entries = [:]
        queue = []
        finished = []
    }

    /// Whether a change of the entry is of interest: another gateway may have settled what a channel here still owes.
    public func holds(_ sequence: Int64) -> Bool {
        guard let held = entries[sequence] else { return false }
        return isOwed(held)
    }

    /// Entries that are owed, or not marked yet.
    public var heldSequences: Set<Int64> { Set(entries.keys) }

    private func isOwed(_ held: Held) -> Bool { channels.contains { held.entry.deliveries[$0] == .owed } }

    // MARK: Marks

    /// A channel has seen to an entry. Of no consequence for one that the channel does not owe.
    public mutating func settled(_ sequence: Int64, by channel: Channel, as delivery: Delivery) {
        guard var held = entries[sequence], channels.contains(channel), held.entry.deliveries[channel] == .owed,
            delivery.isSettled
        else { return }
        held.entry.deliveries[channel] = delivery
        held.unmarked.append(channel)
        keep(held, at: sequence)
    }

    /// What is to be written into the journal next. Asking consumes nothing: ``marked(_:)`` does.
    public mutating func marks(limit: Int) -> [Mark] {
        while let first = queue.first, entries[first]?.unmarked.isEmpty ?? true {
            queue.removeFirst()
            entries[first]?.isQueued = false
        }
        return queue.prefix(limit).compactMap { sequence in
            guard let held = entries[sequence], !held.unmarked.isEmpty else { return nil }
            return Mark(sequence: sequence, entry: held.entry, version: held.version, settled: held.unmarked)
        }
    }

    /// These marks stand in the journal.
    public mutating func marked(_ marks: some Sequence<Mark>) {
        for mark in marks {
            // A later version has been read since, and it has been compared with what was settled here.
            guard var held = entries[mark.sequence], held.version == mark.version else { continue }
            held.version &+= 1
            held.unmarked.removeAll(where: mark.settled.contains)
            keep(held, at: mark.sequence)
        }
    }

    /// Holds the entry for as long as there is something to do for it.
    private mutating func keep(_ held: Held, at sequence: Int64) {
        guard !held.unmarked.isEmpty || isOwed(held) else {
            entries[sequence] = nil
            if held.isQueued, queue.first == sequence { queue.removeFirst() }
            finished.insert(sequence)
            return
        }
        entries[sequence] = held
        guard !held.unmarked.isEmpty, !held.isQueued else { return }
        entries[sequence]?.isQueued = true
        queue.append(sequence)
    }
}
