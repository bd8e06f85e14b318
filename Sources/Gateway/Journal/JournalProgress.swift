/// Which entries of the journal have been applied here, and which are to be read next. A value without I/O.
///
/// Entries are known by their sequence numbers. They begin again at 0 when `/journal` is deleted and made again, which
/// its czxid tells; then nothing has been applied.
///
/// What this gateway writes itself it learns from the answer, which comes after the events that the write causes. So what
/// is heard of while own writes are on their way is read once those have ended, if there is still something to learn.
struct JournalProgress: Sendable {
    /// What is to be read in one round.
    struct Round: Sendable, Hashable {
        /// The whole journal is to be listed, because events may have been missed.
        var isListing: Bool
        var sequences: Set<Int64>
        /// Those of them that have been applied and have changed since: of interest only while a channel owes them.
        var changed: Set<Int64> = []
        /// What was known when the listing began: what is committed while the list is on its way is not in it, and must
        /// not be taken for trimmed.
        var known: Set<Int64>
    }

    /// What a listing has shown.
    struct Listing: Sendable, Hashable {
        var hasRestarted: Bool
        var gone: Set<Int64>
        var unread: Set<Int64>
    }

    /// Bounded by what the journal holds: trimmed entries leave with their event.
    private(set) var applied: Set<Int64> = []
    private var wanted: [Int64: Wish] = [:]
    /// How many writes of our own have begun, and which of them, by number, are on their way.
    private var writes: UInt64 = 0
    private var underway: Set<UInt64> = []
    private var mustList = true
    /// czxid of `/journal`.
    private var root: Int64?

    private struct Wish: Sendable {
        /// How many writes of our own had begun by then.
        var writes: UInt64
        /// Whether it is to be read also when it has been applied.
        var hasChanged: Bool
    }

    // MARK: What happens in the tree

    mutating func created(_ sequence: Int64) {
        if !applied.contains(sequence) { want(sequence, hasChanged: false) }
    }

    /// `isHeld`: a channel here still owes it. One that has not been applied yet may be on its way in its
    /// earlier form.
    mutating func changed(_ sequence: Int64, isHeld: Bool) {
        if isHeld || !applied.contains(sequence) { want(sequence, hasChanged: true) }
    }

    private mutating func want(_ sequence: Int64, hasChanged: Bool) {
        let before = wanted[sequence]?.hasChanged ?? false
        wanted[sequence] = Wish(writes: writes, hasChanged: before || hasChanged)
    }

    mutating func deleted(_ sequence: Int64) {
        applied.remove(sequence)
        wanted[sequence] = nil
    }

    /// Events may have been missed, or the journal itself has gone or come.
    mutating func eventsMissed() { mustList = true }

    // MARK: Own writes

    /// - Returns: The number of the write, for ``writeEnded(_:)``.
    mutating func writeBegins() -> UInt64 {
        writes &+= 1
        underway.insert(writes)
        return writes
    }

    /// What the write has done has been applied, or its outcome is unknown.
    mutating func writeEnded(_ number: UInt64) { underway.remove(number) }

    // MARK: Reading

    /// What is to be read now; nil when nothing is.
    mutating func nextRound() -> Round? {
        // A write that began later cannot have caused it: one after the other holds nothing back for long.
        let first = underway.min() ?? .max
        let ready = wanted.filter { $0.value.writes < first }
        for sequence in ready.keys { wanted[sequence] = nil }
        let sequences = Set(ready.filter { $0.value.hasChanged || !applied.contains($0.key) }.keys)
        guard mustList || !sequences.isEmpty else { return nil }
        defer { mustList = false }
        return Round(
            isListing: mustList, sequences: sequences, changed: sequences.intersection(applied),
            known: mustList ? applied : [])
    }

    /// The journal holds these entries. `held`: those that are read again whether they have been applied or not.
    mutating func listed(root: Int64, present: Set<Int64>, known: Set<Int64>, held: Set<Int64>) -> Listing {
        defer { self.root = root }
        if let before = self.root, before != root {
            let gone = applied
            applied = []
            return Listing(hasRestarted: true, gone: gone, unread: present)
        }
        let gone = known.subtracting(present)
        applied.subtract(gone)
        return Listing(hasRestarted: false, gone: gone, unread: present.subtracting(applied).union(held))
    }

    /// Returns true the first time.
    mutating func apply(_ sequence: Int64) -> Bool { applied.insert(sequence).inserted }
}
