import TestFixtures
import Testing

@testable import JSON

@Suite("Places with wildcards")
struct JSONPointerPatternTests {
    private func pattern(_ text: String) throws -> JSONPointerPattern { try JSONPointerPattern(text) }

    @Test("A pattern is a pointer in which + stands for one step and a last # for the rest")
    func parsing() throws {
        #expect(try pattern("/a/+/b").steps == [.name("a"), .any, .name("b")])
        #expect(try pattern("/#").steps == [.rest])
        #expect(try pattern("/a~1b/+").description == "/a~1b/+")
        #expect(try pattern("/a/b").pointer == JSONPointer("/a/b"))
        #expect(try pattern("").pointer == JSONPointer(""))
        #expect(try pattern("/+").pointer == nil)
        // Only a whole step is a wildcard.
        #expect(try pattern("/a+/#b").steps == [.name("a+"), .name("#b")])
        #expect(throws: JSONPointerPattern.Mistake.misplacedRest) { try pattern("/#/a") }
        #expect(throws: JSONPointerPattern.Mistake.pointer(.noLeadingSlash)) { try pattern("a/+") }
    }

    @Test(
        "What the wildcards stand for leads back to the place",
        arguments: [
            ("/+", "/a", [["a"]]), ("/+", "/a/b", nil), ("/+", "", nil), ("/a/+/c", "/a/b/c", [["b"]]),
            ("/a/+/c", "/a/b/d", nil), ("/+/+", "/a/b", [["a"], ["b"]]), ("/#", "/a/b/c", [["a", "b", "c"]]),
            ("/x/#", "/x/y", [["y"]]), ("/x/#", "/x", nil), ("/+/#", "/a/b/c", [["a"], ["b", "c"]]), ("/a", "/a", []),
            ("/#", "/1/2/3/4/5/6/7/8", [["1", "2", "3", "4", "5", "6", "7", "8"]]), ("/#", "/1/2/3/4/5/6/7/8/9", nil),
        ] as [(String, String, [[String]]?)])
    func captures(text: String, place: String, captures: [[String]]?) throws {
        let pattern = try pattern(text)
        #expect(try pattern.captures(JSONPointer(place)) == captures)
        if let captures { #expect(try pattern.place(captures) == JSONPointer(place)) }
    }

    @Test("Captures of another pattern lead nowhere")
    func misfit() throws {
        #expect(try pattern("/+").place([]) == nil)
        #expect(try pattern("/+").place([["a", "b"]]) == nil)
        #expect(try pattern("/+").place([["a"], ["b"]]) == nil)
        #expect(try pattern("/#").place([[]]) == nil)
        #expect(try pattern("/a").place([["a"]]) == nil)
    }

    private func steps(_ document: String, _ text: String) throws -> [String] {
        var found: [SalvagedJSON.Step] = []
        try SalvagedJSON(salvaging: Array(document.utf8).span).forEachStep(pattern(text)) {
            found.append($0)
            return .goOn
        }
        return found.map { step in
            let what =
                switch step.part {
                case .missing: "?"
                case .scalar(let value): value.description
                case .container: "…"
                case .broken: "broken"
                }
            return "\(step.place)=\(what)"
        }
    }

    @Test("A document gives the places that a pattern means, and what lies on the way")
    func walking() throws {
        let document = #"{"a":1,"b":{"c":2,"d":[3,{"e":null}]},"f":nan}"#
        #expect(try steps(document, "/+") == ["/a=1", "/b=…", "/f=broken"])
        #expect(try steps(document, "/+/c") == ["/a=1", "/b=…", "/b/c=2", "/f=broken"])
        #expect(
            try steps(document, "/#")
                == ["/a=1", "/b=…", "/b/c=2", "/b/d=…", "/b/d/0=3", "/b/d/1=…", "/b/d/1/e=null", "/f=broken"])
        #expect(try steps(document, "/b/d/+/e") == ["/b=…", "/b/d=…", "/b/d/0=3", "/b/d/1=…", "/b/d/1/e=null"])
        #expect(try steps(document, "/x/+") == [])
        #expect(try steps("[1,[2]]", "/+/0") == ["/0=1", "/1=…", "/1/0=2"])
        #expect(try steps("5", "/#") == [])
    }

    @Test("What lies deeper than # reaches stays an object")
    func depth() throws {
        let deep = String(repeating: #"{"a":"#, count: 10) + "1" + String(repeating: "}", count: 10)
        let last = try #require(steps(deep, "/#").last)
        #expect(last == "/a/a/a/a/a/a/a/a=…")
    }

    @Test("A scan gives up exactly where something stands that its plan does not know and has to")
    func openPlans() throws {
        func scan(_ document: String, known: [String], open: [String]) throws -> Bool {
            var scanner = JSONScanner()
            return scanner.scan(
                Array(document.utf8).span,
                plan: try JSONScanPlan(known.map { try JSONPointer($0) }, patterns: open.map { try pattern($0) }))
        }
        let document = #"{"a":1,"b":{"c":2},"d":[3,4]}"#
        #expect(try scan(document, known: [], open: []))
        #expect(try !scan(document, known: [], open: ["/+"]))
        #expect(try !scan(document, known: ["/a", "/b"], open: ["/+"]))
        #expect(try scan(document, known: ["/a", "/b", "/d"], open: ["/+"]))
        #expect(try !scan(document, known: ["/a", "/b", "/d"], open: ["/+/+"]))
        #expect(try scan(document, known: ["/a", "/b", "/b/c", "/d", "/d/0", "/d/1"], open: ["/+/+"]))
        #expect(try !scan(document, known: ["/a", "/b", "/b/c", "/d", "/d/0"], open: ["/#"]))
        #expect(try scan(document, known: ["/a", "/b", "/b/c", "/d", "/d/0", "/d/1"], open: ["/#"]))
        #expect(try scan(document, known: [], open: ["/x/+"]), "it leads to nothing here")
        #expect(try !scan(document, known: [], open: ["/b/+"]))
        #expect(
            try !scan(document, known: ["/a", "/b", "/d"], open: ["/+", "/b/+"]), "through a node of another pattern")
        #expect(try !scan(document, known: ["/a", "/d/0", "/d/1"], open: ["/+/+", "/b/x"]))
        // A name in the end, below what is known.
        #expect(try !scan(document, known: ["/a", "/b", "/d"], open: ["/+/c"]))
        #expect(try scan(document, known: ["/a", "/b", "/d"], open: ["/+/e"]))
        #expect(try scan(document, known: ["/a", "/b", "/b/c", "/d"], open: ["/+/c"]))
        #expect(try !scan(document, known: ["/a", "/b/c", "/d"], open: ["/+"]), "only what lies in it is known")
        #expect(try !scan(document, known: [], open: ["/é/+"]), "names beyond ASCII are for the full reader")
    }
}
