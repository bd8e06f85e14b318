import CBOR
import JSON
import OrderedCollections
import Testing

@Suite("CBOR: what is refused, why and where")
struct CBORRuleTests {
    struct Mistake: CustomTestStringConvertible {
        let encoding: String
        let reason: CBORError.Reason
        let offset: Int

        init(_ encoding: String, _ reason: CBORError.Reason, at offset: Int) {
            self.encoding = encoding
            self.reason = reason
            self.offset = offset
        }

        var testDescription: String { encoding }
    }

    static let mistakes: [Mistake] = [
        Mistake("", .empty, at: 0),
        Mistake("0000", .trailingBytes, at: 1),
        // Additional information 28 to 30, of every major type (3).
        Mistake("1c", .reserved, at: 0), Mistake("3d", .reserved, at: 0), Mistake("5e", .reserved, at: 0),
        Mistake("7c", .reserved, at: 0), Mistake("9d", .reserved, at: 0), Mistake("be", .reserved, at: 0),
        Mistake("dc", .reserved, at: 0), Mistake("fd", .reserved, at: 0), Mistake("8200fe", .reserved, at: 2),
        // 31 where no length is (3.2.1).
        Mistake("1f", .reserved, at: 0), Mistake("3f", .reserved, at: 0), Mistake("df00", .reserved, at: 0),
        // A simple value below 32 in two bytes (3.3).
        Mistake("f800", .reserved, at: 0), Mistake("f814", .reserved, at: 0), Mistake("f81f", .reserved, at: 0),
        Mistake("f820", .unassignedSimple, at: 0), Mistake("e0", .unassignedSimple, at: 0),
        Mistake("8101f3", .trailingBytes, at: 2), Mistake("8201f3", .unassignedSimple, at: 2),
        // Breaks that close nothing.
        Mistake("ff", .unexpectedBreak, at: 0), Mistake("81ff", .unexpectedBreak, at: 1),
        Mistake("a1ff00", .unexpectedBreak, at: 1), Mistake("a16161ff", .unexpectedBreak, at: 3),
        Mistake("bf6161ff", .unexpectedBreak, at: 3), Mistake("c1ff", .unexpectedBreak, at: 1),
        Mistake("d82aff", .unexpectedBreak, at: 2), Mistake("9f81ffff", .unexpectedBreak, at: 2),
        // Chunks (3.2.3): of the other kind, of indefinite length, no string at all, a character in two parts.
        Mistake("5f6161ff", .invalidChunk, at: 1), Mistake("7f4161ff", .invalidChunk, at: 1),
        Mistake("7f7f6161ffff", .invalidChunk, at: 1), Mistake("5f00ff", .invalidChunk, at: 1),
        Mistake("7f61c361bcff", .invalidUTF8, at: 1),
        // UTF-8: a lone continuation, an overlong form, a surrogate, beyond U+10FFFF, cut.
        Mistake("6180", .invalidUTF8, at: 0), Mistake("62c080", .invalidUTF8, at: 0),
        Mistake("63eda080", .invalidUTF8, at: 0), Mistake("64f4908080", .invalidUTF8, at: 0),
        Mistake("8262c3bc61c3", .invalidUTF8, at: 4),
        // Keys.
        Mistake("a1f500", .unsupportedKey, at: 1), Mistake("a1416100", .unsupportedKey, at: 1),
        Mistake("a1f93c0000", .unsupportedKey, at: 1), Mistake("a18000", .unsupportedKey, at: 1),
        Mistake("a1a000", .unsupportedKey, at: 1), Mistake("a1c06161 00", .unsupportedKey, at: 1),
        Mistake("a1618000", .invalidUTF8, at: 1),
        Mistake("a2616100616101", .duplicateKey, at: 4), Mistake("bf010001 02ff", .duplicateKey, at: 3),
        // The same key in two encodings, and an integer that reads as the text before it.
        Mistake("a20100180100", .duplicateKey, at: 3), Mistake("a2613100 0100", .duplicateKey, at: 4),
        Mistake("a27f616161 62ff00 62616200", .duplicateKey, at: 8),
        // Lengths.
        Mistake("6261", .lengthBeyondEnd, at: 0), Mistake("5bffffffffffffffff", .lengthBeyondEnd, at: 0),
        Mistake("7b7fffffffffffffff61", .lengthBeyondEnd, at: 0),
        Mistake("9bffffffffffffffff00", .lengthBeyondEnd, at: 0),
        Mistake("bb7fffffffffffffff00", .lengthBeyondEnd, at: 0), Mistake("a20001 00", .lengthBeyondEnd, at: 0),
        Mistake("829b000000010000000000", .lengthBeyondEnd, at: 1),
        Mistake("18", .unexpectedEnd, at: 1), Mistake("1b00", .unexpectedEnd, at: 2),
        Mistake("8200", .lengthBeyondEnd, at: 0),
        Mistake("828100", .unexpectedEnd, at: 3), Mistake("9f00", .unexpectedEnd, at: 2),
        Mistake("c1", .unexpectedEnd, at: 1),
        // Numbers.
        Mistake("82f97c0000", .notFinite, at: 1), Mistake("a1616183 00fa7fc0000100", .notFinite, at: 5),
        Mistake("c1f97e00", .notFinite, at: 1),
        // Tags (3.4).
        Mistake("c000", .invalidTagContent, at: 0), Mistake("c04161", .invalidTagContent, at: 0),
        Mistake("c16161", .invalidTagContent, at: 0), Mistake("c1f5", .invalidTagContent, at: 0),
        Mistake("c200", .invalidTagContent, at: 0), Mistake("c36161", .invalidTagContent, at: 0),
        Mistake("c400", .invalidTagContent, at: 0), Mistake("c48101", .invalidTagContent, at: 0),
        Mistake("c483010203", .invalidTagContent, at: 0), Mistake("c482f93c0001", .invalidTagContent, at: 0),
        Mistake("c48201f93c00", .invalidTagContent, at: 0), Mistake("c482c2410101", .invalidTagContent, at: 0),
        Mistake("c49f01ff", .invalidTagContent, at: 0), Mistake("c49f010203ff", .invalidTagContent, at: 0),
        Mistake("8200c582016161", .invalidTagContent, at: 2),
        Mistake("c482190400 01", .numberOutOfRange, at: 0), Mistake("c582190400 01", .numberOutOfRange, at: 0),
        Mistake("c4821bffffffffffffffff 01", .numberOutOfRange, at: 0),
    ]

    @Test("mistakes", arguments: mistakes)
    func mistake(_ mistake: Mistake) {
        #expect(decode(mistake.encoding) == .failure(CBORError(mistake.reason, at: mistake.offset)))
    }

    @Test(
        "any width of a length or an integer is accepted",
        arguments: ["1817", "190017", "1a00000017", "1b0000000000000017"])
    func widths(_ encoding: String) {
        #expect(decode(encoding) == .success(23))
    }

    @Test("lengths in eight bytes")
    func longLengths() {
        #expect(decode("7b000000000000000161") == .success("a"))
        #expect(decode("9b0000000000000001 00") == .success([0]))
        #expect(decode("bb0000000000000001 00 01") == .success(["0": 1]))
    }

    @Test("keys are exact over all integers")
    func integerKeys() {
        let expected: JSONValue = [
            "18446744073709551615": 0, "-18446744073709551616": 1, "-1": 2, "-9223372036854775809": 3,
        ]
        #expect(
            decode("a4 1bffffffffffffffff 00 3bffffffffffffffff 01 20 02 3b8000000000000000 03") == .success(expected))
    }

    @Test("members keep their order")
    func order() {
        let value = decode("a3 617a 01 6161 02 05 03").value
        #expect(value?.objectValue.map { Array($0.keys) } == ["z", "a", "5"])
    }

    @Test("tags without a meaning here are passed through, also one in another, around any content")
    func transparentTags() {
        #expect(decode("d9d9f7 c1 00") == .success(0))
        #expect(decode("d9d9f7 82 d82a 01 d82a d82a f6") == .success([1, nil]))
        #expect(decode("a1 6161 dbffffffffffffffff a0") == .success(["a": [:]]))
    }

    @Test("half a million tags around one value")
    func manyTags() {
        let tags = [UInt8](repeating: 0xC6, count: 500_000)
        #expect(decode(tags + [0x00]) == .success(0))
        #expect(decode(tags) == .failure(CBORError(.unexpectedEnd, at: tags.count)))
    }

    @Test("arrays and maps nest as deep as in JSON, and no deeper", arguments: ["81", "9f", "a100", "bf00"])
    func depth(_ opening: String) {
        let closing = opening == "9f" || opening == "bf00" ? "ff" : ""
        func nested(_ depth: Int) -> [UInt8] {
            hex(String(repeating: opening, count: depth) + "00" + String(repeating: closing, count: depth))
        }
        #expect(decode(nested(JSONParser.depthLimit)).value != nil)
        let start = JSONParser.depthLimit * hex(opening).count
        #expect(decode(nested(JSONParser.depthLimit + 1)) == .failure(CBORError(.tooDeep, at: start)))
        #expect(decode(nested(100_000)) == .failure(CBORError(.tooDeep, at: start)))
        // As deep as JSON itself.
        let text =
            String(repeating: "[", count: JSONParser.depthLimit) + String(repeating: "]", count: JSONParser.depthLimit)
        #expect((try? JSONValue(parsing: text)) != nil)
        #expect((try? JSONValue(parsing: "[\(text)]")) == nil)
    }

    @Test("Byte strings are Base64")
    func byteStrings() {
        #expect(
            decode("40") == .success("") && decode("43fbefff") == .success("++//") && decode("4166") == .success("Zg==")
        )
    }
}
