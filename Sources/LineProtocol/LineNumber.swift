import JSON

/// Reads numbers and timestamps.
enum LineNumber {
    /// Moves past the number at `index` and its suffix.
    @inline(__always)
    static func scan(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int
    ) throws(LineProtocolError) -> LineProtocolField.Value {
        let start = index
        var number = JSONNumber()
        if number.scan(bytes, &index) {
            if LineValue.ends(bytes, index) {
                return .float(double(number, isNegative: bytes[start] == UInt8(ascii: "-")))
            }
            if number.isInteger, bytes[index] == UInt8(ascii: "i"), LineValue.ends(bytes, index &+ 1) {
                index &+= 1
                return .integer(Int64(bitPattern: number.bits))
            }
        }
        index = start
        return try scanSlowly(bytes, &index)
    }

    @inline(__always)
    private static func double(_ number: JSONNumber, isNegative: Bool) -> Double {
        guard number.isInteger else { return Double(bitPattern: number.bits) }
        // An integer has no negative zero, a float does.
        return number.bits == 0 && isNegative ? -0.0 : Double(Int64(bitPattern: number.bits))
    }

    /// What JSON has no word for, or what a mistake is: leading zeros, a point without digits on one side, unsigned integers,
    /// integers out of range.
    @inline(never)
    private static func scanSlowly(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int
    ) throws(LineProtocolError) -> LineProtocolField.Value {
        let start = index
        guard let isInteger = skip(bytes, &index) else { throw LineValue.refusal(bytes, from: start, .invalidNumber) }
        if LineValue.ends(bytes, index) {
            guard index &- start <= JSONParser.numberLengthLimit,
                let number = JSONParser.double(bytes, start, index)
            else { throw LineProtocolError(.numberOutOfRange, at: start) }
            return .float(number)
        }
        let suffix = bytes[index]
        guard isInteger, suffix == UInt8(ascii: "i") || suffix == UInt8(ascii: "u"), LineValue.ends(bytes, index &+ 1)
        else { throw LineProtocolError(.invalidNumber, at: start) }
        let end = index
        index &+= 1
        let isNegative = bytes[start] == UInt8(ascii: "-")
        if suffix == UInt8(ascii: "u") {
            guard !isNegative else { throw LineProtocolError(.invalidNumber, at: start) }
            guard let value = magnitude(bytes, start..<end) else {
                throw LineProtocolError(.numberOutOfRange, at: start)
            }
            return .unsigned(value)
        }
        guard let value = integer(bytes, start..<end) else { throw LineProtocolError(.numberOutOfRange, at: start) }
        return .integer(value)
    }

    /// Moves past a number: true when it has neither point nor exponent, nil when it is none.
    private static func skip(_ bytes: borrowing Span<UInt8>, _ index: inout Int) -> Bool? {
        if index < bytes.count, bytes[index] == UInt8(ascii: "-") { index &+= 1 }
        var digits = skipDigits(bytes, &index)
        var isInteger = true
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            isInteger = false
            index &+= 1
            digits &+= skipDigits(bytes, &index)
        }
        guard digits > 0 else { return nil }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            index &+= 1
            if index < bytes.count, bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") {
                index &+= 1
            }
            guard skipDigits(bytes, &index) > 0 else { return nil }
        }
        return isInteger
    }

    private static func skipDigits(_ bytes: borrowing Span<UInt8>, _ index: inout Int) -> Int {
        let start = index
        while index < bytes.count, bytes[index] &- UInt8(ascii: "0") < 10 { index &+= 1 }
        return index &- start
    }

    /// The digits in `range` as a number; nil when it does not fit.
    private static func magnitude(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> UInt64? {
        var value: UInt64 = 0
        for index in range {
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflows) = product.addingReportingOverflow(UInt64(bytes[index] &- UInt8(ascii: "0")))
            if isTooLarge || overflows { return nil }
            value = sum
        }
        return value
    }

    /// An optional minus and digits in `range` as a number; nil when it does not fit.
    private static func integer(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> Int64? {
        guard bytes[range.lowerBound] == UInt8(ascii: "-") else {
            return magnitude(bytes, range).flatMap { Int64(exactly: $0) }
        }
        guard let magnitude = magnitude(bytes, range.dropFirst()) else { return nil }
        // Int64.min has no positive counterpart.
        return magnitude <= Int64.min.magnitude ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
    }

    /// Moves past the timestamp at `index`.
    @inline(__always)
    static func time(_ bytes: borrowing Span<UInt8>, _ index: inout Int) throws(LineProtocolError) -> Int64 {
        let start = index
        if bytes[index] == UInt8(ascii: "-") { index &+= 1 }
        guard skipDigits(bytes, &index) > 0,
            index == bytes.count || bytes[index] == UInt8(ascii: " ") || LineEnd.isThere(bytes, index)
        else { throw LineProtocolError(.invalidTime, at: start) }
        guard let value = integer(bytes, start..<index) else { throw LineProtocolError(.timeOutOfRange, at: start) }
        return value
    }
}
