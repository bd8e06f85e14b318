package import Plant

/// Times as recordings write them: `2020-03-09 10:14:33`, `2020-03-09T10:14:33.250Z`, `2020-03-09T10:14:33+01:00`, or a
/// number of seconds or milliseconds since 1970. Without a zone it is UTC.
package enum RecordedTime {
    package static func parse(_ text: some Collection<UInt8>) -> Milliseconds? {
        var reader = Reader(bytes: Array(text))
        if let time = reader.dateAndTime() { return time }
        guard let number = Double(String(decoding: text, as: UTF8.self)), number.isFinite, number > 0 else {
            return nil
        }
        // Ten digits are seconds until the year 2286; thirteen are milliseconds.
        return Milliseconds(exactly: (number < 1e11 ? number * 1000 : number).rounded())
    }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        mutating func dateAndTime() -> Milliseconds? {
            guard let year = digits(4...4), take("-"), let month = digits(1...2), (1...12).contains(month), take("-"),
                let day = digits(1...2), (1...31).contains(day)
            else { return nil }
            var total = Self.days(year: year, month: month, day: day) * 86_400_000
            guard position < bytes.count else { return total }
            guard take("T") || take(" "), let hour = digits(1...2), hour < 24, take(":"), let minute = digits(2...2),
                minute < 60
            else { return nil }
            total += (hour * 60 + minute) * 60_000
            if take(":") {
                guard let second = digits(2...2), second <= 60 else { return nil }
                total += second * 1000
                if take(".") {
                    let begin = position
                    guard digits(1...18) != nil else { return nil }
                    var scale: Milliseconds = 100
                    for byte in bytes[begin..<position].prefix(3) {
                        total += Milliseconds(byte &- UInt8(ascii: "0")) * scale
                        scale /= 10
                    }
                }
            }
            if take("Z") || position == bytes.count { return position == bytes.count ? total : nil }
            let isAhead = take("+")
            guard isAhead || take("-"), let hours = digits(2...2) else { return nil }
            _ = take(":")
            let minutes = digits(2...2) ?? 0
            let offset = (hours * 60 + minutes) * 60_000
            return position == bytes.count ? (isAhead ? total - offset : total + offset) : nil
        }

        private mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
            position += 1
            return true
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

        /// Days since 1970 in the Gregorian calendar.
        private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
            let year = month <= 2 ? year - 1 : year
            let era = (year >= 0 ? year : year - 399) / 400
            let yearOfEra = year - era * 400
            let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
            return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        }
    }
}
