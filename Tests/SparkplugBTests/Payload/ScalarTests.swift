import SparkplugB
import Testing

@Suite("Payload: what a value of each type becomes")
struct ScalarTests {
    struct Example: CustomTestStringConvertible {
        let type: SparkplugDataType
        let value: SparkplugValue?
        let expected: SparkplugScalar?
        let reason: SparkplugError.Reason?

        init(_ type: SparkplugDataType, _ value: SparkplugValue?, _ expected: SparkplugScalar) {
            self.type = type
            self.value = value
            self.expected = expected
            reason = nil
        }

        init(_ type: SparkplugDataType, _ value: SparkplugValue?, _ reason: SparkplugError.Reason) {
            self.type = type
            self.value = value
            self.reason = reason
            expected = nil
        }

        var testDescription: String { "\(type.name) \(value.map { "\($0)" } ?? "nothing")" }
    }

    static let integers: [Example] = [
        // In their own width, in 32 bits, in 64 bits, and beyond.
        Example(.int8, .int(0x7F), .integer(127)), Example(.int8, .int(0x80), .integer(-128)),
        Example(.int8, .int(0xFFFF_FFFF), .integer(-1)), Example(.int8, .int(0xFFFF_FF80), .integer(-128)),
        Example(.int8, .int(0x100), .valueOutOfRange), Example(.int8, .int(0xFFFF_FF7F), .valueOutOfRange),
        Example(.int8, .long(UInt64(bitPattern: -5)), .integer(-5)), Example(.int8, .long(300), .valueOutOfRange),
        Example(.int16, .int(0xFFFE), .integer(-2)), Example(.int16, .int(0xFFFF_FFFE), .integer(-2)),
        Example(.int16, .int(0x1_0000), .valueOutOfRange), Example(.int32, .int(0x8000_0000), .integer(-0x8000_0000)),
        Example(.int32, .long(UInt64(bitPattern: -7)), .integer(-7)),
        Example(.int32, .long(0x1_0000_0000), .valueOutOfRange),
        Example(.int64, .long(UInt64(bitPattern: Int64.min)), .integer(.min)), Example(.int64, .int(5), .integer(5)),
        Example(.uint8, .int(255), .integer(255)), Example(.uint8, .int(256), .valueOutOfRange),
        Example(.uint16, .int(65_535), .integer(65_535)), Example(.uint16, .int(65_536), .valueOutOfRange),
        Example(.uint32, .int(.max), .integer(0xFFFF_FFFF)),
        Example(.uint32, .long(0xFFFF_FFFF), .integer(0xFFFF_FFFF)),
        Example(.uint32, .long(0x1_0000_0000), .valueOutOfRange),
        Example(.uint64, .long(.max), .unsigned(.max)), Example(.uint64, .long(1 << 63), .unsigned(1 << 63)),
        Example(.uint64, .long(UInt64(Int64.max)), .integer(.max)), Example(.uint64, .int(9), .integer(9)),
        Example(.dateTime, .long(1_790_000_000_000), .integer(1_790_000_000_000)),
        Example(.dateTime, .long(1 << 63), .valueOutOfRange), Example(.int32, .float(1), .wrongField),
        Example(.int32, .string("1"), .wrongField), Example(.int32, .bool(true), .wrongField),
        Example(.int32, nil, .missingValue),
    ]

    static let others: [Example] = [
        Example(.float, .float(21.5), .number(21.5)), Example(.float, .double(0.1), .number(0.1)),
        Example(.double, .double(-0.0), .number(-0.0)), Example(.double, .float(1.5), .number(1.5)),
        Example(.float, .float(.nan), .notFinite), Example(.double, .double(.infinity), .notFinite),
        Example(.double, .int(1), .wrongField), Example(.boolean, .bool(true), .bool(true)),
        Example(.boolean, .int(1), .wrongField), Example(.string, .string("é\0"), .text("é\0")),
        Example(.text, .string(""), .text("")), Example(.string, .bytes([0x61]), .wrongField),
        Example(.string, .int(1), .wrongField),
        Example(.uuid, .string("01234567-89ab-CDEF-0123-456789abcdef"), .text("01234567-89ab-CDEF-0123-456789abcdef")),
        Example(.uuid, .string("0123456789abcdef0123456789abcdef0000"), .invalidUUID),
        Example(.uuid, .string(""), .invalidUUID), Example(.bytes, .bytes([0xFB, 0xEF, 0xFF]), .text("++//")),
        Example(.file, .bytes([0x66]), .text("Zg==")), Example(.bytes, .string("x"), .wrongField),
        Example(.bytes, .bytes(Array(repeating: 0, count: 60_000)), .textTooLong),
        Example(.string, .string(String(repeating: "x", count: 65_537)), .textTooLong),
        Example(.propertySet, .int(1), .unsupportedType), Example(.propertySetList, .int(1), .unsupportedType),
        Example(.template, .int(1), .unsupportedType),
        Example(.unknown, .int(.max), .integer(0xFFFF_FFFF)), Example(.unknown, .long(.max), .unsigned(.max)),
        Example(.unknown, .float(1.5), .number(1.5)), Example(.unknown, .double(.nan), .notFinite),
        Example(.unknown, .bool(false), .bool(false)), Example(.unknown, .string("a"), .text("a")),
        Example(.unknown, .bytes([0x66]), .text("Zg==")), Example(.unknown, nil, .missingValue),
        Example(.unknown, .template(SparkplugTemplate()), .unsupportedType),
    ]

    static let arrays: [Example] = [
        Example(.int8Array, .bytes([0x01, 0xFF, 0x80]), .text("[1,-1,-128]")),
        Example(.int16Array, .bytes([0x01, 0x00, 0xFE, 0xFF]), .text("[1,-2]")),
        Example(.int32Array, .bytes([0, 0, 0, 0x80]), .text("[-2147483648]")),
        Example(.int64Array, .bytes(Array(repeating: 0xFF, count: 8)), .text("[-1]")),
        Example(.uint8Array, .bytes([0xFF]), .text("[255]")),
        Example(.uint16Array, .bytes([0x34, 0x12]), .text("[4660]")),
        Example(.uint32Array, .bytes([0xFF, 0xFF, 0xFF, 0xFF]), .text("[4294967295]")),
        Example(.uint64Array, .bytes(Array(repeating: 0xFF, count: 8)), .text("[18446744073709551615]")),
        Example(.floatArray, .bytes([0, 0, 0xC0, 0x3F]), .text("[1.5]")),
        Example(.doubleArray, .bytes([0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0x80]), .text("[1.5,-0.0]")),
        Example(.doubleArray, .bytes([0, 0, 0, 0, 0, 0, 0xF0, 0x7F]), .notFinite),
        Example(.dateTimeArray, .bytes([0x00, 0x6C, 0x50, 0xC4, 0xA0, 0x01, 0, 0]), .text("[1790000000000]")),
        Example(.dateTimeArray, .bytes([0xC7, 0xD0, 0x90, 0x75, 0x24, 0x01]), .arrayLength),
        Example(
            .booleanArray, .bytes([0x0C, 0, 0, 0, 0x34, 0xF0]),
            .text(
                "[false,false,true,true,false,true,false,false,true,true,true,true]")),
        Example(.booleanArray, .bytes([0, 0, 0, 0]), .text("[]")), Example(.booleanArray, .bytes([]), .arrayLength),
        Example(.booleanArray, .bytes([0x09, 0, 0, 0, 0x34]), .arrayLength),
        Example(.booleanArray, .bytes([0xFF, 0xFF, 0xFF, 0xFF, 0x34]), .arrayLength),
        Example(.booleanArray, .bytes([0x01, 0, 0, 0, 0x80, 0x00]), .arrayLength),
        Example(.stringArray, .bytes(Array("ABC\0hello\0\0".utf8)), .text(#"["ABC","hello",""]"#)),
        Example(.stringArray, .bytes(Array("\"\\\n\0".utf8)), .text(#"["\"\\\n"]"#)),
        Example(.stringArray, .bytes(Array("ABC".utf8)), .unterminatedText),
        Example(.stringArray, .bytes([0xC3, 0x00]), .invalidUTF8), Example(.stringArray, .bytes([]), .text("[]")),
        Example(.int16Array, .bytes([1]), .arrayLength), Example(.int32Array, .bytes([1, 2, 3, 4, 5]), .arrayLength),
        Example(.doubleArray, .bytes([1]), .arrayLength), Example(.int8Array, .bytes([]), .text("[]")),
        Example(.int8Array, .string("1"), .wrongField), Example(.int8Array, .int(1), .wrongField),
    ]

    @Test("examples", arguments: integers + others + arrays)
    func example(_ example: Example) {
        let result = scalar(example.type, example.value)
        #expect(result.value == example.expected && result.reason == example.reason, "\(result)")
    }

    @Test("trap 3.5-2: arrays of floats are in little-endian order, whatever the examples of the specification show")
    func byteOrder() {
        // The example of the specification for [1.23, 89.341], in the order that is printed there, is something else.
        let printed: [UInt8] = [0x3F, 0x9D, 0x70, 0xA4, 0x42, 0xB2, 0xAE, 0x98]
        #expect(scalar(.floatArray, .bytes(printed)).value != .text("[1.2300000190734863,89.34100341796875]"))
        let ordered: [UInt8] = [0xA4, 0x70, 0x9D, 0x3F, 0x98, 0xAE, 0xB2, 0x42]
        #expect(scalar(.floatArray, .bytes(ordered)) == .success(.text("[1.2300000190734863,89.34100341796875]")))
    }

    @Test("a sign that is extended to 64 bits in int_value")
    func signExtension() {
        for (type, number) in [(SparkplugDataType.int8, UInt8(1)), (.int16, 2), (.int32, 3), (.int64, 4)] {
            // Datatype, and int_value with ten bytes of varint.
            let metric: [UInt8] = [0x20, number, 0x50, 0xFB] + Array(repeating: 0xFF, count: 8) + [0x01]
            #expect(scalar([0x12, UInt8(metric.count)] + metric) == .success(.integer(-5)), "\(type)")
        }
    }

    @Test("a mistake of a value lies where its metric begins")
    func place() {
        let payload = SparkplugPayload(
            timestamp: 1, metrics: [SparkplugMetric(name: "m", type: .int8, value: .int(1000))])
        #expect(scalar(payload.encoded) == .failure(SparkplugError(.valueOutOfRange, at: 4)))
    }

    // Assertions: payloads-propertyset-quality-value-type, payloads-propertyset-quality-value-value
    @Test("0, 192 and 500, in any case of the key; others are uncertain")
    func quality() throws {
        func quality(_ set: SparkplugPropertySet?) throws -> SparkplugQuality {
            var metric = SparkplugMetric(name: "m", type: .int32, value: .int(1))
            metric.properties = set
            let bytes = SparkplugPayload(metrics: [metric]).encoded
            var reader = try SparkplugMetricReader(bytes.span)
            return try #require(try reader.next(bytes.span)).quality(in: bytes.span)
        }
        func set(_ key: String, _ value: SparkplugValue?, _ type: SparkplugDataType = .int32) -> SparkplugPropertySet {
            SparkplugPropertySet(keys: [key], values: [SparkplugPropertyValue(type: type, value: value)])
        }
        #expect(try quality(nil) == .good)
        for expected in [SparkplugQuality.good, .uncertain, .bad, .stale] {
            #expect(try quality(SparkplugPropertySet(quality: expected)) == expected)
        }
        for key in ["Quality", "quality", "QUALITY"] { #expect(try quality(set(key, .int(0))) == .bad) }
        #expect(try quality(set("Qualit", .int(0))) == .good)
        #expect(try quality(set("Quality2", .int(0))) == .good)
        for code in [UInt32(1), 64, 193, .max] { #expect(try quality(set("Quality", .int(code))) == .uncertain) }
        #expect(try quality(set("Quality", .long(500), .int64)) == .stale)
        var null = set("Quality", nil)
        null.values[0].isNull = true
        #expect(try quality(null) == .good)
        #expect(throws: SparkplugError.self) { try quality(set("Quality", .string("good"))) }
        #expect(throws: SparkplugError.self) { try quality(set("Quality", nil)) }
        // Behind other properties; with a key for which there is no value.
        var several = set("Engineering Unit", .string("bar"), .string)
        several.keys.append("quality")
        #expect(try quality(several) == .good)
        several.values.append(SparkplugPropertyValue(type: .int32, value: .int(500)))
        #expect(try quality(several) == .stale)
    }
}
