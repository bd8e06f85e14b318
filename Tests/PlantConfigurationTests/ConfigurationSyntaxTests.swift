import Plant
import Primitives
import TestFixtures
import Testing

@testable import PlantConfiguration

@Suite struct ConfigurationSyntaxTests {
    @Test(
        arguments: [
            ("250ms", 250), ("4s", 4000), ("1.5s", 1500), ("5m", 300_000), ("1h", 3_600_000), ("1h30m", 5_400_000),
            ("7d", 604_800_000), ("0s", 0), ("4", nil), ("", nil), ("s", nil), ("4 s", nil), ("-4s", nil),
            ("4sec", nil),
            ("1e300h", nil), ("99999999999999999d", nil),
        ] as [(String, Int64?)])
    func durations(text: String, milliseconds: Int64?) {
        #expect(DurationSyntax.parse(text)?.wholeMilliseconds == milliseconds)
    }

    @Test(arguments: ["250ms", "4s", "5m", "1h30m", "7d", "1d2h3m4s5ms"])
    func durationsAreWrittenAsTheyAreRead(text: String) throws {
        let duration = try #require(DurationSyntax.parse(text))
        #expect(DurationSyntax.text(duration) == text)
    }

    @Test(
        arguments: [
            ("512", 512), ("64KiB", 65_536), ("1MiB", 1 << 20), ("10MB", 10_000_000), ("1 GiB", 1 << 30), ("x", nil),
            ("99999999999999GiB", nil), ("5 apples", nil),
        ] as [(String, Int?)])
    func sizes(text: String, bytes: Int?) {
        #expect(SizeSyntax.parse(text) == bytes)
    }

    @Test(arguments: [
        ("${A}", "one"), ("x${A}y${B:-two}z", "xoneytwoz"), ("$A", "$A"), ("$${A}", "${A}"), ("${EMPTY:-d}", "d"),
        ("${B:-}", ""), ("100$", "100$"), ("${B:-a:-b}", "a:-b"),
        ("${B:-${A}}", "one"), ("${B:-${C:-x}y}z", "xyz"),
    ])
    func variables(text: String, expected: String) throws {
        let environment = ["A": "one", "EMPTY": ""]
        #expect(try VariableSubstitution.apply(to: text, variables: environment).get() == expected)
    }

    @Test(arguments: ["${B}", "${A", "${}", "${1A}", "${A B}"])
    func wrongVariablesAreRefused(text: String) {
        #expect(throws: VariableSubstitution.Problem.self) {
            try VariableSubstitution.apply(to: text, variables: ["A": "one"]).get()
        }
    }

    @Test(
        arguments: [
            ("mqtt://h", "mqtt://h:1883"), ("mqtts://h", "mqtts://h:8883"), ("mqtt://h:1/", "mqtt://h:1"),
            ("h:1883", nil),
            ("mqtt://u:p@h", nil), ("mqtt://", nil), ("http://h", nil),
        ] as [(String, String?)])
    func brokers(text: String, expected: String?) {
        #expect((try? BrokerAddress(parsing: text))?.description == expected)
    }

    @Test func theNearestWordIsSuggestedOnlyWhenItIsNear() {
        #expect(Spelling.nearest(to: "paylod", in: ["payload", "time"]) == "payload")
        #expect(Spelling.nearest(to: "tiem", in: ["payload", "time"]) == "time")
        #expect(Spelling.nearest(to: "Broker", in: ["broker"]) == "broker")
        #expect(Spelling.nearest(to: "banana", in: ["payload", "time"]) == nil)
    }

    @Test("the index finds what comparing pair by pair finds")
    func patternIndex() throws {
        var random = SeededRandom(seed: 7)
        func level() -> TopicPattern.Level {
            switch Int.random(in: 0..<5, using: &random) {
            case 0: .any
            case let number: .literal(["a", "b", "", "+c"][number - 1])
            }
        }
        var patterns: [TopicPattern] = []
        var index = TopicPatternIndex()
        for _ in 0..<400 {
            var levels = (0..<Int.random(in: 0...4, using: &random)).map { _ in level() }
            if Bool.random(using: &random) { levels.append(.rest) }
            let pattern = TopicPattern(levels: levels)
            #expect(index.overlapping(pattern) == patterns.indices.filter { patterns[$0].overlaps(pattern) })
            patterns.append(pattern)
            index.insert(pattern)
        }
    }

    @Test func patternsOverlapAndContain() throws {
        func pattern(_ text: String) throws -> TopicPattern { TopicPattern(try TopicFilter(text)) }
        #expect(try pattern("a/+/c").overlaps(pattern("a/b/+")))
        #expect(try !pattern("a/+/c").overlaps(pattern("a/b/d")))
        #expect(try pattern("a/#").overlaps(pattern("a")))
        #expect(try !pattern("a/+").overlaps(pattern("a")))
        #expect(try pattern("#").contains(pattern("a/+")))
        #expect(try pattern("a/+").contains(pattern("a/b")))
        #expect(try !pattern("a/b").contains(pattern("a/+")))
        #expect(try !pattern("a/+").contains(pattern("a/#")))
        #expect(TopicPattern(try TopicTemplate("a/{x...}")).overlaps(try pattern("a/b/c")))
        #expect(!TopicPattern(try TopicTemplate("a/{x...}")).overlaps(try pattern("a")))
    }

    @Test func theConfigurationIsLookedForInOrder() {
        func find(_ explicit: String?, _ environment: [String: String], _ files: Set<String>) -> String? {
            ConfigurationLookup.find(explicit: explicit, environment: environment) { files.contains($0) }
        }
        let both: Set<String> = [ConfigurationLookup.here, ConfigurationLookup.system]
        #expect(find("x.yaml", ["LINEKEEPER_CONFIG": "y.yaml"], both) == "x.yaml")
        #expect(find(nil, ["LINEKEEPER_CONFIG": "y.yaml"], both) == "y.yaml")
        #expect(find(nil, [:], both) == "bridge-config/linekeeper.yaml")
        #expect(find(nil, ["LINEKEEPER_CONFIG": ""], [ConfigurationLookup.system]) == "/etc/linekeeper/linekeeper.yaml")
        #expect(find(nil, [:], []) == nil)
    }

    @Test(arguments: [
        ("./var/tree", "bridge-config/linekeeper.yaml", "bridge-config/var/tree"),
        ("../var/tree", "bridge-config/linekeeper.yaml", "var/tree"), ("../x", "/etc/lk/a.yaml", "/etc/x"),
        ("/abs", "a/b.yaml", "/abs"), ("x", "b.yaml", "x"), ("./x", "b.yaml", "x"), ("../x", "b.yaml", "../x"),
        ("../../x", "a/b.yaml", "../x"), ("x", "./b.yaml", "./x"), ("../x", "../b.yaml", "../../x"),
    ])
    func pathsAreRelativeToTheirFile(name: String, file: String, expected: String) {
        #expect(RelativePath.resolve(name, relativeTo: file) == expected)
    }
}
