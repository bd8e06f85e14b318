import Plant
import Primitives
import TestFixtures
import Testing

@Suite("Tag paths")
struct TagPathTests {
    @Test(
        "Levels are spelt as znodes the way docs/tree-and-topics.md says",
        arguments: [
            ("factory/line1/press1/temperature", "factory/line1/press1/temperature"), ("a//b", "a/%/b"), ("/", "%/%"),
            (".", "%2E"),
            ("../x", "%2E%2E/x"), ("...", "..."), ("@online", "%40online"), ("a@b", "a@b"), ("50%", "50%25"),
            ("%2E", "%252E"),
            ("a\u{1}b", "a%01b"), ("\u{7F}", "%7F"), ("\u{85}", "%C2%85"), ("\u{E000}", "%EE%80%80"),
            ("\u{FFFD}", "%EF%BF%BD"),
            ("😀", "%F0%9F%98%80"), ("Volume Flow RateRMS", "Volume Flow RateRMS"), ("Prüfstand/é", "Prüfstand/é"),
            ("%", "%25"),
        ])
    func spelling(topic: String, znode: String) throws {
        let path = try TagPath(topic)
        #expect(path.znodePath == znode)
        #expect(try TagPath(znodePath: znode) == path)
    }

    @Test(
        "Nodes that no level has are not read as levels",
        arguments: [
            "@online", "a/@alarm", "a//b", "", "%2", "%zz", "%61", "%2e", "a%2Fb", "%FF", ".", "..", "%%", "a%", "+",
            "#",
        ])
    func foreign(znode: String) {
        #expect(throws: TagPath.Refusal.self) { try TagPath(znodePath: znode) }
    }

    @Test("Random topics have a legal spelling that reads back, and no two share one")
    func roundTrip() throws {
        var random = SeededRandom(seed: 11)
        let scalars: [Unicode.Scalar] = [
            "a", "b", "/", "/", ".", ".", "@", "%", "2", "E", "\u{1}", "\u{1F}", "\u{7F}", "\u{9F}", "\u{A0}", "é",
            "\u{301}", "\u{D7FF}",
            "\u{E000}", "\u{F8FF}", "\u{F900}", "\u{FFEF}", "\u{FFF0}", "\u{FFFF}", "\u{10000}", "\u{10FFFF}", " ",
        ]
        var spellings: [String: TagPath] = [:]
        for _ in 0..<20_000 {
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                text.append(scalars.randomElement(using: &random) ?? "x")
            }
            let path = try TagPath(String(text))
            let znode = path.znodePath
            #expect(try TagPath(znodePath: znode) == path, "\(path) as \(znode)")
            let levels = path.levels.map { TagPath.znodeName(level: $0) }
            #expect(znode == levels.joined(separator: "/"), "\(path) as \(znode)")
            expectLegal(znode)
            let key = znode.unicodeScalars.map { String($0.value) }.joined(separator: " ")
            #expect(spellings[key] == nil || spellings[key] == path, "\(path) shares \(znode)")
            spellings[key] = path
        }
    }

    /// The rules of ZooKeeper's PathUtils.validatePath, and that no level is one of Linekeeper's own.
    private func expectLegal(_ znode: String) {
        for level in znode.split(separator: "/", omittingEmptySubsequences: false) {
            #expect(!level.isEmpty && level != "." && level != ".." && !level.utf8.starts(with: "@".utf8), "\(znode)")
        }
        for unit in znode.utf16 {
            let isLegal: Bool =
                switch unit {
                case 0...0x1F, 0x7F...0x9F, 0xD800...0xF8FF, 0xFFF0...0xFFFF: false
                default: true
                }
            #expect(isLegal, "\(znode)")
        }
    }

    @Test("What has no end or no place is refused with the reason")
    func refusals() throws {
        #expect(throws: TagPath.Refusal.empty) { try TagPath("") }
        #expect(throws: TagPath.Refusal.wildcard) { try TagPath("a/+/b") }
        #expect(throws: TagPath.Refusal.wildcard) { try TagPath("a/#") }
        #expect(throws: TagPath.Refusal.nul) { try TagPath("a\u{0}b") }
        #expect(throws: TagPath.Refusal.separatorInLevel) { try TagPath(levels: ["a", "b/c"]) }
        #expect(throws: TagPath.Refusal.tooManyLevels(200)) {
            try TagPath(Array(repeating: "a", count: 200).joined(separator: "/"))
        }
        #expect(throws: TagPath.Refusal.tooLong(bytes: 65_535)) { try TagPath(String(repeating: "a", count: 65_535)) }
        let bytes: [UInt8] = [0x61, 0xFF]
        #expect(throws: TagPath.Refusal.invalidUTF8) { try TagPath(topic: bytes.span) }
        #expect(try TagPath(Array(repeating: "a", count: 32).joined(separator: "/")).levels.count == 32)
        #expect(try TagPath(String(repeating: "\u{1}", count: 1024)).znodePath.utf8.count == 3072)
    }

    @Test("Two spellings of one character are two tags, as they are two nodes")
    func canonicalEquivalence() throws {
        let composed = try TagPath("caf\u{E9}")
        let decomposed = try TagPath("cafe\u{301}")
        #expect(composed.text == decomposed.text)
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
    }

    @Test("Levels, parents and order")
    func levels() throws {
        let path = try TagPath("/a//b")
        #expect(path.levels == ["", "a", "", "b"])
        #expect(try TagPath("a").appending("b/c").text == "a/b/c")
        #expect(try TagPath("a") < TagPath("a/b"))
        #expect(try TagPath(levels: ["a", "b"]) == TagPath("a/b"))
    }
}
