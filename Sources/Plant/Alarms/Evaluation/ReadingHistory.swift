/// The last readings at which a value went from one zone between the limits to another. Only those can begin or end a
/// run, so eight of them usually reach back over several edges, however fast the tag is.
struct ReadingHistory: Sendable {
    static let capacity = 8

    /// Oldest first once `end` is above the capacity modulo it; most alarms have only one.
    private var readings: [AlarmReading] = []
    private var end = 0

    /// Oldest first.
    var indices: Range<Int> { max(0, end - Self.capacity)..<end }

    subscript(index: Int) -> AlarmReading { readings[index % Self.capacity] }

    mutating func append(_ reading: AlarmReading) {
        if readings.count < Self.capacity {
            readings.append(reading)
        } else {
            readings[end % Self.capacity] = reading
        }
        end += 1
    }

    mutating func removeAll() {
        readings = []
        end = 0
    }

    /// The clock of reception has been set.
    mutating func clockLeapt(by leap: Milliseconds) {
        for index in readings.indices { readings[index].clockLeapt(by: leap) }
    }
}
