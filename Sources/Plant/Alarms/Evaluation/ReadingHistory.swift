/// One good sample of a tag, as an alarm sees it.
struct AlarmReading: Sendable {
    var value: Double
    /// In sample time: the payload's own, or `received`.
    var time: Milliseconds
    var received: Milliseconds
    var hasSourceTime: Bool

    /// The clock of reception has been set.
    mutating func clockLeapt(by leap: Milliseconds) {
        received = received &+ leap
        if !hasSourceTime { time = time &+ leap }
    }
}

/// The last readings at which a value went from one zone between the limits to another. Only those can begin or end a
/// run, so eight of them usually reach back over several edges, however fast the tag is.
struct ReadingHistory: Sendable {
    static let capacity = 8

    private var readings = InlineArray<8, AlarmReading>(
        repeating: AlarmReading(value: 0, time: 0, received: 0, hasSourceTime: false))
    private var end = 0

    /// Oldest first.
    var indices: Range<Int> { max(0, end - Self.capacity)..<end }

    subscript(index: Int) -> AlarmReading { readings[index % Self.capacity] }

    mutating func append(_ reading: AlarmReading) {
        readings[end % Self.capacity] = reading
        end += 1
    }

    mutating func removeAll() { end = 0 }

    /// The clock of reception has been set.
    mutating func clockLeapt(by leap: Milliseconds) {
        for index in indices { readings[index % Self.capacity].clockLeapt(by: leap) }
    }
}
