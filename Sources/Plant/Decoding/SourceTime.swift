import JSON

/// Reads a payload's own time.
///
/// A number is seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by size: below 10¹¹ seconds
/// (the year 5138), below 10¹⁴ milliseconds (1973 to 5138), below 10¹⁷ microseconds, else nanoseconds. A fraction of a
/// second counts. Text is such a number or ISO 8601: `2026-11-21T06:52:23.125Z`, with `T`, `t` or a space, a fraction
/// after `.` or `,`, and `Z`, `+02:00`, `+0200` or `+02`; without a zone it is UTC. Finer than a millisecond is cut
/// off.
public enum SourceTime {
    /// A whole number as milliseconds; nil beyond all time.
    ///
    /// - Parameter unit: nil: by its size.
    public static func milliseconds(_ time: Int64, _ unit: TimeUnit? = nil) -> Milliseconds? {
        switch unit ?? TimeUnit(ofSize: time.magnitude) {
        case .seconds:
            let (product, overflows) = time.multipliedReportingOverflow(by: 1000)
            return overflows ? nil : product
        case .milliseconds: return time
        case .microseconds: return time / 1000
        case .nanoseconds: return time / 1_000_000
        }
    }

    /// A number as milliseconds; nil when it is not finite or beyond all time.
    ///
    /// - Parameter unit: nil: by its size.
    public static func milliseconds(_ time: Double, _ unit: TimeUnit? = nil) -> Milliseconds? {
        guard time.isFinite else { return nil }
        let scaled: Double =
            switch unit ?? TimeUnit(ofSize: UInt64(exactly: time.magnitude.rounded(.down)) ?? .max) {
            case .seconds: time * 1000
            case .milliseconds: time
            case .microseconds: time / 1000
            case .nanoseconds: time / 1_000_000
            }
        return Int64(exactly: cut(scaled))
    }

    /// Without what is finer than a millisecond. The product of a decimal fraction can end a hair below the whole millisecond
    /// that was meant.
    private static func cut(_ milliseconds: Double) -> Double {
        let nearest = milliseconds.rounded()
        return (milliseconds - nearest).magnitude < 1e-3 ? nearest : milliseconds.rounded(.down)
    }

    /// Text as milliseconds; nil when it is no time.
    ///
    /// - Parameter unit: of a text that is a number; nil: by its size.
    public static func milliseconds(_ text: borrowing Span<UInt8>, _ unit: TimeUnit? = nil) -> Milliseconds? {
        if text.count >= 8, text.count <= 40, let time = iso8601(text) { return time.time }
        var index = 0
        guard !text.isEmpty, text.count <= 40, text[0] == UInt8(ascii: "-") || text[0] &- UInt8(ascii: "0") < 10 else {
            return nil
        }
        var number = JSONNumber()
        guard number.scan(text, &index), index == text.count else { return nil }
        return number.isInteger
            ? milliseconds(Int64(bitPattern: number.bits), unit) : milliseconds(Double(bitPattern: number.bits), unit)
    }

    /// Whether text is a date and time without a zone; then ``milliseconds(_:_:)`` has taken it for UTC.
    static func isLocal(_ text: borrowing Span<UInt8>) -> Bool {
        text.count >= 8 && text.count <= 40 && iso8601(text)?.isLocal == true
    }

    private static func iso8601(_ text: borrowing Span<UInt8>) -> (time: Milliseconds, isLocal: Bool)? {
        var index = 0
        guard let year = digits(4, text, &index), skip("-", text, &index), let month = digits(2, text, &index),
            skip("-", text, &index), let day = digits(2, text, &index),
            (1...12).contains(month), day >= 1, day <= dayCount(year, month)
        else { return nil }
        var time = dayNumber(year, month, day) * 86_400_000
        if index == text.count { return (time, true) }
        guard skip("T", text, &index) || skip("t", text, &index) || skip(" ", text, &index),
            let hour = digits(2, text, &index), skip(":", text, &index), let minute = digits(2, text, &index),
            hour <= 23, minute <= 59
        else { return nil }
        time += (hour * 60 + minute) * 60_000
        if skip(":", text, &index) {
            // 60 is a leap second; it falls together with the second after it, as in Unix time.
            guard let second = digits(2, text, &index), second <= 60 else { return nil }
            time += second * 1000
            if skip(".", text, &index) || skip(",", text, &index) {
                guard let fraction = fraction(text, &index) else { return nil }
                time += fraction
            }
        }
        let isLocal = index == text.count
        guard let zone = zone(text, &index), index == text.count else { return nil }
        return (time - zone, isLocal)
    }

    private static func digits(_ count: Int, _ text: borrowing Span<UInt8>, _ index: inout Int) -> Int64? {
        guard text.count - index >= count else { return nil }
        var value: Int64 = 0
        for position in index..<index + count {
            let digit = text[position] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value * 10 + Int64(digit)
        }
        index += count
        return value
    }

    private static func skip(_ character: Unicode.Scalar, _ text: borrowing Span<UInt8>, _ index: inout Int) -> Bool {
        guard index < text.count, text[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    /// The digits after the point, as milliseconds.
    private static func fraction(_ text: borrowing Span<UInt8>, _ index: inout Int) -> Int64? {
        var value: Int64 = 0
        var count = 0
        while index < text.count, text[index] &- UInt8(ascii: "0") < 10 {
            if count < 3 { value = value * 10 + Int64(text[index] &- UInt8(ascii: "0")) }
            count += 1
            index += 1
        }
        guard count > 0 else { return nil }
        for _ in 0..<max(0, 3 - count) { value *= 10 }
        return value
    }

    /// The offset from UTC in milliseconds.
    private static func zone(_ text: borrowing Span<UInt8>, _ index: inout Int) -> Int64? {
        if index == text.count || skip("Z", text, &index) || skip("z", text, &index) { return 0 }
        let isWest = skip("-", text, &index)
        guard isWest || skip("+", text, &index), let hours = digits(2, text, &index), hours <= 23 else { return nil }
        var minutes: Int64 = 0
        if index < text.count {
            _ = skip(":", text, &index)
            guard let given = digits(2, text, &index), given <= 59 else { return nil }
            minutes = given
        }
        let offset = (hours * 60 + minutes) * 60_000
        return isWest ? -offset : offset
    }

    /// How many days a month has.
    package static func dayCount(_ year: Int64, _ month: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01 in the Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms").
    package static func dayNumber(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
