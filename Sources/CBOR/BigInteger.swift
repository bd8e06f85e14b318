import JSON

/// An integer that may be larger than any double: what bignums, decimal fractions and bigfloats are made of
/// (RFC 8949, 3.4.3 and 3.4.4).
struct BigInteger {
    /// 1024 bits are what the largest double has; the rest is room for what an exponent below zero takes away.
    /// Longer numbers are attacks, not readings, and would cost quadratic time in `decimal`.
    private static let byteLimit = 160

    private let isNegative: Bool
    /// Big-endian, without leading zeros; empty for zero.
    private let magnitude: [UInt8]

    /// `argument`, or -1 - `argument`, in network byte order; nil when it is too long.
    init?(isNegative: Bool, argument: [UInt8]) {
        var magnitude = Array(argument.drop { $0 == 0 })
        guard magnitude.count <= Self.byteLimit else { return nil }
        if isNegative { Self.increment(&magnitude) }
        self.isNegative = isNegative
        self.magnitude = magnitude
    }

    /// `argument`, or -1 - `argument`.
    init(isNegative: Bool, argument: UInt64) {
        var magnitude: [UInt8] = []
        for shift in stride(from: 56, through: 0, by: -8) {
            let byte = UInt8(truncatingIfNeeded: argument >> UInt64(shift))
            if byte != 0 || !magnitude.isEmpty { magnitude.append(byte) }
        }
        if isNegative { Self.increment(&magnitude) }
        self.isNegative = isNegative
        self.magnitude = magnitude
    }

    private static func increment(_ magnitude: inout [UInt8]) {
        for position in magnitude.indices.reversed() {
            magnitude[position] &+= 1
            if magnitude[position] != 0 { return }
        }
        magnitude.insert(1, at: 0)
    }

    /// The exact integer when it fits `Int64`, else the nearest double.
    func jsonValue(orThrowAt offset: Int) throws(CBORError) -> JSONValue {
        if magnitude.count <= 8 {
            let value = magnitude.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            if isNegative, value > 0 { return CBORScalar.integer(isNegative: true, value &- 1) }
            return CBORScalar.integer(isNegative: false, value)
        }
        guard let number = scaled(byPowerOfTwo: 0) else { throw CBORError(.numberOutOfRange, at: offset) }
        return .number(number)
    }

    /// The double nearest to this number times 10 to the `exponent`; nil when that is not finite. Rounded once, by the
    /// conversion that JSON numbers go through.
    func scaled(byPowerOfTen exponent: Int) -> Double? {
        guard !magnitude.isEmpty else { return 0 }
        var text: [UInt8] = isNegative ? [UInt8(ascii: "-")] : []
        text.append(contentsOf: decimal())
        text.append(UInt8(ascii: "e"))
        text.append(contentsOf: exponent.description.utf8)
        var index = 0
        var number = JSONNumber()
        guard number.scan(text.span, &index), !number.isInteger else { return nil }
        return Double(bitPattern: number.bits)
    }

    /// The double nearest to this number times 2 to the `exponent`, ties to even; nil when that is not finite.
    func scaled(byPowerOfTwo exponent: Int) -> Double? {
        guard let first = magnitude.first else { return 0 }
        // The upper 64 bits, the first of them set; the last one also stands for all bits that are cut off.
        var upper: UInt64 = 0
        for position in 0..<8 { upper = upper << 8 | UInt64(position < magnitude.count ? magnitude[position] : 0) }
        let shift = first.leadingZeroBitCount
        if shift > 0 {
            let next = magnitude.count > 8 ? magnitude[8] : 0
            upper = upper << UInt64(shift) | UInt64(next >> UInt8(8 &- shift))
            if next << UInt8(shift) != 0 { upper |= 1 }
        } else if magnitude.count > 8, magnitude[8] != 0 {
            upper |= 1
        }
        if magnitude.count > 9, magnitude[9...].contains(where: { $0 != 0 }) { upper |= 1 }
        let lowest = (magnitude.count &- 8) &* 8 &- shift &+ exponent
        guard let number = Self.rounded(upper, lowest) else { return nil }
        return isNegative ? -number : number
    }

    /// `upper` times 2 to the `lowest`, rounded once to the bits that a double has there: fewer below 2⁻¹⁰²².
    private static func rounded(_ upper: UInt64, _ lowest: Int) -> Double? {
        let highest = lowest &+ 63
        guard highest <= 1023 else { return nil }
        let dropped = highest >= -1022 ? 11 : 11 &+ (-1022 &- highest)
        guard dropped <= 64 else { return 0 }
        var kept = dropped == 64 ? 0 : upper >> UInt64(dropped)
        let half: UInt64 = 1 << UInt64(dropped &- 1)
        let rest = dropped == 64 ? upper : upper & (half << 1 &- 1)
        if rest > half || (rest == half && kept & 1 == 1) { kept &+= 1 }
        let number = Double(sign: .plus, exponent: lowest &+ dropped, significand: Double(kept))
        return number.isFinite ? number : nil
    }

    /// The digits in base ten. Quadratic, over at most `byteLimit` bytes.
    private func decimal() -> [UInt8] {
        var rest = magnitude.map(UInt32.init)
        var first = 0
        var digits: [UInt8] = []
        while first < rest.count {
            var remainder: UInt32 = 0
            for position in first..<rest.count {
                let dividend = remainder << 8 | rest[position]
                rest[position] = dividend / 10_000
                remainder = dividend % 10_000
            }
            while first < rest.count, rest[first] == 0 { first &+= 1 }
            for _ in 0..<4 {
                digits.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: remainder % 10))
                remainder /= 10
            }
        }
        while digits.count > 1, digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return digits.reversed()
    }
}
