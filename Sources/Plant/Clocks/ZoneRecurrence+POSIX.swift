extension ZoneRecurrence {
    /// Reads `std offset [dst [offset] , start [/time] , end [/time]]`; nil when it is nothing else. Rules for daylight saving
    /// time must be given: POSIX leaves open what holds without.
    init?(posix text: borrowing Span<UInt8>) {
        var index = 0
        guard Self.skipName(text, &index), let west = Self.offset(text, &index) else { return nil }
        standardOffset = -west
        daylight = nil
        if index == text.count { return }
        guard Self.skipName(text, &index) else { return nil }
        var daylightOffset = standardOffset + 3600
        if index < text.count, text[index] != UInt8(ascii: ",") {
            guard let west = Self.offset(text, &index) else { return nil }
            daylightOffset = -west
        }
        guard Self.skip(",", text, &index), let start = Self.change(text, &index), Self.skip(",", text, &index),
            let end = Self.change(text, &index), index == text.count
        else { return nil }
        daylight = Daylight(offset: daylightOffset, start: start, end: end)
    }

    private static func skip(_ character: Unicode.Scalar, _ text: borrowing Span<UInt8>, _ index: inout Int) -> Bool {
        guard index < text.count, text[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    /// `CET`, `<+0330>`: three characters or more.
    private static func skipName(_ text: borrowing Span<UInt8>, _ index: inout Int) -> Bool {
        let isQuoted = skip("<", text, &index)
        let start = index
        while index < text.count, isNameByte(text[index], isQuoted: isQuoted) { index += 1 }
        return index - start >= 3 && (!isQuoted || skip(">", text, &index))
    }

    private static func isNameByte(_ byte: UInt8, isQuoted: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"): isQuoted
        default: false
        }
    }

    /// Seconds that are added to local time to have UTC.
    private static func offset(_ text: borrowing Span<UInt8>, _ index: inout Int) -> Int64? {
        time(text, &index, maximumHours: 24)
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    private static func time(_ text: borrowing Span<UInt8>, _ index: inout Int, maximumHours: Int64) -> Int64? {
        let isNegative = skip("-", text, &index)
        if !isNegative { _ = skip("+", text, &index) }
        guard let hours = number(text, &index, 0...maximumHours) else { return nil }
        var seconds = hours * 3600
        if skip(":", text, &index) {
            guard let minutes = number(text, &index, 0...59) else { return nil }
            seconds += minutes * 60
            if skip(":", text, &index) {
                guard let more = number(text, &index, 0...59) else { return nil }
                seconds += more
            }
        }
        return isNegative ? -seconds : seconds
    }

    private static func change(_ text: borrowing Span<UInt8>, _ index: inout Int) -> Change? {
        guard let day = day(text, &index) else { return nil }
        guard skip("/", text, &index) else { return Change(day: day, time: 2 * 3600) }
        return time(text, &index, maximumHours: 167).map { Change(day: day, time: $0) }
    }

    private static func day(_ text: borrowing Span<UInt8>, _ index: inout Int) -> Day? {
        if skip("J", text, &index) { return number(text, &index, 1...365).map { .withoutLeapDay($0) } }
        guard skip("M", text, &index) else { return number(text, &index, 0...365).map { .withLeapDay($0) } }
        guard let month = number(text, &index, 1...12), skip(".", text, &index),
            let week = number(text, &index, 1...5), skip(".", text, &index), let day = number(text, &index, 0...6)
        else { return nil }
        return .weekday(month: month, week: week, day: day)
    }

    /// One to three digits.
    private static func number(
        _ text: borrowing Span<UInt8>, _ index: inout Int, _ range: ClosedRange<Int64>
    ) -> Int64? {
        let start = index
        var value: Int64 = 0
        while index < text.count, index - start < 3, text[index] &- UInt8(ascii: "0") < 10 {
            value = value * 10 + Int64(text[index] &- UInt8(ascii: "0"))
            index += 1
        }
        return index > start && range.contains(value) ? value : nil
    }
}
