/// A session: what owns ephemeral nodes and outlives connections.
final class Session {
    let id: Int64
    var timeoutMilliseconds: Int32
    /// When something was last heard from its client.
    var lastHeard: Instant
    /// The connection that it is attached to.
    var client: Client?

    init(id: Int64, timeoutMilliseconds: Int32, lastHeard: Instant) {
        self.id = id
        self.timeoutMilliseconds = timeoutMilliseconds
        self.lastHeard = lastHeard
    }

    var deadline: Instant { lastHeard.advanced(byMilliseconds: Int64(timeoutMilliseconds)) }
}

/// A point on a clock that never goes back.
struct Instant: Comparable, Hashable, Sendable {
    /// Nanoseconds since an arbitrary beginning.
    var nanoseconds: Int64

    func advanced(byMilliseconds milliseconds: Int64) -> Instant {
        Instant(nanoseconds: nanoseconds &+ milliseconds &* 1_000_000)
    }

    func milliseconds(since other: Instant) -> Int64 {
        (nanoseconds &- other.nanoseconds) / 1_000_000
    }

    static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }
}

/// The time as the engine is told it: a steady clock for deadlines, the calendar for stats.
struct Now: Sendable {
    var instant: Instant
    /// Milliseconds since 1970 UTC.
    var wallMilliseconds: Int64
}
