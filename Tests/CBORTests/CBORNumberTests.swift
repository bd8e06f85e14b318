import CBOR
import JSON
import Primitives
import Testing

@Suite("CBOR: numbers")
struct CBORNumberTests {
    /// RFC 8949, appendix D, as its C code has it, in doubles.
    private func appendixD(_ half: UInt16) -> Double {
        let exponent = Int(half >> 10) & 0x1F
        let mantissa = Double(half & 0x3FF)
        func ldexp(_ value: Double, _ exponent: Int) -> Double {
            var value = value
            for _ in 0..<abs(exponent) { value = exponent > 0 ? value * 2 : value / 2 }
            return value
        }
        let value: Double =
            exponent == 0
            ? ldexp(mantissa, -24)
            : exponent != 31 ? ldexp(mantissa + 1024, exponent - 25) : mantissa == 0 ? .infinity : .nan
        return half & 0x8000 != 0 ? -value : value
    }

    @Test("all 65,536 halves")
    func halves() {
        for half in UInt16.min ... .max {
            let expected = appendixD(half)
            let result = decode([0xF9, UInt8(half >> 8), UInt8(half & 0xFF)])
            if expected.isFinite {
                guard case .number(let number)? = result.value, number.bitPattern == expected.bitPattern else {
                    Issue.record("\(half): \(result), not \(expected)")
                    return
                }
            } else if result.reason != .notFinite {
                Issue.record("\(half): \(result)")
                return
            }
        }
    }

    @Test(
        "integers at the edges are what JSON makes of them",
        arguments: [
            ("1b7fffffffffffffff", "9223372036854775807"), ("3b7fffffffffffffff", "-9223372036854775808"),
            ("1b8000000000000000", "9223372036854775808"), ("3b8000000000000000", "-9223372036854775809"),
            ("1bfffffffffffffc00", "18446744073709550592"), ("1bfffffffffffffbff", "18446744073709550591"),
            ("3b8000000000000401", "-9223372036854776834"), ("3b80000000000003ff", "-9223372036854776832"),
            ("3b8000000000000bff", "-9223372036854778880"), ("3bffffffffffffffff", "-18446744073709551616"),
            ("c2420100", "256"), ("c3420100", "-257"), ("c240", "0"), ("c340", "-1"), ("c24a00000000000000000001", "1"),
            ("c2487fffffffffffffff", "9223372036854775807"), ("c3487fffffffffffffff", "-9223372036854775808"),
            ("c2488000000000000000", "9223372036854775808"), ("c348ffffffffffffffff", "-18446744073709551616"),
            ("c25f41ff41ffff", "65535"), ("c35f41ff40ff", "-256"),
            ("c249ffffffffffffffffff", "4722366482869645213695"), ("c349ffffffffffffffffff", "-4722366482869645213696"),
            ("c2 4a 80000000000004000000", "604462909807314654461952"),
            ("c2 4a 80000000000004000001", "604462909807314654461953"),
            ("c2 4a 8000000000000c000000", "604462909807314788679680"),
            ("c2 4a 80000000000003ffffff", "604462909807314654461951"),
        ])
    func integers(_ encoding: String, _ text: String) throws {
        #expect(decode(encoding) == .success(try JSONValue(parsing: text)))
    }

    @Test("bignums up to the largest double, and beyond")
    func largeBignums() {
        // 2¹⁰²⁴ - 2⁹⁷⁰ is half a unit beyond the largest double: the tie goes to 2¹⁰²⁴.
        let largest: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xF8]
        let zeros = [UInt8](repeating: 0, count: 128 - 7)
        #expect(decode([0xC2, 0x58, 128] + largest + zeros) == .success(.number(.greatestFiniteMagnitude)))
        #expect(decode([0xC3, 0x58, 128] + largest + zeros) == .success(.number(-.greatestFiniteMagnitude)))
        let below = largest.dropLast() + [0xFB] + [UInt8](repeating: 0xFF, count: 121)
        #expect(decode([0xC2, 0x58, 128] + below) == .success(.number(.greatestFiniteMagnitude)))
        #expect(decode([0xC3, 0x58, 128] + below).reason == .numberOutOfRange)
        let tie = largest.dropLast() + [0xFC] + zeros
        #expect(decode([0xC2, 0x58, 128] + tie).reason == .numberOutOfRange)
        #expect(decode([0xC2, 0x58, 129, 1] + [UInt8](repeating: 0, count: 128)).reason == .numberOutOfRange)
        #expect(decode([0xC2, 0x59, 0xFF, 0xFF, 1] + [UInt8](repeating: 0, count: 65534)).reason == .numberOutOfRange)
        #expect(decode([0xC2, 0x59, 0xFF, 0xFF] + [UInt8](repeating: 0, count: 65534) + [7]) == .success(7))
    }

    @Test(
        "decimal fractions (RFC 8949, 3.4.4)",
        arguments: [
            ("c48221196ab3", 273.15), ("c4820003", 3.0), ("c48221396ab2", -273.15), ("c4820500", 0.0),
            ("c482200a", 1.0), ("c4 9f 21 196ab3 ff", 273.15), ("c48221c2426ab3", 273.15), ("c48221c3426ab2", -273.15),
            ("c482 190134 01", 1e308), ("c482 390143 05", .leastNonzeroMagnitude), ("c482 390143 02", 0.0),
            ("c482 3b7fffffffffffffff 01", 0.0),
            ("c482 3bffffffffffffffff 01", 0.0), ("c482 1bffffffffffffffff 00", 0.0),
            (
                "c482 38c7 c2 58 58 01000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
                0x1p696 / 1e200
            ),
        ])
    func decimalFractions(_ encoding: String, _ expected: Double) {
        guard case .number(let number)? = decode(encoding).value else {
            Issue.record("\(decode(encoding))")
            return
        }
        // The last one divides two doubles, each rounded, to have something to compare with.
        #expect(number == expected || (number - expected).magnitude <= expected.ulp * 2)
    }

    @Test("decimal fractions are rounded as the same text in JSON is, seeded")
    func decimalFractionsAgainstJSON() throws {
        var random = SeededRandom(seed: 4)
        for _ in 0..<20_000 {
            let mantissa = random.next() >> UInt64.random(in: 0...63, using: &random)
            let exponent = Int.random(in: -345...310, using: &random)
            let isNegative = Bool.random(using: &random)
            var bytes: [UInt8] = [0xC4, 0x82]
            TestEncoder.head(exponent < 0 ? 1 : 0, UInt64(exponent < 0 ? -1 - exponent : exponent), into: &bytes)
            TestEncoder.head(isNegative ? 1 : 0, mantissa, into: &bytes)
            let (magnitude, overflow) = mantissa.addingReportingOverflow(isNegative ? 1 : 0)
            if overflow { continue }
            let text = "\(isNegative ? "-" : "")\(magnitude)e\(exponent)"
            let expected = try? JSONValue(parsing: text)
            #expect(decode(bytes).value == expected, "\(text) in \(hexText(bytes))")
        }
    }

    @Test(
        "bigfloats (RFC 8949, 3.4.4)",
        arguments: [
            ("c5822003", 1.5), ("c5822002", -0.0 + 1.0), ("c5822022", -1.5), ("c5821901f401", 0x1p500),
            ("c5821903ff01", 0x1p1023), ("c582390431 01", 0x1p-1074), ("c582390432 01", 0.0),
            ("c582390432 03", 0x1p-1073),
            ("c582390433 03", 0x1p-1074), ("c5823b7fffffffffffffff01", 0.0), ("c5821bffffffffffffffff00", 0.0),
            ("c582 390431 c2 48 0020000000000001", 0x1p-1021),
            ("c582 390431 c2 48 0020000000000003", 0x1.0000000000002p-1021),
            ("c582390400 1bffffffffffffffff", 0x1p-961),
            ("c582 01 1bffffffffffffffff", 0x1p65), ("c582 01 3bffffffffffffffff", -0x1p65),
        ])
    func bigfloats(_ encoding: String, _ expected: Double) {
        #expect(decode(encoding) == .success(.number(expected)))
    }

    /// A double is a mantissa of 53 bits and an exponent; more bits behind it round to the nearest.
    @Test("bigfloats made of doubles are these doubles, also subnormal ones, seeded")
    func bigfloatsOfDoubles() {
        var random = SeededRandom(seed: 5)
        for round in 0..<20_000 {
            var bits = random.next()
            if round % 3 == 0 { bits &= 0x800F_FFFF_FFFF_FFFF }
            let double = Double(bitPattern: bits)
            guard double.isFinite, double != 0 else { continue }
            let field = Int(bits >> 52 & 0x7FF)
            let mantissa = bits & 0xF_FFFF_FFFF_FFFF | (field == 0 ? 0 : 1 << 52)
            let exponent = max(field, 1) - 1075
            // Ten more bits, which say less than half of the last one.
            let rest = UInt64.random(in: 0..<511, using: &random)
            let scaled = mantissa << 10 | rest
            let shifted = exponent - 10
            var bytes: [UInt8] = [0xC5, 0x82]
            TestEncoder.head(shifted < 0 ? 1 : 0, UInt64(shifted < 0 ? -1 - shifted : shifted), into: &bytes)
            if double < 0 {
                TestEncoder.head(1, scaled - 1, into: &bytes)
            } else {
                TestEncoder.head(0, scaled, into: &bytes)
            }
            #expect(decode(bytes) == .success(.number(double)), "\(double) in \(hexText(bytes))")
        }
    }
}
