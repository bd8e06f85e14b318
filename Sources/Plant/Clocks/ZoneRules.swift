/// What the clocks of a time zone show and showed: turns local times, as devices without a zone send them, into moments.
///
/// A table of the moments at which the clocks are changed, searched by halves. Rules without an end (a TZif file's footer)
/// are laid out in it for 400 years, after which the calendar with its weekdays begins again; later times are looked up that
/// many years before.
public struct ZoneRules: Sendable, Hashable {
    /// Which moments a local time may be.
    public enum LocalMoment: Sendable, Hashable {
        /// The clocks show it once.
        case one(Milliseconds)
        /// The clocks are put back and show it twice. Should they show it more often, these are the first and the last moment.
        case two(earlier: Milliseconds, later: Milliseconds)
        /// The clocks are put forward and never show it. This is the moment at which a clock shows it that was not put
        /// forward.
        case skipped(Milliseconds)
    }

    /// A moment, in seconds since 1970, and how far ahead of UTC the clocks are from then on, in seconds.
    struct Transition: Sendable {
        var time: Int64
        var offset: Int64
    }

    /// The Gregorian calendar repeats itself with its weekdays: 20,871 weeks.
    private static let cycleSeconds: Int64 = 146_097 * 86_400
    private static let cycleYears: Int64 = 400

    /// In seconds, ascending; two arrays, so that the search stays within few cache lines.
    private let times: ContiguousArray<Int64>
    /// From the time of the same index on.
    private let offsets: ContiguousArray<Int64>
    private let firstOffset: Int64
    private let leastOffset: Int64
    private let greatestOffset: Int64
    /// Times from here on are looked up whole cycles earlier; nil: after the last transition the clocks stay as they are.
    private let cycleEnd: Int64?

    /// Clocks that show UTC.
    public static let utc = ZoneRules(firstOffset: 0, transitions: [], recurrence: nil)

    /// - Parameter firstOffset: before the first transition.
    /// - Parameter transitions: ascending by time, none further from 1970 than ``timeLimit``.
    /// - Parameter recurrence: what holds from the last transition on; without any, what has held since 1600.
    init(firstOffset: Int64, transitions: [Transition], recurrence: ZoneRecurrence?) {
        var times = ContiguousArray(transitions.map(\.time))
        var offsets = ContiguousArray(transitions.map(\.offset))
        if let recurrence, recurrence.daylight != nil {
            let last = times.last ?? Self.firstRecurrence
            // The year of the last transition, or up to two years before it.
            let year = 1969 + Self.floor(Self.floor(last, 86_400) * Self.cycleYears, Self.cycleSeconds / 86_400)
            for transition in recurrence.transitions(in: year...(year + Self.cycleYears + 5))
            where transition.time > last {
                times.append(transition.time)
                offsets.append(transition.offset)
            }
            cycleEnd = SourceTime.dayNumber(year + Self.cycleYears + 4, 1, 1) * 86_400
        } else {
            cycleEnd = nil
        }
        self.times = times
        self.offsets = offsets
        self.firstOffset = firstOffset
        leastOffset = min(firstOffset, offsets.min() ?? firstOffset)
        greatestOffset = max(firstOffset, offsets.max() ?? firstOffset)
    }

    /// 1600-01-01.
    private static let firstRecurrence: Int64 = -135_140 * 86_400

    /// Transitions lie no further from 1970, in seconds: sums with offsets and years cannot overflow.
    static let timeLimit: Int64 = 1 << 59

    /// Which moments a local date and time may be.
    ///
    /// - Parameter local: the date and time as if it were UTC.
    public func moments(ofLocal local: Milliseconds) -> LocalMoment {
        let second = tableSecond(Self.floor(local, 1000))
        // The first segment that can hold a moment with this local time. Those before it have ended by then.
        var index = segment(at: second - greatestOffset)
        var offset = offset(ofSegment: index)
        var first: Int64?
        var last: Int64?
        // Of the segment at whose end the clocks are put forward over the time.
        var gap: Int64?
        var isPast = false
        while true {
            let start = index == 0 ? Int64.min : times[index - 1]
            let end = index < times.count ? times[index] : Int64.max
            let moment = second - offset
            if isPast, moment < start, gap == nil, index > 0 { gap = self.offset(ofSegment: index - 1) }
            if moment >= start, moment < end {
                if first == nil { first = offset }
                last = offset
            }
            isPast = moment >= end
            // Later segments begin when the clocks of all of them show a later time.
            if end > second - leastOffset { break }
            index += 1
            offset = self.offset(ofSegment: index)
        }
        guard let first, let last else { return .skipped(Self.moment(local, gap ?? offset)) }
        return first == last
            ? .one(Self.moment(local, first))
            : .two(earlier: Self.moment(local, first), later: Self.moment(local, last))
    }

    /// How far ahead of UTC the clocks are at a moment.
    public func offset(at moment: Milliseconds) -> Milliseconds {
        offset(ofSegment: segment(at: tableSecond(Self.floor(moment, 1000)))) * 1000
    }

    private static func moment(_ local: Milliseconds, _ offset: Int64) -> Milliseconds {
        local.subtractingClamped(offset * 1000)
    }

    /// Where the table holds what is true of that second.
    private func tableSecond(_ second: Int64) -> Int64 {
        guard let cycleEnd, second >= cycleEnd else { return second }
        return cycleEnd - Self.cycleSeconds + (second - cycleEnd) % Self.cycleSeconds
    }

    /// How many transitions have happened by then.
    private func segment(at second: Int64) -> Int {
        var low = 0
        var high = times.count
        while low < high {
            let middle = (low + high) / 2
            if times[middle] <= second { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func offset(ofSegment index: Int) -> Int64 { index == 0 ? firstOffset : offsets[index - 1] }

    /// The quotient, rounded down.
    private static func floor(_ dividend: Int64, _ divisor: Int64) -> Int64 {
        let (quotient, remainder) = dividend.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
