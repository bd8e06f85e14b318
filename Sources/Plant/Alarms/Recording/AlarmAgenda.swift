import HeapModule

/// Which alarms have something to be recorded, in the order of their first edges.
///
/// Each alarm stands in it at most once, by the date of its first pending edge, so that the next few are found without a look
/// at the others. An entry that a later change has made wrong is passed over when its turn comes.
struct AlarmAgenda: Sendable {
    struct Item: Comparable, Sendable {
        let time: Milliseconds
        let alarm: Int
        let path: AlarmPath

        static func < (left: Item, right: Item) -> Bool {
            left.time == right.time ? left.path < right.path : left.time < right.time
        }
    }

    private var heap = Heap<Item>()
    /// By alarm: how it stands in it.
    private var items: [Int: Item] = [:]

    /// Alarms that have something to be recorded.
    var alarms: some Collection<Int> { items.keys }

    /// The first pending edge of an alarm is of this date; nil when it has none.
    mutating func set(_ alarm: Int, _ path: AlarmPath, to time: Milliseconds?) {
        guard items[alarm]?.time != time else { return }
        items[alarm] = time.map { Item(time: $0, alarm: alarm, path: path) }
        if let item = items[alarm] { heap.insert(item) }
        // Entries that have become wrong are not looked at while there are earlier ones.
        if heap.count > 2 * items.count + 64 { heap = Heap(items.values) }
    }

    /// The alarms in order, for as long as `body` wants more; they stay.
    mutating func inOrder(_ body: (Item) -> Bool) {
        var seen: [Item] = []
        while let item = heap.popMin() {
            guard items[item.alarm]?.time == item.time, seen.last != item else { continue }
            seen.append(item)
            if !body(item) { break }
        }
        heap.insert(contentsOf: seen)
    }
}
