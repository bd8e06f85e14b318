import OrderedCollections

/// The strict recursive reader behind `JSONValue(parsing:)`.
///
/// RFC 8259 without extensions: no comments, no trailing commas, no byte-order mark, no lone surrogates. Deeper nesting
/// than `depthLimit` is refused, so the recursion is bounded whatever the input.
package enum JSONParser {
    /// How many arrays and objects may contain one another.
    package static let depthLimit = 64
    /// Longest number that is converted; a longer one is an attack, not a reading.
    package static let numberLengthLimit = 4096

    package static func parse(_ bytes: borrowing Span<UInt8>) throws(JSONError) -> JSONValue {
        var index = 0
        skipWhitespace(bytes, &index)
        guard index < bytes.count else { throw JSONError(.empty, at: index) }
        let value = try parseValue(bytes, &index, depth: 0)
        skipWhitespace(bytes, &index)
        guard index == bytes.count else { throw JSONError(.trailingBytes, at: index) }
        return value
    }

    @inline(__always)
    static func skipWhitespace(_ bytes: borrowing Span<UInt8>, _ index: inout Int) {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0A, 0x0D: index &+= 1
            default: return
            }
        }
    }

    static func parseValue(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, depth: Int
    ) throws(JSONError) -> JSONValue {
        guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
        switch bytes[index] {
        case UInt8(ascii: "{"):
            return try parseObject(bytes, &index, depth: depth)
        case UInt8(ascii: "["):
            return try parseArray(bytes, &index, depth: depth)
        case UInt8(ascii: "\""):
            return .string(try parseString(bytes, &index))
        case UInt8(ascii: "t"):
            try expect("true", bytes, &index)
            return .bool(true)
        case UInt8(ascii: "f"):
            try expect("false", bytes, &index)
            return .bool(false)
        case UInt8(ascii: "n"):
            try expect("null", bytes, &index)
            return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return try parseNumber(bytes, &index)
        default:
            throw JSONError(.unexpectedByte, at: index)
        }
    }

    private static func expect(
        _ word: StaticString, _ bytes: borrowing Span<UInt8>, _ index: inout Int
    ) throws(JSONError) {
        for position in 0..<word.utf8CodeUnitCount {
            guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
            guard bytes[index] == word.utf8Start[position] else { throw JSONError(.unexpectedByte, at: index) }
            index &+= 1
        }
    }

    private static func parseArray(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, depth: Int
    ) throws(JSONError) -> JSONValue {
        guard depth < depthLimit else { throw JSONError(.tooDeep, at: index) }
        index &+= 1
        var elements: [JSONValue] = []
        skipWhitespace(bytes, &index)
        if index < bytes.count, bytes[index] == UInt8(ascii: "]") {
            index &+= 1
            return .array(elements)
        }
        while true {
            skipWhitespace(bytes, &index)
            elements.append(try parseValue(bytes, &index, depth: depth &+ 1))
            skipWhitespace(bytes, &index)
            guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
            switch bytes[index] {
            case UInt8(ascii: ","): index &+= 1
            case UInt8(ascii: "]"):
                index &+= 1
                return .array(elements)
            default: throw JSONError(.unexpectedByte, at: index)
            }
        }
    }

    private static func parseObject(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, depth: Int
    ) throws(JSONError) -> JSONValue {
        guard depth < depthLimit else { throw JSONError(.tooDeep, at: index) }
        index &+= 1
        var members = OrderedDictionary<String, JSONValue>()
        skipWhitespace(bytes, &index)
        if index < bytes.count, bytes[index] == UInt8(ascii: "}") {
            index &+= 1
            return .object(members)
        }
        while true {
            skipWhitespace(bytes, &index)
            let nameStart = index
            let name = try parseName(bytes, &index)
            skipWhitespace(bytes, &index)
            let value = try parseValue(bytes, &index, depth: depth &+ 1)
            guard members.updateValue(value, forKey: name) == nil else { throw JSONError(.duplicateKey, at: nameStart) }
            skipWhitespace(bytes, &index)
            guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
            switch bytes[index] {
            case UInt8(ascii: ","): index &+= 1
            case UInt8(ascii: "}"):
                index &+= 1
                return .object(members)
            default: throw JSONError(.unexpectedByte, at: index)
            }
        }
    }

    /// Moves past a member's name and the colon after it.
    static func parseName(_ bytes: borrowing Span<UInt8>, _ index: inout Int) throws(JSONError) -> String {
        guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
        guard bytes[index] == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: index) }
        let name = try parseString(bytes, &index)
        skipWhitespace(bytes, &index)
        guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
        guard bytes[index] == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: index) }
        index &+= 1
        return name
    }

    private static func parseNumber(_ bytes: borrowing Span<UInt8>, _ index: inout Int) throws(JSONError) -> JSONValue {
        let start = index
        let isInteger = try skipNumber(bytes, &index)
        guard index &- start <= numberLengthLimit else { throw JSONError(.numberOutOfRange, at: start) }
        if isInteger, let integer = integer(bytes, start, index) { return .integer(integer) }
        guard let number = double(bytes, start, index) else { throw JSONError(.numberOutOfRange, at: start) }
        return .number(number)
    }

    /// Moves past one number of RFC 8259's grammar; true when it has neither fraction nor exponent.
    static func skipNumber(_ bytes: borrowing Span<UInt8>, _ index: inout Int) throws(JSONError) -> Bool {
        if index < bytes.count, bytes[index] == UInt8(ascii: "-") { index &+= 1 }
        guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
        if bytes[index] == UInt8(ascii: "0") {
            index &+= 1
        } else {
            try skipDigits(bytes, &index)
        }
        var isInteger = true
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            isInteger = false
            index &+= 1
            try skipDigits(bytes, &index)
        }
        if index < bytes.count, bytes[index] == UInt8(ascii: "e") || bytes[index] == UInt8(ascii: "E") {
            isInteger = false
            index &+= 1
            if index < bytes.count, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") {
                index &+= 1
            }
            try skipDigits(bytes, &index)
        }
        return isInteger
    }

    private static func skipDigits(_ bytes: borrowing Span<UInt8>, _ index: inout Int) throws(JSONError) {
        let start = index
        while index < bytes.count, bytes[index] &- UInt8(ascii: "0") < 10 { index &+= 1 }
        guard index > start else { throw JSONError(index < bytes.count ? .invalidNumber : .unexpectedEnd, at: index) }
    }

    /// The exact integer in `start..<end` (an optional minus and digits), nil when it does not fit `Int64`.
    static func integer(_ bytes: borrowing Span<UInt8>, _ start: Int, _ end: Int) -> Int64? {
        var index = start
        let isNegative = index < end && bytes[index] == UInt8(ascii: "-")
        if isNegative { index &+= 1 }
        var value: Int64 = 0
        // Counted downwards: Int64.min has no positive counterpart.
        while index < end {
            let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = product.subtractingReportingOverflow(Int64(bytes[index] &- UInt8(ascii: "0")))
            if tooLarge || overflow { return nil }
            value = sum
            index &+= 1
        }
        if isNegative { return value }
        return value == .min ? nil : 0 &- value
    }

    /// The nearest finite double of the number in `start..<end`, which must match the grammar; line protocol also asks for
    /// leading zeros and a point without digits on one side.
    package static func double(_ bytes: borrowing Span<UInt8>, _ start: Int, _ end: Int) -> Double? {
        let text = bytes.extracting(start..<end).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
        guard let number = Double(text), number.isFinite else { return nil }
        return number
    }

    private static func parseString(_ bytes: borrowing Span<UInt8>, _ index: inout Int) throws(JSONError) -> String {
        index &+= 1
        let start = index
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                let text = bytes.extracting(start..<index).withUnsafeBufferPointer {
                    String(validating: $0, as: UTF8.self)
                }
                guard let text else { throw JSONError(.invalidUTF8, at: start) }
                index &+= 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try parseEscapedString(bytes, &index, start: start) }
            guard byte >= 0x20 else { throw JSONError(.controlCharacter, at: index) }
            index &+= 1
        }
        throw JSONError(.unexpectedEnd, at: index)
    }

    /// The rest of a string in which a backslash has been met at `index`.
    private static func parseEscapedString(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, start: Int
    ) throws(JSONError) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(index &- start &+ 16)
        for position in start..<index { text.append(bytes[position]) }
        while index < bytes.count {
            let byte = bytes[index]
            index &+= 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw JSONError(.invalidUTF8, at: start)
                }
                return string
            case UInt8(ascii: "\\"):
                try parseEscape(bytes, &index, into: &text)
            case 0..<0x20:
                throw JSONError(.controlCharacter, at: index &- 1)
            default:
                text.append(byte)
            }
        }
        throw JSONError(.unexpectedEnd, at: index)
    }

    private static func parseEscape(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, into text: inout [UInt8]
    ) throws(JSONError) {
        guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
        let escape = bytes[index]
        index &+= 1
        switch escape {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(escape)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            let start = index
            var code = try parseHexQuad(bytes, &index)
            if code & 0xFC00 == 0xD800 {
                guard index &+ 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"),
                    bytes[index &+ 1] == UInt8(ascii: "u")
                else {
                    throw JSONError(.invalidEscape, at: start)
                }
                index &+= 2
                let low = try parseHexQuad(bytes, &index)
                guard low & 0xFC00 == 0xDC00 else { throw JSONError(.invalidEscape, at: start) }
                code = 0x10000 &+ ((code & 0x3FF) << 10) &+ (low & 0x3FF)
            }
            guard let scalar = Unicode.Scalar(code) else { throw JSONError(.invalidEscape, at: start) }
            text.append(contentsOf: scalar.utf8)
        default:
            throw JSONError(.invalidEscape, at: index &- 1)
        }
    }

    private static func parseHexQuad(_ bytes: borrowing Span<UInt8>, _ index: inout Int) throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
            guard let digit = hexDigit(bytes[index]) else { throw JSONError(.invalidEscape, at: index) }
            code = code << 4 | UInt32(digit)
            index &+= 1
        }
        return code
    }

    /// Whether something is one of the words that C, JavaScript and Python print for what is no finite number.
    package static func isNotFinite(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> Bool {
        var word = ""
        for index in range {
            switch bytes[index] {
            case 0x20, 0x09, 0x0A, 0x0D, 0, UInt8(ascii: "+"), UInt8(ascii: "-"): continue
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"):
                word.unicodeScalars.append(Unicode.Scalar(bytes[index] | 0x20))
            default: return false
            }
            if word.utf8.count > 8 { return false }
        }
        return ["nan", "inf", "infinity"].contains(word)
    }

    package static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte &- UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte &- UInt8(ascii: "a") &+ 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte &- UInt8(ascii: "A") &+ 10
        default: nil
        }
    }
}
