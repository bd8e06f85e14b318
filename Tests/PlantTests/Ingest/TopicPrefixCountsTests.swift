import Primitives
import TestFixtures
import Testing

@testable import Plant

@Suite("Messages by the beginnings of topics")
struct TopicPrefixCountsTests {
    private static func count(_ topics: [String]) -> TopicPrefixCounts {
        var counts = TopicPrefixCounts()
        for topic in topics { counts.count(Array(topic.utf8).span) }
        return counts
    }

    private static func rows(_ counts: TopicPrefixCounts) -> [String] {
        counts.rows.map { "\($0.prefix) \($0.messages)" }
    }

    @Test(
        "the first two levels, as a filter where there are more",
        arguments: [
            ("a", "a"), ("a/b", "a/b"), ("a/b/c", "a/b/#"), ("a/b/c/d", "a/b/#"), ("a/b/", "a/b/#"), ("/", "/"),
            ("//", "//#"), ("a/", "a/"), ("", ""), ("$SYS/broker/load", "$SYS/broker/#"), ("é/ü/x", "é/ü/#"),
        ])
    func prefix(topic: String, prefix: String) {
        #expect(Self.rows(Self.count([topic])) == ["\(prefix) 1"])
    }

    @Test("the most messages come first, equal ones by name")
    func order() {
        let counts = Self.count(["b", "a/x/1", "c/d", "a/x/2", "a/x", "c/d"])
        #expect(Self.rows(counts) == ["a/x/# 2", "c/d 2", "a/x 1", "b 1"])
        #expect(counts.further == 0)
    }

    @Test("further beginnings are one number, and those that have a count keep it")
    func bounded() {
        let limit = TopicPrefixCounts.limit
        var counts = Self.count((0..<limit * 10).map { "a/\($0)/b" })
        #expect(counts.rows.count == limit && counts.rows.allSatisfy { $0.messages == 1 })
        #expect(counts.further == UInt64(limit * 9))
        counts.count(Array("a/0/c".utf8).span)
        counts.count(Array("new".utf8).span)
        #expect(counts.rows.first?.prefix == "a/0/#" && counts.rows.first?.messages == 2)
        #expect(counts.further == UInt64(limit * 9 + 1))
    }

    @Test("beginnings that are too long have no count of their own, to the byte")
    func long() {
        let limit = TopicPrefixCounts.lengthLimit
        func topic(_ bytes: Int, _ end: String) -> String { "a/" + String(repeating: "x", count: bytes - 2) + end }
        #expect(Self.count([topic(limit, "")]).rows.count == 1)
        #expect(Self.count([topic(limit + 1, "")]).further == 1)
        // With `/#` behind it.
        let longest = Self.count([topic(limit - 2, "/y")])
        #expect(longest.rows.first?.prefix.utf8.count == limit)
        for bytes in [limit - 1, limit, limit + 1, 65_000] {
            #expect(Self.count([topic(bytes, "/y")]).further == 1, "\(bytes)")
        }
        #expect(Self.count(["a/b/" + String(repeating: "y", count: 65_000)]).further == 0)
    }

    @Test("bytes that are no text are told apart and can be shown")
    func bytes() {
        var counts = TopicPrefixCounts()
        for topic: [UInt8] in [[0xFF], [0xFE], [0xFF]] { counts.count(topic.span) }
        #expect(counts.rows.map(\.messages) == [2, 1])
        #expect(counts.rows.allSatisfy { $0.prefix == "\u{FFFD}" })
    }

    @Test("against a plain definition, on topics at random")
    func differential() {
        var random = SeededRandom(seed: 3)
        let topics = (0..<5_000).map { _ in
            (0..<Int.random(in: 1...4, using: &random)).map { _ in
                ["a", "b", "", "cc"].randomElement(using: &random) ?? ""
            }.joined(separator: "/")
        }
        var plain: [String: UInt64] = [:]
        for topic in topics {
            let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
            plain[levels.count > 2 ? "\(levels[0])/\(levels[1])/#" : topic, default: 0] += 1
        }
        let counts = Self.count(topics)
        #expect(Dictionary(uniqueKeysWithValues: counts.rows.map { ($0.prefix, $0.messages) }) == plain)
        #expect(counts.further == 0)
    }
}
