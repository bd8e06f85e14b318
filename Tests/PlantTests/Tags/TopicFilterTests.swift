import Plant
import Primitives
import TestFixtures
import Testing

@Suite("Topic filters")
struct TopicFilterTests {
    @Test(
        "MQTT's rules",
        arguments: [
            ("a/b", "a/b", true), ("a/b", "a/c", false), ("a/b", "a/b/c", false), ("a/b", "a", false),
            ("+/b", "a/b", true),
            ("+/+", "/b", true), ("+", "/b", false), ("/+", "/b", true), ("a/+", "a", false), ("a/+", "a/", true),
            ("#", "a", true),
            ("#", "/", true), ("#", "$SYS/x", false), ("+/x", "$SYS/x", false), ("$SYS/#", "$SYS/x", true),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true), ("a/#", "ab", false), ("a/+/#", "a/b", true), ("a/+/#", "a", false),
            ("factory/+/+/temperature", "factory/line1/press1/temperature", true),
            ("factory/+/+/temperature", "factory/line1/temperature", false), ("é/+", "é/x", true),
            ("a/b/", "a/b", false),
        ])
    func matches(filter: String, topic: String, expected: Bool) throws {
        #expect(try TopicFilter(filter).matches(topic) == expected)
        #expect(try TopicFilter(filter).matches(TagPath(topic)) == expected)
    }

    @Test(
        "Mistakes are named",
        arguments: [
            ("", .empty), ("a+/b", .misplacedPlus), ("a/++", .misplacedPlus), ("a/#/b", .misplacedHash),
            ("a/b#", .misplacedHash),
            ("a\u{0}", .nul),
        ] as [(String, TopicFilter.Mistake)])
    func mistakes(filter: String, mistake: TopicFilter.Mistake) {
        #expect(throws: mistake) { try TopicFilter(filter) }
    }

    @Test("Against a plain recursive definition, on random topics")
    func differential() throws {
        var random = SeededRandom(seed: 5)
        func pick(_ levels: [String]) -> String {
            (0..<Int.random(in: 1...4, using: &random)).map { _ in levels.randomElement(using: &random) ?? "" }.joined(
                separator: "/")
        }
        for _ in 0..<20_000 {
            let text = pick(["a", "b", "+", "", "#"])
            let topic = pick(["a", "b", "", "ab"])
            guard !topic.isEmpty, let filter = try? TopicFilter(text) else { continue }
            let parts = { (text: String) in text.split(separator: "/", omittingEmptySubsequences: false)[...] }
            #expect(filter.matches(topic) == Self.plainMatch(parts(text), parts(topic)), "\(text) on \(topic)")
        }
    }

    private static func plainMatch(_ filter: ArraySlice<Substring>, _ topic: ArraySlice<Substring>) -> Bool {
        guard let first = filter.first else { return topic.isEmpty }
        if first == "#" { return true }
        guard let level = topic.first, first == "+" || first == level else { return false }
        return plainMatch(filter.dropFirst(), topic.dropFirst())
    }
}
