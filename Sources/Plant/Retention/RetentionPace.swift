/// Up to which moment a list may be trimmed by age: it moves on with the monotonic clock, whatever the wall clock shows.
///
/// Age needs the wall clock, and that may leap. So within a process the moment moves by no more than the time that has
/// passed, and it begins at the oldest item that there is: in an hour no more goes than what came within one hour. A process
/// that takes over, and one whose clock was set, begins again: what it may remove it has waited for itself, so that several
/// in turn remove no more than one.
///
///     unknown ── first look: the oldest item ──▶ paced ── each look: by what has passed, up to what is old ──▶ paced
///        ▲                                         │
///        └───── another term, another total ───────┘
///
/// A value without I/O or clock.
public struct RetentionPace: Sendable {
    /// Whose trimming it is, under which clock.
    private struct Footing: Sendable, Hashable {
        var term: Int64
        var clockTotal: Milliseconds
    }

    private var footing: Footing?
    private var through: Milliseconds = 0
    private var last: Milliseconds = 0

    public init() {}

    /// What is older than that may go; `.min` for nothing.
    ///
    /// - Parameters:
    ///   - oldest: when the oldest item came; nil when there is none.
    ///   - limit: what is older is old enough by the wall clock; nil while that is in doubt.
    ///   - term: of the ownership under which is trimmed.
    ///   - clockTotal: by how much the wall clock has been set since the process began, all in all.
    ///   - now: by the monotonic clock.
    public mutating func horizon(
        oldest: Milliseconds?, limit: Milliseconds?, term: Int64, clockTotal: Milliseconds, at now: Milliseconds
    ) -> Milliseconds {
        guard let oldest, let limit else {
            footing = nil
            return .min
        }
        let footing = Footing(term: term, clockTotal: clockTotal)
        let elapsed = max(0, now.subtractingClamped(last))
        last = now
        guard footing == self.footing else {
            self.footing = footing
            through = min(oldest, limit)
            return .min
        }
        through = max(through, min(through.addingClamped(elapsed), limit))
        // Where nothing has come, nothing goes: that time need not be waited for.
        through = max(through, min(oldest, limit))
        return min(through, limit)
    }
}
