import Synchronization

/// What the owners of leases did, and when each took itself for the owner.
final class LeaseRecord: Sendable {
    /// From the first to the last moment at which a lease was seen to be valid.
    struct Interval: Sendable {
        var token: Int64
        var first: ContinuousClock.Instant
        var last: ContinuousClock.Instant
    }

    private struct State {
        var intervals: [Interval] = []
        /// By token: the interval that goes on as long as the lease is seen to be valid.
        var open: [Int64: Int] = [:]
        var written: [Int64: Int64] = [:]
        var refused = 0
    }

    private let state = Mutex(State())

    func seen(_ token: Int64, isValid: Bool, at moment: ContinuousClock.Instant) {
        state.withLock { state in
            guard isValid else {
                state.open[token] = nil
                return
            }
            if let index = state.open[token] {
                state.intervals[index].last = moment
            } else {
                state.open[token] = state.intervals.count
                state.intervals.append(Interval(token: token, first: moment, last: moment))
            }
        }
    }

    func wrote(_ token: Int64, zxid: Int64) { state.withLock { $0.written[zxid] = token } }
    func wasRefused() { state.withLock { $0.refused += 1 } }

    var intervals: [Interval] { state.withLock { $0.intervals } }
    /// Acknowledged writes: the token by the zxid.
    var written: [Int64: Int64] { state.withLock { $0.written } }
    /// Writes that the tree refused because the lease's node was gone.
    var refused: Int { state.withLock { $0.refused } }

    /// The first two intervals of different leases that overlap, or follow each other against the order of tokens.
    var overlap: (Interval, Interval)? {
        let sorted = intervals.sorted { $0.first < $1.first }
        for (earlier, later) in zip(sorted, sorted.dropFirst()) where earlier.token != later.token {
            if earlier.last >= later.first || earlier.token > later.token { return (earlier, later) }
        }
        return nil
    }
}
