import Plant
import Testing

@Suite("Topic templates")
struct TopicTemplateTests {
    @Test(
        "A placeholder is one level, the last may be all that follow",
        arguments: [
            ("factory/{line}/{machine}/{metric}", "factory/l1/m1/t", ["line": "l1", "machine": "m1", "metric": "t"]),
            ("factory/{line}/{machine}/{metric}", "factory/l1/m1", nil),
            ("factory/{line}/{machine}/{metric}", "factory/l1/m1/t/x", nil),
            ("factory/{line}/{machine}/{metric}", "plant/l1/m1/t", nil), ("{a}/{b}", "/", ["a": "", "b": ""]),
            ("a/{rest...}", "a/b/c", ["rest": "b/c"]), ("a/{rest...}", "a", nil), ("a/{rest...}", "a/", ["rest": ""]),
            ("a/#", "a", [:]), ("a/#", "a/b/c", [:]), ("+/{b}", "x/y", ["b": "y"]), ("a", "a", [:]),
            ("{a}", "é", ["a": "é"]),
            ("z/{n...}/availability", "z/kitchen/availability", ["n": "kitchen"]),
            ("z/{n...}/availability", "z/kitchen/lamp/availability", ["n": "kitchen/lamp"]),
            ("z/{n...}/availability", "z/a/availability/availability", ["n": "a/availability"]),
            ("z/{n...}/availability", "z//availability", ["n": ""]), ("z/{n...}/availability", "z/availability", nil),
            ("z/{n...}/availability", "z/kitchen/lamp", nil), ("z/{n...}/availability", "z", nil),
            ("{n...}/{m}/+", "a/b/c/d", ["n": "a/b", "m": "c"]), ("{n...}/{m}/+", "a/b", nil),
        ] as [(String, String, [String: String]?)])
    func match(template: String, topic: String, captures: [String: String]?) throws {
        let template = try TopicTemplate(template)
        #expect(template.match(topic) == captures)
        if captures != nil { #expect(template.subscriptionFilter.matches(topic)) }
    }

    @Test(
        "The filter to subscribe to",
        arguments: [
            ("factory/{line}/{m}/t", "factory/+/+/t"), ("a/{x...}", "a/#"), ("#", "#"), ("+/a", "+/a"),
            ("z/{n...}/availability", "z/#"),
        ])
    func filter(template: String, filter: String) throws {
        #expect(try TopicTemplate(template).subscriptionFilter.text == filter)
    }

    @Test(
        "Mistakes are named",
        arguments: [
            ("", .empty), ("a/{x", .unbalancedBrace(level: "{x")), ("a/x}", .unbalancedBrace(level: "x}")),
            ("a/{{x}}", .unbalancedBrace(level: "{{x}}")), ("a/{}", .invalidName("")), ("a/{x y}", .invalidName("x y")),
            ("{x}/{x}", .repeatedName("x")), ("a/m-{x}", .partOfLevel("m-{x}")), ("a/{x}{y}", .partOfLevel("{x}{y}")),
            ("a/b+", .misplacedWildcard("b+")), ("#/a", .restNotLast("#")),
            ("{x...}/a/{y...}", .severalRests("{y...}")),
            ("{x...}/a/#", .severalRests("#")),
            ("{x}/{x...}", .repeatedName("x")), ("a\u{0}", .nul),
        ] as [(String, TemplateMistake)])
    func mistakes(template: String, mistake: TemplateMistake) {
        #expect(throws: mistake) { try TopicTemplate(template) }
    }

    @Test("Text is filled in, unless a name has no value")
    func text() throws {
        let template = try TextTemplate("{line}-{machine}/x/{line}")
        for text in ["a-b/x/a", "a-b-c/x/d"] { #expect(template.canGive(text), "\(text)") }
        for text in ["a/x/a", "-b/x/a", "a-b/x/", "a-b/c/x/a", "a-b/x/a/b", ""] {
            #expect(!template.canGive(text), "\(text)")
        }
        #expect(template.canGive("a-b/c/x/a", severalLevels: ["machine"]))
        #expect(template.names == ["line", "machine"])
        #expect(template.filled(["line": "1", "machine": "2"]) == "1-2/x/1")
        #expect(template.filled(["line": "1"]) == nil)
    }
}
