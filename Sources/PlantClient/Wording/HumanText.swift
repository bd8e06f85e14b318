package import JSON
package import Plant
import Primitives

/// How times and numbers are shown to people.
package enum HumanText {
    /// `now`, `3s ago`, `4m 10s ago`, `2h 5m ago`, `3d 4h ago`; `in 4s` for what lies ahead.
    package static func age(of time: Milliseconds, now: Milliseconds) -> String {
        let (age, overflow) = now.subtractingReportingOverflow(time)
        guard !overflow else { return "?" }
        if age < -999 { return "in " + span(Milliseconds(clamping: age.magnitude)) }
        return age < 1000 ? "now" : span(age) + " ago"
    }

    /// `350ms`, `4s`, `4m 10s`, `2h 5m`, `3d 4h`.
    package static func span(_ milliseconds: Milliseconds) -> String {
        let seconds = milliseconds / 1000
        switch seconds {
        case ..<1: return "\(milliseconds)ms"
        case ..<60: return "\(seconds)s"
        case ..<3600: return two(seconds / 60, "m", seconds % 60, "s")
        case ..<86_400: return two(seconds / 3600, "h", seconds % 3600 / 60, "m")
        default: return two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h")
        }
    }

    /// The same for a duration.
    package static func span(_ duration: Duration) -> String { span(duration.wholeMilliseconds) }

    private static func two(_ big: Int64, _ bigUnit: String, _ small: Int64, _ smallUnit: String) -> String {
        small == 0 ? "\(big)\(bigUnit)" : "\(big)\(bigUnit) \(small)\(smallUnit)"
    }

    /// At most six significant digits; whole numbers whole. A number from outside may be of any size.
    package static func number(_ number: Double) -> String {
        guard abs(number) < 1e15 else { return "\(number)" }
        if number == number.rounded() { return "\(Int64(number))" }
        var digits = 6
        var magnitude = abs(number)
        while magnitude >= 10, digits > 1 {
            magnitude /= 10
            digits -= 1
        }
        var scale = 1.0
        for _ in 1..<max(2, digits) { scale *= 10 }
        if abs(number) < 0.001 { return "\(number)" }
        let rounded = (number * scale).rounded() / scale
        return rounded == rounded.rounded() ? "\(Int64(rounded))" : "\(rounded)"
    }

    /// A value without quotes.
    package static func value(_ value: JSONValue) -> String {
        switch value {
        case .number(let number): Self.number(number)
        case .string(let text): text
        case .null, .bool, .integer, .array, .object: "\(value)"
        }
    }

    /// `rpm=1200 mode=slow`
    package static func pairs(_ members: some Sequence<(key: String, value: JSONValue)>) -> String {
        members.map { "\($0.key)=\(value($0.value))" }.joined(separator: " ")
    }

    /// `1 tag`, `12,345 tags`.
    ///
    /// - Parameter nouns: More than one of it; nil: the noun with an s.
    package static func count(_ number: Int, _ noun: String, _ nouns: String? = nil) -> String {
        "\(count(Int64(number))) \(number == 1 ? noun : nouns ?? noun + "s")"
    }

    /// `12,345`
    package static func count(_ number: Int64) -> String {
        var digits = String(number.magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        groups.insert(digits, at: 0)
        return (number < 0 ? "-" : "") + groups.joined(separator: ",")
    }
}
