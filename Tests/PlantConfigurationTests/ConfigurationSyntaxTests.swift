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
            if Bool.random(using: &random) { levels.insert(.rest, at: .random(in: 0...levels.count, using: &random)) }
            let pattern = TopicPattern(levels: levels)
            #expect(index.overlapping(pattern) == patterns.indices.filter { patterns[$0].overlaps(pattern) })
            patterns.append(pattern)
            index.insert(pattern)
        }
    }

    /// Whether a pattern takes a topic, by trying every length of its rest.
    private static func takes(_ pattern: TopicPattern, _ topic: [String]) -> Bool {
        (0...topic.count).contains { count in
            let levels = pattern.levels.flatMap { $0 == .rest ? Array(repeating: .any, count: count) : [$0] }
            return levels.count == topic.count
                && zip(levels, topic).allSatisfy { level, text in level == .any || level == .literal(text) }
        }
    }

    @Test("what is said of two patterns is what their topics say")
    func patternsByTopics() {
        // As many literals as the patterns have, and one that none has.
        var topics: [[String]] = [[]]
        var longest = topics
        for _ in 0..<5 {
            longest = longest.flatMap { topic in ["a", "b", "-"].map { topic + [$0] } }
            topics += longest
        }
        var random = SeededRandom(seed: 11)
        var seen = (overlaps: 0, contains: 0)
        for _ in 0..<200 {
            let (one, other) = (Self.pattern(&random), Self.pattern(&random))
            let (ones, others) = (topics.map { Self.takes(one, $0) }, topics.map { Self.takes(other, $0) })
            let overlaps = zip(ones, others).contains { $0 && $1 }
            let contains = zip(ones, others).allSatisfy { $0 || !$1 }
            #expect(one.overlaps(other) == overlaps, "\(one) \(other)")
            #expect(one.contains(other) == contains, "\(one) \(other)")
            seen.overlaps += overlaps ? 1 : 0
            seen.contains += contains ? 1 : 0
        }
        #expect(seen.overlaps > 20 && seen.contains > 5, "\(seen)")
    }

    /// At most two levels and a rest: what two of them have in common, they have in common in five levels.
    private static func pattern(_ random: inout SeededRandom) -> TopicPattern {
        var levels = (0..<Int.random(in: 0...2, using: &random)).map { _ -> TopicPattern.Level in
            switch Int.random(in: 0..<4, using: &random) {
            case 0: .any
            case 1: .literal("b")
            default: .literal("a")
            }
        }
        if Bool.random(using: &random) { levels.insert(.rest, at: .random(in: 0...levels.count, using: &random)) }
        return TopicPattern(levels: levels)
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
        let availability = TopicPattern(try TopicTemplate("z/{n...}/availability"))
        #expect(availability.overlaps(try pattern("z/a/b/availability")))
        #expect(try !availability.overlaps(pattern("z/a/b/state")) && !availability.overlaps(pattern("z/availability")))
        #expect(TopicPattern(try TopicTemplate("z/{n...}")).contains(availability))
        let device = TopicPattern(try TextTemplate("z/{n}"), severalLevels: ["n"])
        #expect(try device.contains(pattern("z/a/b")) && !device.overlaps(pattern("z")))
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
