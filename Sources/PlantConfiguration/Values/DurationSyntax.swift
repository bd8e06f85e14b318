import Plant
import Primitives

/// Durations as people write them: `250ms`, `4s`, `1.5s`, `5m`, `1h30m`, `7d`.
package enum DurationSyntax {
    private static let units: [(name: String, milliseconds: Double)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// nil for anything else, a bare number included: a number without a unit is where wrong timeouts come from.
    package static func parse(_ text: String) -> Duration? {
        var rest = Array(text.utf8)[...]
        var total = 0.0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".") }
            rest = rest.dropFirst(digits.count)
            let letters = rest.prefix { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
            rest = rest.dropFirst(letters.count)
            let unitName = String(decoding: letters, as: UTF8.self)
            guard let number = Double(String(decoding: digits, as: UTF8.self)),
                let unit = units.first(where: { $0.name == unitName })
            else { return nil }
            total += number * unit.milliseconds
        }
        guard total.isFinite, total < 1e14 else { return nil }
        return .microseconds(Int64((total * 1000).rounded()))
    }

    /// The shortest exact way to write a duration: `250ms`, `4s`, `1h30m`.
    package static func text(_ duration: Duration) -> String {
        var milliseconds = duration.wholeMilliseconds
        guard milliseconds > 0 else { return "0s" }
        var text = ""
        for unit in units.reversed() {
            let size = Int64(unit.milliseconds)
            let count = milliseconds / size
            if count > 0 { text += "\(count)\(unit.name)" }
            milliseconds %= size
        }
        return text
    }
}

/// Sizes in bytes: `512`, `64KiB`, `1MiB`, `2GiB`, `10MB`.
package enum SizeSyntax {
    private static let units: [(name: String, bytes: Int)] = [
        ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000),
        ("KB", 1000), ("B", 1),
    ]

    package static func parse(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unitName = String(text.dropFirst(digits.count)).filter { $0 != " " }
        guard let number = Int(digits) else { return nil }
        if unitName.isEmpty { return number }
        guard let unit = units.first(where: { $0.name == unitName }) else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit.bytes)
        return overflow ? nil : bytes
    }

    package static func text(_ bytes: Int) -> String {
        for unit in units.prefix(3) where bytes >= unit.bytes && bytes % unit.bytes == 0 {
            return "\(bytes / unit.bytes)\(unit.name)"
        }
        return "\(bytes)B"
    }
}
