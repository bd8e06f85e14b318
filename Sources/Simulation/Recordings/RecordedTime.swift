package import Plant

/// A time as recordings write it: `2020-03-09 10:14:33`, `2020-03-09T10:14:33.250Z`, `2020/03/09 10:14`,
/// `09.03.2020 10:14:33`, `3/9/2020 10:14 AM`, or a number of seconds or milliseconds since 1970. Without a zone it is UTC.
///
/// A date with the year last may begin with the day or with the month. With points it begins with the day. With slashes or
/// dashes the file has to show which, by a number greater than twelve.
package struct RecordedTime: Sendable {
    /// What a date with the year last begins with.
    package enum DateOrder: String, Sendable, CaseIterable {
        case dayFirst = "day-first"
        case monthFirst = "month-first"
    }

    private let byDay: Milliseconds?
    private let byMonth: Milliseconds?

    /// nil when it is no time.
    package init?(_ text: some Collection<UInt8>) {
        var reader = Reader(bytes: Array(text))
        if let date = reader.date(), let time = reader.timeOfDay() {
            byDay = date.byDay.map { $0 * 86_400_000 + time }
            byMonth = date.byMonth.map { $0 * 86_400_000 + time }
            return
        }
        guard let number = Double(String(decoding: text, as: UTF8.self)), number.isFinite, number > 0,
            // Ten digits are seconds until the year 2286; thirteen are milliseconds.
            let time = Milliseconds(exactly: (number < 1e11 ? number * 1000 : number).rounded())
        else { return nil }
        byDay = time
        byMonth = time
    }

    /// The order that it shows beyond doubt.
    package var evidence: DateOrder? {
        switch (byDay, byMonth) {
        case (nil, _?): .monthFirst
        case (_?, nil): .dayFirst
        case (nil, nil), (_?, _?): nil
        }
    }

    /// Whether the order makes a difference.
    package var isAmbiguous: Bool { evidence == nil && byDay != byMonth }

    /// The time; nil when there is none in that order.
    package func milliseconds(_ order: DateOrder) -> Milliseconds? { order == .dayFirst ? byDay : byMonth }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        /// Days since 1970, with the day first and with the month first.
        mutating func date() -> (byDay: Int64?, byMonth: Int64?)? {
            guard let first = digits(1...4), let separator = take(["-", "/", "."]) else { return nil }
            let isYearFirst = position == 5
            guard let second = digits(1...2), take([separator]) != nil, let third = digits(isYearFirst ? 1...2 : 4...4)
            else { return nil }
            if isYearFirst { return Self.day(first, second, third).map { ($0, $0) } }
            guard first < 100 else { return nil }
            let byDay = Self.day(third, second, first)
            let byMonth = separator == "." ? byDay : Self.day(third, first, second)
            return byDay == nil && byMonth == nil ? nil : (byDay, byMonth)
        }

        /// Milliseconds since midnight, of a zone to UTC; 0 when only the date is there.
        mutating func timeOfDay() -> Milliseconds? {
            guard position < bytes.count else { return 0 }
            if take([","]) != nil {
                guard take([" "]) != nil else { return nil }
            } else if take(["T", " "]) == nil {
                return nil
            }
            guard var hour = digits(1...2), hour < 24, take([":"]) != nil, let minute = digits(2...2), minute < 60
            else { return nil }
            var total = minute * 60_000
            if take([":"]) != nil {
                guard let second = digits(2...2), second <= 60, let fraction = fraction() else { return nil }
                total += second * 1000 + fraction
            }
            if let isAfternoon = half() {
                guard (1...12).contains(hour) else { return nil }
                hour = hour % 12 + (isAfternoon ? 12 : 0)
            }
            total += hour * 3_600_000
            if position == bytes.count { return total }
            guard let sign = take(["Z", "+", "-"]) else { return nil }
            if sign == "Z" { return position == bytes.count ? total : nil }
            guard let hours = digits(2...2) else { return nil }
            _ = take([":"])
            let offset = (hours * 60 + (digits(2...2) ?? 0)) * 60_000
            return position == bytes.count ? (sign == "+" ? total - offset : total + offset) : nil
        }

        private mutating func fraction() -> Milliseconds? {
            guard take([".", ","]) != nil else { return 0 }
            let begin = position
            guard digits(1...18) != nil else { return nil }
            var scale: Milliseconds = 100
            var total: Milliseconds = 0
            for byte in bytes[begin..<position].prefix(3) {
                total += Milliseconds(byte &- UInt8(ascii: "0")) * scale
                scale /= 10
            }
            return total
        }

        /// Whether the hour is of the afternoon; nil when it is not said.
        private mutating func half() -> Bool? {
            var rest = bytes[position...]
            if rest.first == UInt8(ascii: " ") { rest = rest.dropFirst() }
            let word = rest.map { $0 | 0x20 }
            guard word == Array("am".utf8) || word == Array("pm".utf8) else { return nil }
            position = bytes.count
            return word.first == UInt8(ascii: "p")
        }

        private mutating func take(_ characters: [Unicode.Scalar]) -> Unicode.Scalar? {
            guard position < bytes.count else { return nil }
            let found = characters.first { bytes[position] == UInt8(ascii: $0) }
            if found != nil { position += 1 }
            return found
        }

        private mutating func digits(_ count: ClosedRange<Int>) -> Milliseconds? {
            var value: Milliseconds = 0
            var taken = 0
            while position < bytes.count, taken < count.upperBound, bytes[position] &- UInt8(ascii: "0") < 10 {
                value = value &* 10 &+ Milliseconds(bytes[position] &- UInt8(ascii: "0"))
                position += 1
                taken += 1
            }
            return count.contains(taken) ? value : nil
        }

        private static func day(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64? {
            guard (1...12).contains(month), day >= 1, day <= SourceTime.dayCount(year, month) else { return nil }
            return SourceTime.dayNumber(year, month, day)
        }
    }
}
