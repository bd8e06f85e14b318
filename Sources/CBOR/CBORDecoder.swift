public import JSON
import OrderedCollections

/// The strict reader of one CBOR data item (RFC 8949) as the JSON document that it stands for.
///
/// | data item | becomes |
/// | --- | --- |
/// | integer | an integer; beyond `Int64` the nearest double, as `JSONValue(parsing:)` does |
/// | half, single, double | a double; NaN and the infinities are errors |
/// | text | a string |
/// | byte string | a string: Base64 of RFC 4648, section 4, with padding |
/// | array, map | an array, an object; keys are text or integers, an integer key is its decimal text |
/// | false, true, null, undefined | false, true, null, null; other simple values are errors |
/// | tags 0 and 1 (times) | their content: text, a number |
/// | tags 2 and 3 (bignums) | an integer, or the nearest double when it does not fit `Int64` |
/// | tags 4 and 5 (decimal fraction, bigfloat) | the nearest double |
/// | other tags | their content |
///
/// Any encoding of a length is accepted, not only the shortest. Arrays and maps may contain one another as deep as in
/// JSON (`JSONParser.depthLimit`), so the recursion is bounded whatever the input. Nothing is allocated because a head
/// announces it. A zero that ends a text payload in C is a data item here: do not trim the payload.
public enum CBORDecoder {
    /// Reads the item that fills `bytes`. No input makes it trap.
    public static func decode(_ bytes: borrowing Span<UInt8>) throws(CBORError) -> JSONValue {
        guard !bytes.isEmpty else { throw CBORError(.empty, at: 0) }
        var index = 0
        let value = try value(bytes, &index, depth: 0)
        guard index == bytes.count else { throw CBORError(.trailingBytes, at: index) }
        return value
    }

    /// More room than this is made only as elements arrive.
    private static let reservedCount = 16

    private static func value(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, depth: Int
    ) throws(CBORError) -> JSONValue {
        let head = try CBORTag.skipTransparent(bytes, &index)
        switch head.major {
        case .array: return try array(head, bytes, &index, depth: depth)
        case .map: return try map(head, bytes, &index, depth: depth)
        case .unsigned, .negative, .bytes, .text, .tag, .simple: return try CBORScalar.value(head, bytes, &index)
        }
    }

    private static func array(
        _ head: CBORHead, _ bytes: borrowing Span<UInt8>, _ index: inout Int, depth: Int
    ) throws(CBORError) -> JSONValue {
        guard depth < JSONParser.depthLimit else { throw CBORError(.tooDeep, at: head.offset) }
        var elements: [JSONValue] = []
        if head.isIndefinite {
            while try !CBORHead.skipBreak(bytes, &index) {
                elements.append(try value(bytes, &index, depth: depth &+ 1))
            }
        } else {
            let count = try head.length(in: bytes, from: index, unit: 1)
            elements.reserveCapacity(min(count, reservedCount))
            for _ in 0..<count { elements.append(try value(bytes, &index, depth: depth &+ 1)) }
        }
        return .array(elements)
    }

    private static func map(
        _ head: CBORHead, _ bytes: borrowing Span<UInt8>, _ index: inout Int, depth: Int
    ) throws(CBORError) -> JSONValue {
        guard depth < JSONParser.depthLimit else { throw CBORError(.tooDeep, at: head.offset) }
        var members = OrderedDictionary<String, JSONValue>()
        if head.isIndefinite {
            while try !CBORHead.skipBreak(bytes, &index) { try pair(bytes, &index, into: &members, depth: depth) }
        } else {
            let count = try head.length(in: bytes, from: index, unit: 2)
            members.reserveCapacity(min(count, reservedCount))
            for _ in 0..<count { try pair(bytes, &index, into: &members, depth: depth) }
        }
        return .object(members)
    }

    @inline(__always)
    private static func pair(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, into members: inout OrderedDictionary<String, JSONValue>,
        depth: Int
    ) throws(CBORError) {
        let start = index
        let name = try CBORKey.name(bytes, &index)
        let value = try value(bytes, &index, depth: depth &+ 1)
        guard members.updateValue(value, forKey: name) == nil else { throw CBORError(.duplicateKey, at: start) }
    }
}
