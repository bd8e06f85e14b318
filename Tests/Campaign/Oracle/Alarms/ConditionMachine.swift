/// Says from the samples of one topic when the condition of one alarm changes. The plainest program that could say so.
///
/// Each limit is a machine of its own:
///
///     idle      beyond the limit → rising
///     rising    not beyond it → idle; on-delay over → active
///     active    returned → falling
///     falling   not returned → active; off-delay over → idle
///
/// Delays run in sample time: a sample at or after a delay's end proves that it ran out before the sample.
struct ConditionMachine: Hashable {
    private enum Phase: Hashable { case idle, rising, active, falling }

    private struct Limit: Hashable {
        var phase = Phase.idle
        /// Time of the sample that began the run.
        var start: Int64 = 0
        var tolerance: Int64 = 0
    }

    private let rule: AlarmRule
    private var limits: [Limit]
    private var outermost: Int?
    private var lastEdge: Int64?

    init(_ rule: AlarmRule) {
        self.rule = rule
        limits = rule.limits.map { _ in Limit() }
    }

    /// The next moment at which a delay ends; nil while none runs.
    var nextEnd: Int64? { limits.compactMap(end).min() }

    /// Whether a gateway that has heard nothing later may rightly end a delay before it hears this sample.
    func mayEndBefore(_ sample: Sample) -> Bool {
        guard let nextEnd else { return false }
        return nextEnd > sample.time && nextEnd < sample.acknowledgedAt
    }

    mutating func take(_ sample: Sample) -> [Edge] {
        var edges = endDelays(through: sample.time)
        for index in limits.indices {
            let beyond = rule.isBeyond(sample.value, index)
            let returned = rule.hasReturned(sample.value, index)
            switch limits[index].phase {
            case .idle where beyond: begin(.rising, index, sample)
            case .rising where !beyond: begin(.idle, index, sample)
            case .active where returned: begin(.falling, index, sample)
            case .falling where !returned: begin(.active, index, sample)
            case .idle, .rising, .active, .falling: break
            }
        }
        edges += endDelays(through: sample.time)
        return edges
    }

    /// Ends every delay that is over by `time`, the earliest first; those that end together make one step.
    mutating func endDelays(through time: Int64) -> [Edge] {
        var edges: [Edge] = []
        while let moment = nextEnd, moment <= time {
            var cause: Limit?
            for index in limits.indices where end(limits[index]) == moment {
                let rises = limits[index].phase == .rising
                if cause == nil || rises { cause = limits[index] }
                limits[index].phase = rises ? .active : .idle
            }
            let reached = limits.lastIndex { $0.phase == .active || $0.phase == .falling }
            guard let cause, reached != outermost else { continue }
            let date = max(moment, lastEdge.map { $0 + 1 } ?? moment)
            edges.append(
                Edge(
                    from: rule.condition(outermost), to: rule.condition(reached), at: date, sampledAt: cause.start,
                    tolerance: cause.tolerance))
            outermost = reached
            lastEdge = date
        }
        return edges
    }

    private mutating func begin(_ phase: Phase, _ index: Int, _ sample: Sample) {
        limits[index] = Limit(phase: phase, start: sample.time, tolerance: sample.tolerance)
    }

    private func end(_ limit: Limit) -> Int64? {
        switch limit.phase {
        case .idle, .active: nil
        case .rising: limit.start + rule.onDelay
        case .falling: limit.start + rule.offDelay
        }
    }
}
