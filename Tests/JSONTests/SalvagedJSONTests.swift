import TestFixtures
import Testing

@testable import JSON

@Suite("SalvagedJSON: a broken part costs itself alone")
struct SalvagedJSONTests {
    private func salvage(_ text: String) throws(JSONError) -> SalvagedJSON {
        try SalvagedJSON(salvaging: Array(text.utf8).span)
    }

    /// What stands at a place: its JSON, `-` when nothing does, `!` when it is broken, `…` for a container.
    private func look(_ document: SalvagedJSON, _ pointer: String) throws -> String {
        switch document.lookUp(try JSONPointer(pointer)) {
        case .missing: "-"
        case .broken: "!"
        case .container: "…"
        case .scalar(let value): "\(value)"
        }
    }

    @Test(
        "what stays of a document with a broken part",
        arguments: [
            // A value that is no JSON.
            (#"{"a":nan,"b":1}"#, "/a !, /b 1, /c -"), (#"{"a":1,"b":-inf}"#, "/a 1, /b !"),
            (#"{"a":1.#QNAN,"b":1}"#, "/a !, /b 1"), (#"{"a":,"b":1}"#, "/a !, /b 1"),
            (#"{"a":007,"b":1}"#, "/a !, /b 1"), (#"{"a":1e999,"b":1}"#, "/a !, /b 1"),
            (#"{"a":'x',"b":1}"#, "/a !, /b 1"), ("{\"a\":\"x\ny\",\"b\":1}", "/a !, /b 1, /c -"),
            ("{\"a\":\"\\q\",\"b\":1}", "/a !, /b 1"),
            // Nested.
            (#"{"s":{"t":nan,"u":2},"b":1}"#, "/s/t !, /s/u 2, /b 1, /s …"), (#"[1,nan,3]"#, "/0 1, /1 !, /2 3, /3 -"),
            (#"[1,,3]"#, "/0 1, /1 !, /2 3"), (#"{"s":nan}"#, "/s/t !"),
            // Something between a value and the delimiter after it.
            (#"{"a":1 x,"b":2}"#, "/a !, /b 2, /c -"), (#"{"a":1 "b":2,"c":3}"#, "/a !, /b !, /c 3"),
            (#"{"s":{"t":1}x,"b":2}"#, "/s !, /b 2"),
            // A decimal comma: 21 may be 21.5.
            (#"{"a":21,5,"b":2}"#, "/a !, /b 2, /c !"), (#"{"a":1,x,"b":2}"#, "/a 1, /b 2, /c !"),
            // A name that is none, or stands twice.
            (#"{a:1,"b":2}"#, "/a !, /b 2"), (#"{"a":1,"a":2,"b":3}"#, "/a !, /b 3"),
            // The end in the middle.
            (#"{"a":1,"b":2"#, "/a 1, /b !, /c !"), (#"{"a":1,"b":"#, "/a 1, /b !"), (#"{"a":1,"b"#, "/a 1, /b !"),
            (#"{"s":{"t":1,"u":"#, "/s/t 1, /s/u !, /s/w !, /b !"), (#"{"a":1,"b":"x"#, "/a 1, /b !"),
            // The wrong bracket.
            (#"{"a":1,"s":[1,2},"b":3}"#, "/a 1, /s/0 1, /s/2 !, /b !"),
            // Nothing is lost.
            (#"{"a":1,}"#, "/a 1, /b -"), (#"{"a":1,,"b":2}"#, "/a 1, /b 2, /c -"), ("[1,]", "/0 1, /1 -"),
        ])
    func broken(text: String, expected: String) throws {
        let document = try salvage(text)
        for part in expected.split(separator: ", ") {
            let words = part.split(separator: " ")
            #expect(try look(document, String(words[0])) == words[1], "\(words[0]) of \(text)")
        }
        #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    }

    @Test(
        "a document of which nothing can be read is refused as by the strict reader",
        arguments: [
            "", " ", "nothing", "{", "[", #"{"a""#, #"{"a":1"#, #"{"a":1}x"#, #"{"a":1}{"a":2}"#, "{]", "\u{FEFF}1",
        ])
    func refused(text: String) {
        #expect(throws: JSONError.self) { _ = try salvage(text) }
    }

    @Test("a bare nan or inf is called by its name", arguments: ["nan", "NaN", "-nan", "inf", "-Infinity", " INF "])
    func notFinite(word: String) throws {
        guard case .broken(let error) = try salvage("{\"a\":\(word),\"b\":1}").lookUp(JSONPointer("/a")) else {
            Issue.record("\(word) is taken")
            return
        }
        #expect(error.reason == .notFinite)
        #expect(throws: JSONError.self) { _ = try salvage(word) }
    }

    @Test(
        "Valid documents are read as the strict reader reads them; damaged ones never by another value",
        arguments: 0..<8)
    func differential(seed: UInt64) throws {
        var generator = JSONGenerator(seed: seed)
        for _ in 0..<2000 {
            let value = generator.value()
            let bytes = value.serialized()
            let document = try SalvagedJSON(salvaging: bytes.span)
            #expect(document.isWhole && document.soundParts == value, "seed \(seed): \(value)")
            let damaged = generator.damaged(bytes)
            let strict = try? JSONValue(parsing: damaged)
            let salvaged = try? SalvagedJSON(salvaging: damaged.span)
            if let strict {
                #expect(salvaged?.isWhole == true && salvaged?.soundParts == strict, "seed \(seed): \(value)")
            }
        }
    }

    @Test("A hostile document costs time in proportion to its length")
    func linear() throws {
        let depth = 70
        let nested = String(repeating: #"{"a":"#, count: depth) + "1" + String(repeating: "}x", count: depth)
        let openings = String(repeating: #"{"a":["#, count: 50_000)
        let quotes = "[" + String(repeating: #""a" "b","#, count: 50_000)
        let words = "[" + String(repeating: "nan,", count: 100_000) + "1]"
        let clock = ContinuousClock()
        let time = clock.measure {
            for text in [nested, openings, quotes, words] { _ = try? SalvagedJSON(salvaging: Array(text.utf8).span) }
        }
        // Milliseconds; quadratic would be minutes.
        #expect(time < .seconds(20))
    }
}
