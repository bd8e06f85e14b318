/// When this gateway last read what the broker had kept for it: from the loss of the connection, or the start, until it was
/// proved that all of that has been read (``HearingProof``).
///
/// A sample without a time of its own that came then was sent before, nobody knows when. Another gateway, which heard it live,
/// may have dated it seconds earlier and recorded what follows from it, even before this gateway read the tree. So an edge of
/// such a sample
/// - is not that of a record which is dated clearly later;
/// - counts as known to the active processor once that has recorded something clearly later: it records in the order of time.
///   What stands in the end stays pending all the same, because a condition that stands always alarms.
struct Backlog: Sendable, Hashable {
    /// How far apart the dates of two gateways may be that both heard a sample live.
    static let slack: Milliseconds = 250
    /// How much later than an edge something must be dated that is recorded after it.
    static let settledAfter: Milliseconds = 500

    private var since: Milliseconds = .max
    private var until: Milliseconds = .max

    /// Nothing that comes now is known to come as it is sent.
    mutating func begin(at now: Milliseconds) {
        // The same as long as nothing is proved: what has been read in between belongs to it.
        guard since == .max || until != .max else { return }
        since = now
        until = .max
    }

    /// Everything that was kept has been read.
    mutating func end(at now: Milliseconds) {
        guard since != .max, until == .max else { return }
        until = max(since, now)
    }

    func contains(_ received: Milliseconds) -> Bool { received >= since && received <= until }

    mutating func clockLeapt(by leap: Milliseconds) {
        if since != .max { since = since.addingClamped(leap) }
        if until != .max { until = until.addingClamped(leap) }
    }
}
