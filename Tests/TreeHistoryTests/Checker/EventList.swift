/// Calls and returns in the order of time, as a linked list from which an operation is lifted, and into which it is put
/// back, in constant time.
struct EventList {
    /// The place before the first event.
    static let head = 0

    private var next: [Int]
    private var previous: [Int]
    /// By place: the operation, and whether the event is its call.
    private var operations: [Int]
    private var calls: [Bool]
    private var returnPlace: [Int]

    /// - Parameter spans: When each operation was called and when it returned.
    init(_ spans: [(invoked: Int, returned: Int)]) {
        var events: [(time: Int, isReturn: Bool, operation: Int)] = []
        for (number, span) in spans.enumerated() {
            events.append((span.invoked, false, number))
            events.append((span.returned, true, number))
        }
        // Of a call and a return at the same moment nobody can say which was first: they overlap.
        events.sort { ($0.time, $0.isReturn ? 1 : 0, $0.operation) < ($1.time, $1.isReturn ? 1 : 0, $1.operation) }
        let count = events.count + 1
        next = Array(1..<count) + [0]
        previous = [count - 1] + Array(0..<(count - 1))
        operations = [-1] + events.map(\.operation)
        calls = [false] + events.map { !$0.isReturn }
        returnPlace = Array(repeating: 0, count: spans.count)
        for (place, event) in events.enumerated() where event.isReturn { returnPlace[event.operation] = place + 1 }
    }

    var isEmpty: Bool { next[Self.head] == Self.head }
    var first: Int { next[Self.head] }

    func after(_ place: Int) -> Int { next[place] }
    func isCall(_ place: Int) -> Bool { calls[place] }
    func operation(at place: Int) -> Int { operations[place] }

    /// Takes the call at `place` out, and its return.
    mutating func lift(_ place: Int) {
        unlink(place)
        unlink(returnPlace[operations[place]])
    }

    /// Undoes ``lift(_:)``. To be done in the opposite order.
    mutating func putBack(_ place: Int) {
        link(returnPlace[operations[place]])
        link(place)
    }

    private mutating func unlink(_ place: Int) {
        next[previous[place]] = next[place]
        previous[next[place]] = previous[place]
    }

    private mutating func link(_ place: Int) {
        next[previous[place]] = place
        previous[next[place]] = place
    }
}
