import JSON

/// Reads tagged items (RFC 8949, 3.4).
enum CBORTag {
    /// Moves past a head and, if it is a tag that says nothing to us, past the tags around its content; gives the first
    /// head that does. A loop: tags may be nested without limit.
    @inline(__always)
    static func skipTransparent(_ bytes: borrowing Span<UInt8>, _ index: inout Int) throws(CBORError) -> CBORHead {
        var head = try CBORHead.read(bytes, &index)
        while head.major == .tag, head.argument > 5 { head = try CBORHead.read(bytes, &index) }
        return head
    }

    /// The value of the item with tag 0 to 5 whose head has been read.
    static func value(
        _ tag: CBORHead, _ bytes: borrowing Span<UInt8>, _ index: inout Int
    ) throws(CBORError) -> JSONValue {
        switch tag.argument {
        case 0:
            let head = try content(of: tag, bytes, &index)
            guard head.major == .text else { throw CBORError(.invalidTagContent, at: tag.offset) }
            return .string(try CBORString.text(head, bytes, &index))
        case 1:
            let head = try content(of: tag, bytes, &index)
            switch (head.major, head.information) {
            case (.unsigned, _), (.negative, _), (.simple, 25...27):
                return try CBORScalar.value(head, bytes, &index)
            default: throw CBORError(.invalidTagContent, at: tag.offset)
            }
        case 2, 3:
            return try bignum(tag, bytes, &index).jsonValue(orThrowAt: tag.offset)
        default:
            return .number(try fraction(tag, bytes, &index))
        }
    }

    /// The head of what stands behind a tag.
    private static func content(
        of tag: CBORHead, _ bytes: borrowing Span<UInt8>, _ index: inout Int
    ) throws(CBORError) -> CBORHead {
        let head = try CBORHead.read(bytes, &index)
        guard !head.isBreak else { throw CBORError(.unexpectedBreak, at: head.offset) }
        return head
    }

    /// Tags 2 and 3: a byte string that is a number in network byte order (3.4.3).
    private static func bignum(
        _ tag: CBORHead, _ bytes: borrowing Span<UInt8>, _ index: inout Int
    ) throws(CBORError) -> BigInteger {
        let head = try content(of: tag, bytes, &index)
        guard head.major == .bytes else { throw CBORError(.invalidTagContent, at: tag.offset) }
        let content = try CBORString.bytes(head, bytes, &index)
        guard let integer = BigInteger(isNegative: tag.argument == 3, argument: content) else {
            throw CBORError(.numberOutOfRange, at: tag.offset)
        }
        return integer
    }

    /// Tags 4 and 5: an array of an exponent, which is an integer, and a mantissa, which may be a bignum (3.4.4).
    private static func fraction(
        _ tag: CBORHead, _ bytes: borrowing Span<UInt8>, _ index: inout Int
    ) throws(CBORError) -> Double {
        let mistake = CBORError(.invalidTagContent, at: tag.offset)
        let array = try content(of: tag, bytes, &index)
        guard array.major == .array else { throw mistake }
        guard array.isIndefinite || array.argument == 2 else { throw mistake }
        if !array.isIndefinite { _ = try array.length(in: bytes, from: index, unit: 1) }
        // A break in place of an element is well-formed: the array is just too short.
        let exponentHead = try CBORHead.read(bytes, &index)
        guard exponentHead.major == .unsigned || exponentHead.major == .negative else { throw mistake }
        let mantissaHead = try CBORHead.read(bytes, &index)
        let mantissa: BigInteger
        switch mantissaHead.major {
        case .unsigned, .negative:
            mantissa = BigInteger(isNegative: mantissaHead.major == .negative, argument: mantissaHead.argument)
        case .tag where mantissaHead.argument == 2 || mantissaHead.argument == 3:
            mantissa = try bignum(mantissaHead, bytes, &index)
        case .bytes, .text, .array, .map, .tag, .simple: throw mistake
        }
        if array.isIndefinite {
            guard try CBORHead.skipBreak(bytes, &index) else { throw mistake }
        }
        // Held far below what could overflow, and far beyond what a double can say.
        let magnitude = Int(min(exponentHead.argument, 100_000))
        let exponent = exponentHead.major == .negative ? -1 - magnitude : magnitude
        let number =
            tag.argument == 4 ? mantissa.scaled(byPowerOfTen: exponent) : mantissa.scaled(byPowerOfTwo: exponent)
        guard let number else { throw CBORError(.numberOutOfRange, at: tag.offset) }
        return number
    }
}
