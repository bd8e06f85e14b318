/// Which entries of the journal have been applied here, and which are to be read next. A value without I/O.
///
/// Entries are known by their sequence numbers. They begin again at 0 when `/journal` is deleted and made again, which
/// its czxid tells; then nothing has been applied.
struct JournalProgress: Sendable {
    /// What is to be read in one round.
    struct Round: Sendable, Hashable {
        /// The whole journal is to be listed, because events may have been missed.
        var isListing: Bool
        var sequences: Set<Int64>
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
    private var wanted: Set<Int64> = []
    private var mustList = true
    /// czxid of `/journal`.
    private var root: Int64?

    // MARK: What happens in the tree

    mutating func created(_ sequence: Int64) {
        if !applied.contains(sequence) { wanted.insert(sequence) }
    }

    /// `isHeld`: a channel here still owes it. One that has not been applied yet may be on its way in its
    /// earlier form.
    mutating func changed(_ sequence: Int64, isHeld: Bool) {
        if isHeld || !applied.contains(sequence) { wanted.insert(sequence) }
    }

    mutating func deleted(_ sequence: Int64) {
        applied.remove(sequence)
        wanted.remove(sequence)
    }

    /// Events may have been missed, or the journal itself has gone or come.
    mutating func eventsMissed() { mustList = true }

    // MARK: Reading

    /// What is to be read now; nil when nothing is.
    mutating func nextRound() -> Round? {
        guard mustList || !wanted.isEmpty else { return nil }
        defer {
            mustList = false
            wanted = []
        }
        return Round(isListing: mustList, sequences: wanted, known: mustList ? applied : [])
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
