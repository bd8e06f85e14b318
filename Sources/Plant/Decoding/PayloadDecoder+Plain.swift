import JSON

// Payloads that are one number or one word.
extension PayloadDecoder {
    /// A decimal number as people and firmware write it: as in JSON, and with a leading `+`, leading zeros, or nothing
    /// before or after the point. Integers that fit stay integers.
    static func number(_ payload: borrowing Span<UInt8>) throws(DecodeFailure) -> TagValue {
        let range = PayloadContent.word(of: payload)
        if let value = plainNumber(payload, range) { return value }
        guard range.count <= JSONParser.numberLengthLimit else { throw .notNumber }
        var text: [UInt8] = []
        text.reserveCapacity(range.count &+ 2)
        var index = range.lowerBound
        if index < range.upperBound {
            if payload[index] == UInt8(ascii: "-") { text.append(payload[index]) }
            if payload[index] == UInt8(ascii: "-") || payload[index] == UInt8(ascii: "+") { index &+= 1 }
        }
        var digits = 0
        while index < range.upperBound, payload[index] &- UInt8(ascii: "0") < 10 {
            // Leading zeros are dropped; one digit must remain.
            if payload[index] != UInt8(ascii: "0") || digits > 0 {
                text.append(payload[index])
                digits &+= 1
            }
            index &+= 1
        }
        let hasInteger = index > range.lowerBound && payload[index &- 1] &- UInt8(ascii: "0") < 10
        if digits == 0 { text.append(UInt8(ascii: "0")) }
        if index < range.upperBound, payload[index] == UInt8(ascii: ".") {
            text.append(UInt8(ascii: "."))
            index &+= 1
            let start = index
            while index < range.upperBound, payload[index] &- UInt8(ascii: "0") < 10 {
                text.append(payload[index])
                index &+= 1
            }
            guard hasInteger || index > start else { throw .notNumber }
            if index == start { text.append(UInt8(ascii: "0")) }
        } else if !hasInteger {
            throw JSONParser.isNotFinite(payload, range) ? .notFinite : .notNumber
        }
        while index < range.upperBound {
            text.append(payload[index])
            index &+= 1
        }
        do {
            guard let value = TagValue(json: try JSONValue(parsing: text.span)) else { throw DecodeFailure.notNumber }
            return value
        } catch {
            throw (error as? JSONError)?.reason == .numberOutOfRange ? .notFinite : .notNumber
        }
    }

    /// A number as JSON writes it, without making anything of it.
    @inline(__always)
    private static func plainNumber(_ payload: borrowing Span<UInt8>, _ range: Range<Int>) -> TagValue? {
        var index = range.lowerBound
        guard index < range.upperBound else { return nil }
        var number = JSONNumber()
        guard number.scan(payload, &index), index == range.upperBound else { return nil }
        return number.isInteger
            ? .integer(Int64(bitPattern: number.bits)) : .number(Double(bitPattern: number.bits))
    }

    static func bool(_ payload: borrowing Span<UInt8>) -> Bool? {
        switch lowercased(payload, PayloadContent.word(of: payload)) {
        case "true", "1", "on", "yes": true
        case "false", "0", "off", "no": false
        default: nil
        }
    }

    /// A short ASCII word in lower case; anything longer than a word is none.
    private static func lowercased(_ payload: borrowing Span<UInt8>, _ range: Range<Int>) -> String {
        guard range.count <= 16 else { return "" }
        var word = ""
        for index in range {
            let byte = payload[index]
            guard byte < 0x80 else { return "" }
            word.unicodeScalars.append(Unicode.Scalar((0x41...0x5A).contains(byte) ? byte | 0x20 : byte))
        }
        return word
    }
}
