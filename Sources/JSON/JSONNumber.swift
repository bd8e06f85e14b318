/// Reads one JSON number without making a string, for `JSONScanner`.
package struct JSONNumber {
    package private(set) var isInteger = true
    /// An `Int64` or a `Double`, as bits.
    package private(set) var bits: UInt64 = 0

    package init() {}

    /// Exact powers of ten: a product or quotient of two exact doubles is rounded once, hence correctly (Clinger 1990).
    private static let powers: InlineArray<23, Double> = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21,
        1e22,
    ]

    /// Moves past the number at `index`; false when it is none, or one that a reading would not have.
    @inline(__always)
    package mutating func scan(_ bytes: borrowing Span<UInt8>, _ index: inout Int) -> Bool {
        let start = index
        let isNegative = bytes[index] == UInt8(ascii: "-")
        if isNegative { index &+= 1 }
        var mantissa: UInt64 = 0
        let integerStart = index
        while index < bytes.count {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            mantissa = mantissa &* 10 &+ UInt64(digit)
            index &+= 1
        }
        var digits = index &- integerStart
        guard digits > 0, digits == 1 || bytes[integerStart] != UInt8(ascii: "0") else { return false }
        var exponent = 0
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            isInteger = false
            index &+= 1
            let fractionStart = index
            while index < bytes.count {
                let digit = bytes[index] &- UInt8(ascii: "0")
                guard digit < 10 else { break }
                mantissa = mantissa &* 10 &+ UInt64(digit)
                index &+= 1
            }
            guard index > fractionStart else { return false }
            exponent = fractionStart &- index
            digits &-= exponent
        }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            guard let power = Self.scanExponent(bytes, &index) else { return false }
            exponent &+= power
        }
        guard index &- start <= JSONParser.numberLengthLimit else { return false }
        // Up to 18 digits cannot have overflowed.
        if isInteger, digits <= 18 {
            bits = UInt64(bitPattern: isNegative ? 0 &- Int64(mantissa) : Int64(mantissa))
            return true
        }
        if !isInteger, digits <= 18, mantissa <= 1 << 53, exponent >= -22, exponent <= 22 {
            let magnitude =
                exponent < 0
                ? Double(mantissa) / Self.powers[0 &- exponent] : Double(mantissa) * Self.powers[exponent]
            bits = (isNegative ? -magnitude : magnitude).bitPattern
            return true
        }
        return scanSlowly(bytes, start, index)
    }

    /// What the fast conversion cannot do exactly is left to the conversion that the full reader uses.
    private mutating func scanSlowly(_ bytes: borrowing Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        if isInteger, let integer = JSONParser.integer(bytes, start, end) {
            bits = UInt64(bitPattern: integer)
            return true
        }
        isInteger = false
        guard let number = JSONParser.double(bytes, start, end) else { return false }
        bits = number.bitPattern
        return true
    }

    @inline(never)
    private static func scanExponent(_ bytes: borrowing Span<UInt8>, _ index: inout Int) -> Int? {
        index &+= 1
        var isNegative = false
        if index < bytes.count, bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") {
            isNegative = bytes[index] == UInt8(ascii: "-")
            index &+= 1
        }
        let start = index
        var power = 0
        while index < bytes.count {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            // Held below what could overflow; beyond it the slow conversion decides.
            power = min(power &* 10 &+ Int(digit), 1_000_000)
            index &+= 1
        }
        guard index > start else { return nil }
        return isNegative ? 0 &- power : power
    }
}
