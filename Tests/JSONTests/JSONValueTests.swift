import JSON
import TestFixtures
import Testing

@Suite("JSON documents")
struct JSONValueTests {
    @Test(
        "What RFC 8259 allows is read",
        arguments: [
            ("null", JSONValue.null), (" true\n", true), ("false", false), ("0", 0), ("-0", 0), ("85", 85),
            ("-9223372036854775808", .integer(.min)), ("9223372036854775807", .integer(.max)),
            ("9223372036854775808", .number(9_223_372_036_854_775_808)), ("1.5", 1.5), ("1e2", 100.0), ("1E-2", 0.01),
            ("-1.0e+1", -10.0), ("\"\"", ""), ("\"a\\u00e9\\n\\/\\ud83d\\ude00\"", "aé\n/😀"), ("[]", []),
            ("[1,[2]]", [1, [2]]),
            ("{}", [:]), ("{\"a\":{\"b\":null}}", ["a": ["b": nil]]), ("\"\\u0000\"", "\u{0}"),
            ("\t[ 1 , 2 ]\r\n", [1, 2]),
        ] as [(String, JSONValue)])
    func accepts(text: String, expected: JSONValue) throws {
        #expect(try JSONValue(parsing: text) == expected)
    }

    @Test(
        "What it does not allow is refused with the reason",
        arguments: [
            ("", .empty), ("  ", .empty), ("nul", .unexpectedEnd), ("nulL", .unexpectedByte), ("True", .unexpectedByte),
            ("01", .trailingBytes), ("-", .unexpectedEnd), ("-a", .invalidNumber), ("1.", .unexpectedEnd),
            (".5", .unexpectedByte),
            ("+1", .unexpectedByte), ("1e", .unexpectedEnd), ("1.e1", .invalidNumber), ("NaN", .unexpectedByte),
            ("Infinity", .unexpectedByte), ("1e999", .numberOutOfRange), ("-1e999", .numberOutOfRange),
            ("[1,]", .unexpectedByte),
            ("[1 2]", .unexpectedByte), ("[", .unexpectedEnd), ("{\"a\" 1}", .unexpectedByte),
            ("{\"a\":1,}", .unexpectedByte),
            ("{a:1}", .unexpectedByte), ("{\"a\":1,\"a\":2}", .duplicateKey), ("\"a", .unexpectedEnd),
            ("\"\\x\"", .invalidEscape),
            ("\"\\ud800\"", .invalidEscape), ("\"\\udc00\"", .invalidEscape), ("\"\\ud800\\u0041\"", .invalidEscape),
            ("\"\\u12\"", .invalidEscape), ("\"\u{1}\"", .controlCharacter), ("1 1", .trailingBytes),
            ("\u{FEFF}1", .unexpectedByte),
        ] as [(String, JSONError.Reason)])
    func refuses(text: String, reason: JSONError.Reason) {
        #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
        do {
            _ = try JSONValue(parsing: text)
        } catch {
            #expect(error.reason == reason, "\(text)")
        }
    }

    @Test(
        "Bytes that are not UTF-8 are refused",
        arguments: [[0xC0, 0x80], [0xED, 0xA0, 0x80], [0xFF], [0xC3], [0xF4, 0x90, 0x80, 0x80]])
    func refusesInvalidUTF8(bytes: [UInt8]) {
        #expect(throws: JSONError(.invalidUTF8, at: 1)) { try JSONValue(parsing: [0x22] + bytes + [0x22]) }
    }

    @Test("Sixty-four levels are read, one more and a hundred thousand are not")
    func depth() throws {
        _ = try JSONValue(parsing: String(repeating: "[", count: 64) + String(repeating: "]", count: 64))
        for count in [65, 100_000] {
            #expect(throws: JSONError(.tooDeep, at: 64)) {
                try JSONValue(parsing: String(repeating: "[", count: count))
            }
        }
    }

    @Test("A document that is written reads back the same")
    func roundTrip() throws {
        var generator = JSONGenerator(seed: 1)
        for round in 0..<2000 {
            let value = generator.value()
            let bytes = value.serialized()
            #expect(try JSONValue(parsing: bytes) == value, "round \(round): \(value)")
        }
    }

    @Test("Every truncation and any damage ends in a value or an error")
    func survivesDamage() {
        var generator = JSONGenerator(seed: 2)
        for _ in 0..<300 {
            let bytes = generator.value().serialized()
            for length in bytes.indices { _ = try? JSONValue(parsing: bytes.prefix(length)) }
            for _ in 0..<20 { _ = try? JSONValue(parsing: generator.damaged(bytes)) }
        }
    }

    @Test("Numbers are written so that they read back exactly and integers stay integers")
    func numbers() {
        #expect(JSONValue.integer(.min).description == "-9223372036854775808")
        #expect(JSONValue.number(85).description == "85.0")
        #expect(JSONValue.number(0.1).description == "0.1")
        #expect(JSONValue.number(-.infinity).description == "null")
        #expect(JSONValue.number(.nan).description == "null")
        #expect((["k": ["a\"\\\n\u{1}é", nil]] as JSONValue).description == #"{"k":["a\"\\\n\u0001é",null]}"#)
    }

    @Test("Accessors answer for their kind only")
    func accessors() {
        let value: JSONValue = ["i": 3, "d": 3.0, "h": 3.5, "s": "x", "b": true, "n": nil, "a": [1]]
        #expect(value["i"]?.intValue == 3)
        #expect(value["d"]?.intValue == 3)
        #expect(value["h"]?.intValue == nil)
        #expect(value["i"]?.doubleValue == 3)
        #expect(value["s"]?.stringValue == "x")
        #expect(value["b"]?.boolValue == true)
        #expect(value["n"]?.isNull == true)
        #expect(value["a"]?[0] == 1)
        #expect(value["a"]?[1] == nil)
        #expect(value["missing"] == nil)
        #expect(value["s"]?["x"] == nil)
    }
}

@Suite("JSON Pointers")
struct JSONPointerTests {
    @Test(
        "The examples of RFC 6901",
        arguments: [
            ("/foo", ["bar", "baz"]), ("/foo/0", "bar"), ("/", 0), ("/a~1b", 1), ("/c%d", 2), ("/e^f", 3), ("/g|h", 4),
            ("/i\\j", 5),
            ("/k\"l", 6), ("/ ", 7), ("/m~0n", 8),
        ] as [(String, JSONValue)])
    func examples(text: String, expected: JSONValue) throws {
        let document: JSONValue = [
            "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7,
            "m~n": 8,
        ]
        let pointer = try JSONPointer(text)
        #expect(document.value(at: pointer) == expected)
        #expect(pointer.description == text)
        #expect(document.value(at: try JSONPointer("")) == document)
    }

    @Test(
        "Indices are digits without a leading zero",
        arguments: ["/foo/2", "/foo/-", "/foo/01", "/foo/99999999999", "/foo/1/x"])
    func noSuchPlace(text: String) throws {
        let document: JSONValue = ["foo": ["bar", "baz"]]
        #expect(document.value(at: try JSONPointer(text)) == nil)
    }

    @Test("Mistakes are named")
    func mistakes() {
        #expect(throws: JSONPointer.Mistake.noLeadingSlash) { try JSONPointer("a") }
        #expect(throws: JSONPointer.Mistake.invalidEscape) { try JSONPointer("/a~") }
        #expect(throws: JSONPointer.Mistake.invalidEscape) { try JSONPointer("/a~2") }
        #expect(throws: JSONPointer.Mistake.tooDeep) { try JSONPointer(String(repeating: "/a", count: 65)) }
    }
}
