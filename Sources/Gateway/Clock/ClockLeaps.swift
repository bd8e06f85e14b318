import Plant

/// Finds leaps of the wall clock: it is looked at now and then, and held against a clock that cannot be set.
///
/// A leap of more than ``smallest`` puts the clock in doubt for ``doubt``. One that takes back most of the leap before it
/// ends an ``Excursion``: dates that were taken in between were wrong. A value without I/O.
struct ClockLeaps: Sendable {
    /// What is corrected in smaller steps than that between two looks puts nothing in doubt.
    static let smallest: Milliseconds = 2_000
    /// What is less than that is drift, or what lies between the readings of the two clocks.
    static let least: Milliseconds = 500
    /// How long after a leap the clock counts as uncertain.
    static let doubt = Duration.seconds(60)

    /// A time in which the clock showed something else than before and after.
    struct Excursion: Sendable, Hashable {
        /// Counts the leaps of this clock.
        var number: Int
        /// What makes a date of that time right when it is added, in milliseconds.
        var correction: Milliseconds
        /// What the clock showed meanwhile.
        var dates: ClosedRange<Milliseconds>
    }

    /// What a look has shown.
    struct Sight: Sendable, Hashable {
        /// The wall clock.
        var wall: Milliseconds
        /// By how much it has been set since the first look, all in all.
        var total: Milliseconds = 0
        /// The leap for which the clock is in doubt, in milliseconds; nil when it is not.
        var doubt: Milliseconds?
        /// The number of the last leap, unless another one has taken it back.
        var away: Int?
        /// The last excursion that has ended.
        var excursion: Excursion?

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
    /// The leap that another one may take back, and what the clock showed after it.
    private var open: (by: Milliseconds, wall: Milliseconds)?
    private var count = 0

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
        if let open, (open.by < 0) != (leap < 0),
            open.by.addingClamped(leap).magnitude <= open.by.magnitude / 10
        {
            // What was stamped just before the first look after the leap belongs to it.
            let first = min(open.wall, expected).subtractingClamped(1_000)
            sight.excursion = Excursion(
                number: count, correction: leap, dates: first...max(open.wall, expected))
            self.open = nil
            sight.away = nil
        } else {
            count += 1
            open = (leap, sight.wall)
            sight.away = count
        }
    }
}
