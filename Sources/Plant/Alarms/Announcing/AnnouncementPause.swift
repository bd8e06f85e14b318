import HeapModule

/// Second stage of an announcement: how long an alarm's record, or its event, rests before its next attempt.
struct AnnouncementPause: Sendable, Hashable {
    var length: Milliseconds
    var until: Milliseconds
    /// Whether the broker refused; otherwise the connection failed.
    var isRefusal: Bool

    /// The pause behind an attempt that did not succeed; `last` is the one before the attempt. Pauses grow with each refusal
    /// and with nothing else.
    init(after last: Self?, isRefusal: Bool, at now: Milliseconds, limits: Announcements.Limits) {
        if isRefusal {
            let grown = last.flatMap { $0.isRefusal ? min($0.length &* 2, limits.longestPause) : nil }
            length = grown ?? limits.firstPause
        } else {
            length = max(limits.failurePause, last?.length ?? 0)
        }
        until = now &+ length
        self.isRefusal = isRefusal || last?.isRefusal ?? false
    }
}

/// When pauses end, the first of them first. An end that is not true any more costs one look at the alarm.
struct PauseEnds: Sendable {
    private struct End: Comparable, Sendable {
        let time: Milliseconds
        let alarm: AlarmPath

        static func < (left: Self, right: Self) -> Bool { left.time < right.time }
        static func == (left: Self, right: Self) -> Bool { left.time == right.time }
    }

    private var ends = Heap<End>()

    mutating func began(_ pause: AnnouncementPause, of alarm: AlarmPath) {
        ends.insert(End(time: pause.until, alarm: alarm))
    }

    /// An alarm of which a pause has ended; nil when there is none.
    mutating func popFirst(endedAt now: Milliseconds) -> AlarmPath? {
        guard let first = ends.min, first.time <= now else { return nil }
        return ends.removeMin().alarm
    }
}
