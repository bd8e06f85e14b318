/// The rules of a time zone that have no end: standard time all the year, or daylight saving time from one day of each year
/// to another. Written as POSIX has it for the variable `TZ`, with the wider times of TZif's version 3 (RFC 9636, 3.3.2):
/// `CET-1CEST,M3.5.0,M10.5.0/3`.
struct ZoneRecurrence: Sendable, Hashable {
    /// A day of each year.
    enum Day: Sendable, Hashable {
        /// `Jn`: 1…365; the 29th of February is never counted.
        case withoutLeapDay(Int64)
        /// `n`: 0…365; the 29th of February counts.
        case withLeapDay(Int64)
        /// `Mm.w.d`: the month, which of these weekdays in it (5: the last one), and the weekday (0: Sunday).
        case weekday(month: Int64, week: Int64, day: Int64)
    }

    /// When the clocks are changed, by what they show until then.
    struct Change: Sendable, Hashable {
        var day: Day
        /// Seconds after the midnight with which the day begins.
        var time: Int64
    }

    struct Daylight: Sendable, Hashable {
        /// Seconds ahead of UTC.
        var offset: Int64
        var start: Change
        var end: Change
    }

    /// Seconds ahead of UTC.
    var standardOffset: Int64
    var daylight: Daylight?

    /// All changes of these years, ascending.
    func transitions(in years: ClosedRange<Int64>) -> [ZoneRules.Transition] {
        guard let daylight else { return [] }
        var transitions: [ZoneRules.Transition] = []
        for year in years {
            let start = ZoneRules.Transition(
                time: daylight.start.localTime(in: year) - standardOffset, offset: daylight.offset)
            let end = ZoneRules.Transition(
                time: daylight.end.localTime(in: year) - daylight.offset, offset: standardOffset)
            transitions += start.time <= end.time ? [start, end] : [end, start]
        }
        // By the order of years where two fall together: daylight saving time all the year ends when the next one begins.
        let order = transitions.indices.sorted { (transitions[$0].time, $0) < (transitions[$1].time, $1) }
        var result: [ZoneRules.Transition] = []
        for index in order {
            if result.last?.time == transitions[index].time { result.removeLast() }
            result.append(transitions[index])
        }
        return result
    }
}

extension ZoneRecurrence.Change {
    /// Seconds since 1970 as if local time were UTC.
    fileprivate func localTime(in year: Int64) -> Int64 { day.number(in: year) * 86_400 + time }
}

extension ZoneRecurrence.Day {
    /// Days since 1970-01-01.
    fileprivate func number(in year: Int64) -> Int64 {
        switch self {
        case .withoutLeapDay(let day):
            let hasLeapDay = day >= 60 && SourceTime.dayCount(year, 2) == 29
            return SourceTime.dayNumber(year, 1, 1) + day - (hasLeapDay ? 0 : 1)
        case .withLeapDay(let day): return SourceTime.dayNumber(year, 1, 1) + day
        case .weekday(let month, let week, let weekday):
            let first = SourceTime.dayNumber(year, month, 1)
            // 1970-01-01 was a Thursday.
            let firstWeekday = ((first % 7) + 11) % 7
            let day = (weekday - firstWeekday + 7) % 7 + (week - 1) * 7
            return first + (day < SourceTime.dayCount(year, month) ? day : day - 7)
        }
    }
}
