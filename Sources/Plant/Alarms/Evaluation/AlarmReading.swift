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
