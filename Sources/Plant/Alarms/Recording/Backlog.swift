/// When this gateway last read what the broker had kept for it: from the loss of the connection, or the start, until it was
/// proved that all of that has been read (``HearingProof``), or may be presumed where no echo ever comes back.
///
///     none ── begin ──▶ open ── end ──▶ read ── begin ──▶ open …
///
/// A sample without a time of its own that came then was sent before, nobody knows when. Another gateway, which heard it live,
/// may have dated it seconds earlier and recorded what follows from it, even before this gateway read the tree. So an edge of
/// such a sample
/// - is taken for what is recorded with a later date only where nothing else is;
/// - goes once another gateway has recorded an edge that this one has computed as well, from what both heard live and clearly
///   later: that gateway has heard what came before, and records in the order of time. What stands in the end stays all the
///   same, because a condition that stands always alarms.
struct Backlog: Sendable, Hashable {
    private enum State: Sendable, Hashable {
        case none
        case open(since: Milliseconds)
        case read(ClosedRange<Milliseconds>)
    }

    private var state = State.none

    /// From now on the broker may keep what is sent. While one is open nothing changes: what has been read in between belongs
    /// to it.
    mutating func begin(at now: Milliseconds) {
        if case .open = state { return }
        state = .open(since: now)
    }

    /// Everything has been read that was sent until `time`; that is known since `now`.
    mutating func end(provedThrough time: Milliseconds, at now: Milliseconds) {
        // Proof of the connection before says nothing.
        guard case .open(let since) = state, time >= since else { return }
        state = .read(since...max(since, now))
    }

    func contains(_ received: Milliseconds) -> Bool {
        switch state {
        case .none: false
        case .open(let since): received >= since
        case .read(let range): range.contains(received)
        }
    }

    mutating func clockLeapt(by leap: Milliseconds) {
        switch state {
        case .none: break
        case .open(let since): state = .open(since: since.addingClamped(leap))
        case .read(let range):
            let start = range.lowerBound.addingClamped(leap)
            state = .read(start...max(start, range.upperBound.addingClamped(leap)))
        }
    }
}
