/// Which containers and nodes with a time to live have to be looked at, and when: a sweep costs nothing for all the others.
///
/// A node is put down when it appears, and again when its last child goes; a sweep takes what is due, and puts down anew
/// what turns out to have time left. A node that has children is not put down: it comes back when it has none.
struct SweepSchedule {
    private static let bucketMilliseconds: Int64 = 250

    private var next: Set<PathKey> = []
    private var buckets: [Int64: Set<PathKey>] = [:]

    /// To be looked at by the next sweep.
    mutating func add(_ key: PathKey) {
        next.insert(key)
    }

    /// To be looked at when that time (milliseconds since 1970) comes. It may be taken a little early and put down again,
    /// rather than late: what is due goes with the next sweep.
    mutating func add(_ key: PathKey, after time: Int64) {
        buckets[time / Self.bucketMilliseconds, default: []].insert(key)
    }

    /// Takes what is due.
    mutating func take(now: Int64) -> Set<PathKey> {
        guard !next.isEmpty || !buckets.isEmpty else { return [] }
        var due = next
        next = []
        let current = now / Self.bucketMilliseconds
        for bucket in buckets.keys.filter({ $0 <= current }) {
            due.formUnion(buckets.removeValue(forKey: bucket) ?? [])
        }
        return due
    }
}
