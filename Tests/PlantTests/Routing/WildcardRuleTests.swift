import JSON
import Testing

@testable import Plant

@Suite("Values with learnt names")
struct WildcardRuleTests {
    private func rule(_ name: String, _ place: String, except: [String] = []) throws -> WildcardRule? {
        WildcardRule(
            name: try TopicFilter(name), place: try JSONPointerPattern(place),
            except: try except.map { try TopicFilter($0) })
    }

    @Test(
        "A name and its place need the same wildcards in the same order",
        arguments: [
            ("+", "/+", true), ("#", "/#", true), ("a/+/b", "/x/+", true), ("+/+", "/+/x/+", true),
            ("+/#", "/+/#", true),
            ("a", "/+", false), ("+", "/a", false), ("+", "/#", false), ("+/+", "/+", false), ("a", "/a", false),
        ])
    func wildcards(name: String, place: String, isRule: Bool) throws {
        #expect(try (rule(name, place) != nil) == isRule)
    }

    @Test(
        "A place gives the name, and the name the place",
        arguments: [
            ("+", "/+", "/state", "state"),
            ("+/power", "/params/+/apower", "/params/switch:0/apower", "switch:0/power"),
            ("#", "/#", "/color/x", "color/x"), ("a/+/b/#", "/+/#", "/x/y/z", "a/x/b/y/z"), ("+", "/+/0", "/s/0", "s"),
        ])
    func namesAndPlaces(name: String, pattern: String, place: String, tag: String) throws {
        let rule = try #require(try rule(name, pattern))
        let value = try #require(rule.value(at: JSONPointer(place)))
        #expect(try value.name == tag && value.place == JSONPointer(place))
        #expect(try rule.value(named: TagPath(tag).levels[...]) == value)
    }

    @Test("What is excepted, elsewhere, or no level of a topic has no tag")
    func noTags() throws {
        let rule = try #require(try rule("#", "/#", except: ["linkquality", "update/#", "+/id"]))
        for place in ["/linkquality", "/update/state", "/a/id", "/a~1b", "/", "/a+", "/#", "/a\u{0}", ""] {
            #expect(try rule.value(at: JSONPointer(place)) == nil, "\(place)")
        }
        for tag in ["linkquality", "update", "update/state", "a/id"] {
            #expect(try rule.value(named: TagPath(tag).levels[...]) == nil, "\(tag)")
        }
        #expect(try rule.value(at: JSONPointer("/a/identity")) != nil)
        #expect(rule.value(named: []) == nil)
        let long = try JSONPointer("/" + String(repeating: "x", count: 2_000))
        #expect(rule.value(at: long) == nil)
    }
}
