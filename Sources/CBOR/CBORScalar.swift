import JSON
import Primitives

/// Reads every data item that is neither an array nor a map.
enum CBORScalar {
    /// The value of the item whose head has been read.
    static func value(
        _ head: CBORHead, _ bytes: borrowing Span<UInt8>, _ index: inout Int
    ) throws(CBORError) -> JSONValue {
        switch head.major {
        case .unsigned, .negative: return integer(isNegative: head.major == .negative, head.argument)
        case .text: return .string(try CBORString.text(head, bytes, &index))
        case .bytes: return .string(Base64.text(try CBORString.bytes(head, bytes, &index)))
        case .simple: return try simple(head)
        case .tag: return try CBORTag.value(head, bytes, &index)
        case .array, .map: throw CBORError(.invalidTagContent, at: head.offset)
        }
    }

    /// `argument`, or -1 - `argument` (RFC 8949, 3.1).
    static func integer(isNegative: Bool, _ argument: UInt64) -> JSONValue {
        if let integer = Int64(exactly: argument) { return .integer(isNegative ? ~integer : integer) }
        guard isNegative else { return .number(Double(argument)) }
        // Only -2⁶⁴ has a magnitude of 65 bits. What is left is at least 2⁶³, so the sum is rounded once.
        let (magnitude, overflow) = argument.addingReportingOverflow(1)
        return .number(overflow ? -0x1p64 : -Double(magnitude))
    }

    /// Simple values and floating-point numbers (3.3).
    private static func simple(_ head: CBORHead) throws(CBORError) -> JSONValue {
        let number: Double
        switch head.information {
        case 20: return .bool(false)
        case 21: return .bool(true)
        case 22, 23: return .null
        case 25: number = Double(Float16(bitPattern: UInt16(truncatingIfNeeded: head.argument)))
        case 26: number = Double(Float(bitPattern: UInt32(truncatingIfNeeded: head.argument)))
        case 27: number = Double(bitPattern: head.argument)
        case 31: throw CBORError(.unexpectedBreak, at: head.offset)
        default: throw CBORError(.unassignedSimple, at: head.offset)
        }
        guard number.isFinite else { throw CBORError(.notFinite, at: head.offset) }
        return .number(number)
    }
}
