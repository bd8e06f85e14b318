import Primitives
import TestFixtures
import Testing

@testable import Plant

@Suite("A payload's own time: seeded random input")
struct SourceTimeFuzzTests {
    private static let seeds =
        [
            "1970-01-01T00:00:00Z", "2026-11-21T06:52:23.125Z", "2026-11-21t08:52:23,1259+02:00", "2026-03-29 02:30:00",
            "2026-10-25T02:30:00.5", "2024-02-29", "2016-12-31T23:59:60Z", "0000-03-01T00:00-0530",
            "9999-12-31T23:59:59.999+02",
            "1583748873", "1583748873.5", "99999999999", "100000000000", "99999999999999", "100000000000000",
            "99999999999999999", "100000000000000000", "-9223372036854775808", "1.7e15", "-0.5", "now",
        ].map { Array($0.utf8) }

    private static let tokens =
        [
            "0000", "1900", "2000", "2024", "9999", "00", "01", "02", "12", "13", "23", "24", "28", "29", "30", "31",
            "32", "59",
            "60", "61", "-", ":", "T", "t", " ", ".", ",", "Z", "z", "+", "+02:00", "-1200", "+24", "e", "1e308", "0.1",
            "9223372036854775807", "9223372036854775808", "999999999999999999999", "\0", "é",
        ].map { Array($0.utf8) } + [[0xFF]]

    /// A date and time of which each field is mostly one that there is: few mutants are.
    private func composed(_ random: inout SeededRandom) -> [UInt8] {
        func digits(_ range: ClosedRange<Int>, _ count: Int = 2) -> String {
            let text = String(Int.random(in: range, using: &random))
            return String(repeating: "0", count: count - text.count) + text
        }
        func one(of texts: [String]) -> String { texts.randomElement(using: &random) ?? "" }
        var text = "\(digits(0...9999, 4))-\(digits(0...13))-\(digits(0...32))"
        if random.chance(80) { text += one(of: ["T", "t", " ", "_"]) + "\(digits(0...24)):\(digits(0...60))" }
        if random.chance(70) { text += ":" + digits(0...61) }
        if random.chance(40) {
            text += one(of: [".", ","]) + String(digits(0...99_999, 5).prefix(.random(in: 0...5, using: &random)))
        }
        if random.chance(60) { text += one(of: ["Z", "z", "+02:00", "-0530", "+\(digits(0...24))", "-12:60", "UTC"]) }
        return Array(text.utf8)
    }

    /// A date and time as its fields, read from the positions of its characters.
    private struct Fields {
        var milliseconds: Int64
        /// From UTC; nil: none is said.
        var offset: Int64?

        private static let monthStarts = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365]

        init?(_ text: [UInt8]) {
            // Every digit as `d`, so that forms can be compared; a `d` as nothing that a form has.
            let shape = text.map { (0x30...0x39).contains($0) ? UInt8(ascii: "d") : $0 == UInt8(ascii: "d") ? 0 : $0 }
            func number(_ range: Range<Int>) -> Int { text[range].reduce(0) { $0 * 10 + Int($1) - 0x30 } }
            func has(_ form: String, at start: Int) -> Bool { shape.dropFirst(start).starts(with: form.utf8) }
            guard has("dddd-dd-dd", at: 0) else { return nil }
            let (year, month, day) = (number(0..<4), number(5..<7), number(8..<10))
            let isLeap = year % 4 == 0 && year % 100 != 0 || year % 400 == 0
            guard (1...12).contains(month) else { return nil }
            let length = Self.monthStarts[month] - Self.monthStarts[month - 1] + (isLeap && month == 2 ? 1 : 0)
            guard (1...length).contains(day) else { return nil }
            // Days since 0000-01-01, of which 1970-01-01 is the 719,528th.
            let before = year * 365 + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400
            let days = before + Self.monthStarts[month - 1] + (isLeap && month > 2 ? 1 : 0) + day - 1 - 719_528
            milliseconds = Int64(days) * 86_400_000
            guard text.count > 10 else { return }
            guard "Tt ".utf8.contains(text[10]), has("dd:dd", at: 11) else { return nil }
            let (hour, minute) = (number(11..<13), number(14..<16))
            guard hour < 24, minute < 60 else { return nil }
            milliseconds += Int64(hour * 60 + minute) * 60_000
            var end = 16
            if has(":", at: 16) {
                guard has(":dd", at: 16), number(17..<19) <= 60 else { return nil }
                milliseconds += Int64(number(17..<19)) * 1000
                end = 19
                if has(".", at: 19) || has(",", at: 19) {
                    let digits = shape.dropFirst(20).prefix { $0 == UInt8(ascii: "d") }.count
                    guard digits > 0 else { return nil }
                    for (place, weight) in [(20, 100), (21, 10), (22, 1)] where place < 20 + digits {
                        milliseconds += Int64(weight * number(place..<place + 1))
                    }
                    end = 20 + digits
                }
            }
            switch String(decoding: shape.dropFirst(end), as: UTF8.self) {
            case "": return
            case "Z", "z": offset = 0
            case "+dd", "-dd", "+dddd", "-dddd", "+dd:dd", "-dd:dd":
                let hours = number(end + 1..<end + 3)
                let minutes = text.count > end + 3 ? number(text.count - 2..<text.count) : 0
                guard hours < 24, minutes < 60 else { return nil }
                offset = Int64(hours * 60 + minutes) * (text[end] == UInt8(ascii: "-") ? -60_000 : 60_000)
            default: return nil
            }
        }
    }

    /// How many milliseconds the unit of an epoch has, as a quotient: by declaration, else by magnitude.
    private func scale(_ magnitude: UInt64, _ unit: TimeUnit?) -> Double {
        switch unit {
        case .seconds: 1e3
        case .milliseconds: 1
        case .microseconds: 1e-3
        case .nanoseconds: 1e-6
        case nil:
            // By the count of digits.
            switch String(magnitude).count {
            case ...11: 1e3
            case ...14: 1
            case ...17: 1e-3
            default: 1e-6
            }
        }
    }

    /// A number as JSON writes it.
    private func isNumber(_ text: [UInt8]) -> Bool {
        var rest = text.drop { $0 == UInt8(ascii: "-") }
        guard text.count - rest.count <= 1 else { return false }
        func digits() -> Int {
            let count = rest.prefix { (0x30...0x39).contains($0) }.count
            rest = rest.dropFirst(count)
            return count
        }
        let isZero = rest.first == UInt8(ascii: "0")
        let whole = digits()
        guard whole > 0, !isZero || whole == 1 else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard digits() > 0 else { return false }
        }
        if let first = rest.first, "eE".utf8.contains(first) {
            rest = rest.dropFirst()
            if let sign = rest.first, "+-".utf8.contains(sign) { rest = rest.dropFirst() }
            guard digits() > 0 else { return false }
        }
        return rest.isEmpty
    }

    /// Whether a number in a text may be that time.
    private func agrees(_ time: Milliseconds?, _ text: [UInt8], _ unit: TimeUnit?) -> Bool {
        let digits = String(decoding: text, as: UTF8.self)
        guard isNumber(text), let number = Double(digits) else { return time == nil }
        let whole = Int64(digits)?.magnitude ?? UInt64(exactly: number.magnitude.rounded(.down)) ?? .max
        let exact = number * scale(whole, unit)
        guard let time else { return !(exact.magnitude < 9.2e18) }
        // A millisecond that is cut off, and what doubles of that size leave open.
        return (Double(time) - exact).magnitude <= 1 + exact.magnitude / 1e15
    }

    @Test("What is taken for a date and time is what its fields say, and a number what its size or unit says")
    func text() {
        let mutator = Mutator(seeds: Self.seeds, tokens: Self.tokens)
        var random = SeededRandom(seed: 71)
        var (dates, numbers, refused) = (0, 0, 0)
        var run = LongRun(usual: 100_000)
        for round in 0..<run.inputs {
            run.willPlay(round)
            let bytes = random.chance(33) ? composed(&random) : mutator.mutant(&random)
            let unit = Bool.random(using: &random) ? TimeUnit.allCases.randomElement(using: &random) : nil
            let time = SourceTime.milliseconds(bytes.span, unit)
            let fields = bytes.count <= 40 ? Fields(bytes) : nil
            let isLocal = SourceTime.isLocal(bytes.span)
            let isRight =
                if let fields {
                    time == fields.milliseconds - (fields.offset ?? 0) && isLocal == (fields.offset == nil)
                } else {
                    !isLocal && (bytes.count > 40 ? time == nil : agrees(time, bytes, unit))
                }
            guard isRight else {
                Issue.record(
                    """
                    round \(round): \(String(decoding: bytes, as: UTF8.self).debugDescription) in \(String(describing: unit)) is \
                    \(String(describing: time)), local: \(isLocal); its fields say \(String(describing: fields))
                    """)
                return
            }
            if fields != nil { dates += 1 } else if time != nil { numbers += 1 } else { refused += 1 }
        }
        // A fuzz that is always or never refused tests nothing.
        #expect(
            min(dates, numbers, refused) > run.inputs / 20, "\(dates) dates, \(numbers) numbers, \(refused) refused")
        #expect(!run.hasGrown)
    }

    @Test("A local time is a moment at which the clocks of its zone showed it, else one that they skipped")
    func local() {
        // As in Central Europe in 2026.
        let (spring, autumn): (Milliseconds, Milliseconds) = (1_774_746_000_000, 1_792_890_000_000)
        let zone = LocalZone(
            name: "Test/Zone",
            rules: ZoneRules(
                firstOffset: 3_600,
                transitions: [
                    .init(time: spring / 1000, offset: 7_200), .init(time: autumn / 1000, offset: 3_600),
                ], recurrence: nil))
        let hour: Milliseconds = 3_600_000
        func offset(at moment: Milliseconds) -> Milliseconds { moment >= spring && moment < autumn ? 2 * hour : hour }
        let mutator = Mutator(
            seeds: [
                "2026-03-29T02:30:00", "2026-03-29T01:59:59.9", "2026-10-25 02:30:00", "2026-10-25T03:00", "2026-07-01",
            ].map {
                Array($0.utf8)
            }, tokens: ["01", "02", "03", "25", "29", "10", "59", "30", ".5", "00"].map { Array($0.utf8) })
        var random = SeededRandom(seed: 72)
        var (once, twice, never) = (0, 0, 0)
        var run = LongRun(usual: 100_000)
        for round in 0..<run.inputs {
            run.willPlay(round)
            let bytes = mutator.mutant(&random)
            guard SourceTime.isLocal(bytes.span), let local = SourceTime.milliseconds(bytes.span) else { continue }
            let latest = local + .random(in: -3 * hour...3 * hour, using: &random)
            let moment = zone.moment(ofLocal: local, latest: latest)
            let shown = [local - 2 * hour, local - hour].filter { $0 + offset(at: $0) == local }
            let expected: Milliseconds? =
                switch shown.count {
                // As a clock shows it that was not put forward.
                case 0: local - hour
                case 1: shown.first
                default: (shown.last ?? 0) > latest ? shown.first : shown.last
                }
            guard moment == expected else {
                Issue.record("round \(round): \(local) is \(moment), expected \(String(describing: expected))")
                return
            }
            if shown.count == 1 { once += 1 } else if shown.isEmpty { never += 1 } else { twice += 1 }
        }
        #expect(min(once, twice, never) > run.inputs / 400, "\(once) once, \(twice) twice, \(never) never")
        #expect(!run.hasGrown)
    }
}
