import JSON
import OrderedCollections
import Primitives
import TestFixtures
import Testing

@Suite("Elements of a container, by their bytes")
struct JSONElementsTests {
    private static func elements(_ text: String, at place: String = "") throws -> (elements: [String], isBroken: Bool)?
    {
        let bytes = Array(text.utf8)
        guard var cursor = JSONElements(of: bytes.span, at: try JSONPointer(place)) else { return nil }
        var found: [String] = []
        while let element = cursor.next(bytes.span) {
            let name = element.name.map { String(decoding: bytes[$0], as: UTF8.self) + "=" } ?? ""
            found.append(name + String(decoding: bytes[element.value], as: UTF8.self))
        }
        return (found, cursor.isBroken)
    }

    @Test(
        "Every element stands for itself",
        arguments: [
            ("[]", "", [], false), (" [ ] ", "", [], false), ("[1]", "", ["1"], false),
            (#"[ {"a":[1,2]} , "x,]" ,null]"#, "", [#"{"a":[1,2]}"#, #""x,]""#, "null"], false),
            (#"{"1700": {"v":1}, "1701":2}"#, "", [#"1700={"v":1}"#, "1701=2"], false),
            (#"{"a":{"b":[7,8]}}"#, "/a/b", ["7", "8"], false), (#"[[1],[2,3]]"#, "/1", ["2", "3"], false),
            (#"{"\u0061":[7]}"#, "/a", ["7"], false), (#"["\"]",2]"#, "", [#""\"]""#, "2"], false),
            (#"{"x":"{","a":[1]}"#, "/a", ["1"], false),
            // What is broken costs itself alone.
            ("[nan,2,007]", "", ["nan", "2", "007"], false), ("[1 x,2]", "", ["1 x", "2"], false),
            ("[1,,2,]", "", ["1", "2"], false), ("[1,2", "", ["1", "2"], true),
            ("[1,{\"a\":", "", ["1", "{\"a\":"], true),
            ("[", "", [], true), ("[1] x", "", ["1"], true), ("{1:2}", "", [], true), (#"{"a" 1}"#, "", [], true),
            (#"{"a":1,"b}"#, "", ["a=1"], true), ("[1}", "", ["1"], true), (#"{"a":}"#, "", [], true),
            (#"{"a":[1,2],"b":[3}"#, "/a", ["1", "2"], false),
        ] as [(String, String, [String], Bool)])
    func found(text: String, place: String, expected: [String], isBroken: Bool) throws {
        let found = try #require(try Self.elements(text, at: place))
        #expect(found.elements == expected && found.isBroken == isBroken, "\(text)")
    }

    @Test(
        "No container stands there",
        arguments: [
            ("", ""), ("1", ""), (#""[1]""#, ""), (#"{"a":1}"#, "/a"), (#"{"a":[1]}"#, "/b"), ("[[1]]", "/1"),
            ("[[1]]", "/a"), ("[[1]]", "/00"), (#"{"a":[1"#, "/b"),
        ])
    func missing(text: String, place: String) throws {
        #expect(try Self.elements(text, at: place) == nil)
    }

    @Test(
        "Whatever the bytes are: what the strict reader accepts has the same elements, and nothing lies beyond the end")
    func mutants() throws {
        let seeds = [
            #"[{"ts":1700000000000,"v":1.5},{"ts":1700000001000,"v":"a\"]"}]"#,
            #"{"1":{"a":[1,[2]]},"2":null,"é":"}"}"#,
            "[[1,2],[3,4], [] ]", #"[1,"x",true,{"a":{"b":{}}}]"#,
        ]
        let mutator = Mutator(seeds: seeds.map { Array($0.utf8) })
        var random = SeededRandom(seed: 11)
        var accepted = 0
        var run = LongRun(usual: 100_000)
        for round in 0..<run.inputs {
            run.willPlay(round)
            let bytes = mutator.mutant(&random)
            guard var cursor = JSONElements(of: bytes.span, at: JSONPointer(tokens: [])) else { continue }
            var values: [JSONValue?] = []
            while let element = cursor.next(bytes.span) {
                #expect(element.value.lowerBound < element.value.upperBound && element.value.upperBound <= bytes.count)
                values.append(try? JSONParser.parse(bytes.span.extracting(element.value)))
            }
            guard let strict = try? JSONParser.parse(bytes.span) else { continue }
            accepted += 1
            let expected: [JSONValue] =
                switch strict {
                case .array(let elements): elements
                case .object(let members): Array(members.values)
                default: []
                }
            guard values == expected, !cursor.isBroken else {
                Issue.record("round \(round): \(String(decoding: bytes, as: UTF8.self)) gave \(values)")
                return
            }
        }
        #expect(accepted > 3_000)
        #expect(!run.hasGrown)
    }
}
