import Plant
import TestFixtures
import Testing

@testable import PlantConfiguration

@Suite("mqtt.observe, and filters that cover others")
struct ObserveListTests {
    private static func fixture(_ observe: String) throws -> ConfigurationFixture {
        try ConfigurationFixture([
            "linekeeper.yaml": """
            plant: p
            gateway: g
            mqtt:
              broker: mqtt://127.0.0.1:1883
              observe: \(observe)
            tree: { embedded: { data: ./var/tree } }
            routes:
              - { name: machines, topic: "factory/{line}/{x}", device: "factory/{line}/{x}", payload: number }
            """
        ])
    }

    @Test("filters are taken as they are given, one or several; none when nothing is said")
    func taken() throws {
        for (text, filters) in [
            ("\"#\"", ["#"]), ("[\"#\", \"$SYS/#\"]", ["#", "$SYS/#"]), ("tele/+/x", ["tele/+/x"]), ("[]", []),
        ] {
            #expect(try Self.fixture(text).load().local.mqtt.observe.map(\.text) == filters)
        }
        let unset = try ConfigurationFixture([
            "linekeeper.yaml": """
            plant: p
            gateway: g
            mqtt: { broker: "mqtt://127.0.0.1:1883" }
            tree: { embedded: { data: ./var/tree } }
            routes:
              - { name: machines, topic: "factory/{line}/{x}", device: "factory/{line}/{x}", payload: number }
            """
        ])
        #expect(try unset.load().local.mqtt.observe == [])
    }

    @Test("mistakes are named, with their place")
    func mistakes() throws {
        for (text, parts) in [
            ("#", ["5:", "mqtt.observe is not a list", "in quotation marks"]),
            ("{ a: b }", ["5:", "mqtt.observe is not a list"]),
            ("[\"a/#/b\"]", ["5:13", "mqtt.observe[0] is \"a/#/b\"", "# stands for"]),
            ("[\"a\", \"b+\"]", ["5:18", "mqtt.observe[1] is \"b+\"", "+ stands for"]),
            ("[[\"a\"]]", ["5:13", "mqtt.observe[0] is a list"]),
            ("[\"\"]", ["mqtt.observe[0] is empty"]),
            ("\"$share/g/#\"", ["mqtt.observe is", "do not share"]),
            ("\"linekeeper/#\"", ["mqtt.observe is", "own topics are not counted"]),
            ("\"a\\u0007\"", ["control character"]),
            ("\"\(String(repeating: "x", count: 257))\"", ["longer than 256 bytes"]),
            (
                "[\((0..<17).map { "t\($0)" }.joined(separator: ", "))]",
                ["mqtt.observe lists 17 filters", "at most 16"]
            ),
        ] {
            let problems = try Self.fixture(text).problems()
            #expect(
                problems.contains { problem in parts.allSatisfy { problem.contains($0) } }, "\(text): \(problems)")
        }
    }

    @Test("a filter covers another exactly when it matches all its topics")
    func covers() throws {
        var topics: [String] = []
        var longest = [""]
        for _ in 0..<4 {
            longest = longest.flatMap { start in ["a", "b", "-", "$s"].map { start.isEmpty ? $0 : start + "/" + $0 } }
            topics += longest
        }
        var texts: [String] = ["#"]
        for first in ["a", "+", "$s", "#"] {
            texts.append(first)
            guard first != "#" else { continue }
            for second in ["a", "+", "#"] {
                texts.append(first + "/" + second)
                if second != "#" { texts += ["a", "+", "#"].map { "\(first)/\(second)/\($0)" } }
            }
        }
        var covered = 0
        for one in try texts.map({ try TopicFilter($0) }) {
            for other in try texts.map({ try TopicFilter($0) }) {
                let covers = topics.allSatisfy { one.matches($0) || !other.matches($0) }
                // That every topic has a level is not known to patterns: a filter more is subscribed to then.
                if one.text.hasSuffix("/#"), other.text == "#" { continue }
                #expect(one.covers(other) == covers, "\(one) \(other)")
                covered += covers ? 1 : 0
            }
        }
        #expect(covered > texts.count * 2)
    }

    @Test(
        "of filters those remain that no other covers",
        arguments: [
            (["#", "a/#", "b"], ["#"]), (["a/#", "#"], ["#"]), (["a", "a"], ["a"]),
            (["#", "$SYS/#"], ["#", "$SYS/#"]),
            (["a/+", "a/b", "a/b/c"], ["a/+", "a/b/c"]), (["a/+/c", "a/b/+"], ["a/+/c", "a/b/+"]), ([], []),
            (["+/#", "#"], ["#"]), (["a/#", "a"], ["a/#"]),
        ])
    func uncovered(filters: [String], remaining: [String]) throws {
        #expect(try TopicFilter.uncovered(filters.map { try TopicFilter($0) }).map(\.text) == remaining)
    }
}
