/// A point of time on the continuous clock, which goes on counting while the machine sleeps.
///
/// The layout of `ContinuousClock.Instant` is known at run time only, so whatever contains one is copied and compared by
/// way of tables, several times a request.
struct Moment: Hashable, Comparable, Sendable {
    private static let origin = ContinuousClock.now

    /// Since some moment of this process.
    private var offset: Duration

    private init(offset: Duration) {
        self.offset = offset
    }

    init(_ instant: ContinuousClock.Instant) {
        offset = Self.origin.duration(to: instant)
    }

    static var now: Moment { Moment(.now) }

    var instant: ContinuousClock.Instant { Self.origin.advanced(by: offset) }

    static func < (a: Moment, b: Moment) -> Bool { a.offset < b.offset }
    static func + (moment: Moment, duration: Duration) -> Moment { Moment(offset: moment.offset + duration) }
    static func - (moment: Moment, duration: Duration) -> Moment { Moment(offset: moment.offset - duration) }
    static func - (a: Moment, b: Moment) -> Duration { a.offset - b.offset }
    static func += (moment: inout Moment, duration: Duration) { moment.offset += duration }
}
