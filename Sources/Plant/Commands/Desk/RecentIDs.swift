import DequeModule

/// A set of ids that forgets the oldest when it is full.
struct RecentIDs: Sendable {
    /// More than the tree keeps (``HistoryRetention``), so that forgetting is the exception; it costs one more reading.
    let limit: Int
    private var known: Set<String> = []
    /// In order of insertion; ids that were removed may still be in it.
    private var order: Deque<String> = []

    init(limit: Int = 50_000) { self.limit = limit }

    var count: Int { known.count }

    func contains(_ id: String) -> Bool { known.contains(id) }

    mutating func insert(_ id: String) {
        guard known.insert(id).inserted else { return }
        order.append(id)
        while known.count > limit, let oldest = order.popFirst() { known.remove(oldest) }
        if order.count > 2 * limit { order.removeAll { !known.contains($0) } }
    }

    mutating func remove(_ id: String) { known.remove(id) }

    mutating func formIntersection(_ ids: Set<String>) {
        guard !known.isSubset(of: ids) else { return }
        known.formIntersection(ids)
        order.removeAll { !known.contains($0) }
    }
}
