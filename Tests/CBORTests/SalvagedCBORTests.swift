import CBOR
import JSON
import OrderedCollections
import Testing

@Suite("CBOR: what is salvaged of a broken item")
struct SalvagedCBORTests {
    private func salvage(_ text: String) -> SalvagedJSON? {
        try? SalvagedJSON(salvagingCBOR: hex(text).span)
    }

    /// What stands at a place, in words.
    private func part(_ document: SalvagedJSON?, _ tokens: String...) -> String {
        switch document?.lookUp(JSONPointer(tokens: tokens)) {
        case nil: "refused"
        case .missing: "missing"
        case .scalar(let value): "\(value)"
        case .container: "container"
        case .broken(let error): "\(error.reason) at \(error.offset)"
        }
    }

    @Test("a NaN costs itself alone")
    func notFinite() {
        // {"a": 1, "b": NaN, "c": [2, -Infinity, 3]}
        let document = salvage("a3 6161 01 6162 f97e00 6163 83 02 f9fc00 03")
        #expect(part(document, "a") == "1")
        #expect(part(document, "b") == "notFinite at 6")
        #expect(part(document, "c", "0") == "2")
        #expect(part(document, "c", "1") == "notFinite at 13")
        #expect(part(document, "c", "2") == "3")
        #expect(part(document, "d") == "missing")
        #expect(document?.soundParts == ["a": 1, "c": [2, nil, 3]])
    }

    @Test(
        "so does every other value of no use",
        arguments: [
            "f0", "f8ff", "6180", "7f61c3ff", "c000", "c1 82 01 02", "c2 a1 01 80", "c4 82 01 82 01 02",
            "c4 85 01 02 03 04 05",
            "c482190fff01", "c5 9f 01 02 03 ff", "c0 c1 c2 00",
        ])
    func confined(_ item: String) {
        let document = salvage("a3 6161 01 6162 \(item) 6163 02")
        #expect(part(document, "a") == "1")
        #expect(
            part(document, "b").hasSuffix(" at 6") || part(document, "b") == "invalidUTF8 at 7",
            "\(part(document, "b"))")
        #expect(part(document, "c") == "2")
        #expect(part(document, "d") == "missing")
    }

    @Test("a key given twice costs that member")
    func duplicateKey() {
        let document = salvage("a3 6161 01 6162 02 6161 03")
        #expect(part(document, "a") == "duplicateKey at 7")
        #expect(part(document, "b") == "2")
    }

    @Test(
        "a key of another kind costs its value, and makes what is not found unsure",
        arguments: [
            "f5", "f97e00", "4161", "8101", "a1 01 a0", "c0 6161", "6180",
        ])
    func unsupportedKey(_ key: String) {
        let document = salvage("a3 6161 01 \(key) 83 01 02 03 6162 02")
        #expect(part(document, "a") == "1")
        #expect(part(document, "b") == "2")
        #expect(part(document, "c").hasSuffix(" at 4"), "\(part(document, "c"))")
    }

    @Test("of a cut item, what came before stands")
    func cut() {
        // {"a": 1, "b": {"c": 2, "d": "xyz"}, "e": 3}, cut in "xyz"
        let document = salvage("a3 6161 01 6162 a2 6163 02 6164 6378")
        #expect(part(document, "a") == "1")
        #expect(part(document, "b", "c") == "2")
        #expect(part(document, "b", "d") == "unexpectedEnd at 12")
        #expect(part(document, "e") == "unexpectedEnd at 12")
        #expect(document?.soundParts == ["a": 1, "b": ["c": 2]])
    }

    @Test("behind what is no CBOR, nothing is read")
    func end() {
        let document = salvage("84 01 82 02 1c 03 04")
        #expect(part(document, "0") == "1")
        #expect(part(document, "1", "0") == "2")
        #expect(part(document, "1", "1") == "unexpectedByte at 4")
        #expect(part(document, "2") == "unexpectedByte at 4")
    }

    @Test(
        "what has no whole value is refused",
        arguments: [
            "", "1c", "ff", "f97e00", "6180", "0000", "8101 00", "82f97e00", "a1 6161", "a26161", "9f", "bf", "6261",
            "83 1c 00 00",
            "c2 00",
        ])
    func refused(_ encoding: String) {
        #expect(salvage(encoding) == nil)
    }

    @Test("nesting beyond the limit ends the reading")
    func depth() {
        let document = salvage("83 01 " + String(repeating: "81", count: 100_000) + "00 02")
        #expect(part(document, "0") == "1")
        #expect(part(document, "2") == "tooDeep at 65")
    }
}
