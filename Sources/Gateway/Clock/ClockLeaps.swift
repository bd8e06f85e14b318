import Plant
import Primitives

/// Finds leaps of the wall clock: it is looked at now and then, and held against a clock that cannot be set.
///
/// A leap of more than ``smallest`` puts the clock in doubt for ``doubt``. One that brings it back to where it was before one of
/// the last leaps, all but a tenth of the way, ends an excursion of as many parts as there were leaps since: dates that were
/// taken in between were wrong. The leaps before those may still be taken back: a machine that starts before its clock has been
/// set leaps once by years, and is right from then on. A clock that has not come back after ``mostSteps`` leaps is where it
/// should be, as far as can be known: where it was before is forgotten, and no date of that time gets a correction. A value
/// without I/O.
struct ClockLeaps: Sendable {
    /// What is corrected in smaller steps than that between two looks puts nothing in doubt.
    static let smallest: Milliseconds = 2_000
    /// What is less than that is drift, or what lies between the readings of the two clocks.
    static let least: Milliseconds = 500
    /// How long after a leap the clock counts as uncertain.
    static let doubt = Duration.seconds(60)

    /// So many leaps away from where the clock was are remembered.
    static let mostSteps = 8
    /// So many excursions that have ended are remembered.
    static let mostExcursions = 16

    /// What a look has shown.
    struct Sight: Sendable, Hashable {
        /// The wall clock.
        var wall: Milliseconds
        /// By how much it has been set since the first look, all in all.
        var total: Milliseconds = 0
        /// The leap for which the clock is in doubt, in milliseconds; nil when it is not.
        var doubt: Milliseconds?
        /// The number of the last leap that has not been taken back.
        var away: Int? { open.last }
        /// The numbers of all leaps that have not been taken back, the newest last.
        var open: [Int] = []
        /// Those that have ended, the newest last.
        var excursions: [ClockExcursion] = []

        /// The leap for which the clock is in doubt, for people.
        var doubtText: String? { doubt.map { "by \(Double($0 / 100) / 10) s" } }
    }

    private var now: ContinuousClock.Instant
    /// What both clocks showed when they last differed by ``least`` or more. The last look would not do: a clock that stands still
    /// changes too little between two looks.
    private var anchor: (wall: Milliseconds, now: ContinuousClock.Instant)
    private var sight: Sight
    /// What puts the clock in doubt, and since when.
    private var last: (by: Milliseconds, at: ContinuousClock.Instant)?
    /// The leaps since the clock was where it may come back to.
    private var steps: [Step] = []
    private var count = 0

    private struct Step {
        var number: Int
        /// How far away the clock is since then.
        var distance: Milliseconds
        /// What it showed first, and last.
        var first: Milliseconds
        var last: Milliseconds
    }

    init(wall: Milliseconds, now: ContinuousClock.Instant) {
        self.now = now
        anchor = (wall, now)
        sight = Sight(wall: wall)
    }

    mutating func look(wall: Milliseconds, now: ContinuousClock.Instant) -> Sight {
        let expected = anchor.wall.addingClamped((now - anchor.now).wholeMilliseconds)
        let leap = wall.subtractingClamped(expected)
        self.now = now
        sight.wall = wall
        if leap.magnitude >= Self.least.magnitude {
            sight.total = sight.total.addingClamped(leap)
            anchor = (wall, now)
        }
        if leap.magnitude > Self.smallest.magnitude { leapt(by: leap, from: expected) }
        sight.doubt = last.flatMap { now - $0.at < Self.doubt ? $0.by : nil }
        return sight
    }

    /// The process starts, and the newest entry of the journal was written then: a clock that lies before it is in doubt.
    mutating func started(after newest: Milliseconds) {
        let lead = sight.wall.subtractingClamped(newest)
        if lead < 0 - Self.smallest { last = (lead, now) }
    }

    private mutating func leapt(by leap: Milliseconds, from expected: Milliseconds) {
        last = (leap, now)
        let distance = (steps.last?.distance ?? 0).addingClamped(leap)
        if !steps.isEmpty { steps[steps.count - 1].last = expected }
        if let back = firstStepTakenBack(by: distance) {
            sight.excursions += steps[back...].map { step in
                // What was stamped just before the first look after the leap belongs to it.
                let start = min(step.first, step.last).subtractingClamped(1_000)
                return ClockExcursion(
                    number: step.number, correction: distance.subtractingClamped(step.distance),
                    dates: start...max(step.first, step.last))
            }
            sight.excursions.removeFirst(max(0, sight.excursions.count - Self.mostExcursions))
            // What little is missing on the way back counts as right from now on.
            steps.removeSubrange(back...)
        } else {
            count += 1
            let isForgotten = steps.count == Self.mostSteps
            if isForgotten { steps = [] }
            steps.append(
                Step(number: count, distance: isForgotten ? leap : distance, first: sight.wall, last: sight.wall))
        }
        sight.open = steps.map(\.number)
    }

    /// The clock is so far away now: the first of the steps that are over, because it is where it was before that one. As few
    /// as possible.
    private func firstStepTakenBack(by distance: Milliseconds) -> Int? {
        steps.indices.last { index in
            let level = index == 0 ? 0 : steps[index - 1].distance
            let farthest = steps[index...].map { $0.distance.subtractingClamped(level).magnitude }.max() ?? 0
            return distance.subtractingClamped(level).magnitude <= farthest / 10
        }
    }
}
