/// Which entries of the journal may go, told of them oldest first.
///
/// Their numbers are their order. An entry is no younger than those that come after it: one that was dated while a clock was
/// ahead goes with its neighbours, not years later.
public struct JournalTrimming: Sendable {
    public enum Verdict: Sendable, Hashable {
        /// It may go, and with it all before it.
        case goes
        /// It is dated ahead of the clock: what comes after it decides.
        case undecided
        /// It stays, and all behind it.
        case stays
    }

    private let excess: Int
    private let ageEnd: Int
    private let horizon: Milliseconds
    private let now: Milliseconds
    private var position = 0

    /// - Parameters:
    ///   - total: how many entries there are.
    ///   - capacity: how many are kept; beyond it the oldest go, whatever their age.
    ///   - horizon: what is older goes by its age, but for the newest ``HistoryRetention/journalFloor``.
    ///   - now: by the wall clock.
    public init(total: Int, capacity: Int, horizon: Milliseconds, at now: Milliseconds) {
        excess = total - capacity
        ageEnd = total - min(HistoryRetention.journalFloor, capacity)
        self.horizon = horizon
        self.now = now
    }

    /// - Parameter time: when the entry was written; nil when it has gone meanwhile.
    public mutating func judge(_ time: Milliseconds?) -> Verdict {
        defer { position += 1 }
        if position < excess { return .goes }
        guard position < ageEnd else { return .stays }
        guard let time else { return .undecided }
        if time < horizon { return .goes }
        return time > now ? .undecided : .stays
    }
}
