import Foundation
import Testing

@testable import linekeeper

@Suite("What is shown to people")
struct PrintableTests {
    /// Characters that steer a terminal, end a line, or are not there to be seen; and how they are shown.
    static let deceptive: [(text: String, shown: String)] = [
        ("\u{1B}[2J", #"\u001b[2J"#), ("\u{9B}31m", #"\u009b31m"#), ("a\nb", #"a\nb"#), ("a\r\nb", #"a\r\nb"#),
        ("a\tb", #"a\tb"#), ("\u{7F}", #"\u007f"#), ("\u{0}", #"\u0000"#), ("\u{85}", #"\u0085"#),
        ("ok\u{202E}ko", #"ok\u202eko"#), ("\u{2066}x\u{2069}", #"\u2066x\u2069"#), ("a\u{200B}b", #"a\u200bb"#),
        ("a\u{2028}b\u{2029}", #"a\u2028b\u2029"#), ("a\u{E0041}", #"a\udb40\udc41"#), ("\u{FEFF}", #"\ufeff"#),
        ("a\u{AD}b", #"a\u00adb"#), ("\u{3164}", #"\u3164"#), ("\u{1B}\u{301}[2J", #"\u001b"# + "\u{301}[2J"),
    ]

    @Test("each deceptive character is shown as JSON writes it, once", arguments: deceptive)
    func escaped(text: String, shown: String) throws {
        #expect(printable(text) == shown)
        #expect(printable(shown) == shown)
        #expect(Printable.line(text) == shown)
        #expect(Printable.lines(text) == shown.replacing(#"\n"#, with: "\n"))
    }

    @Test("whatever is printed as JSON stays the same JSON", arguments: deceptive)
    func json(text: String, shown: String) throws {
        let line = Printable.line(
            #"{"a":"é\#(text.filter { $0 != "\0" && $0 != "\n" && $0 != "\r\n" && $0 != "\t" }.replacing("\u{1B}", with: ""))"}"#
        )
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String]
        let expected =
            "é" + text.filter { $0 != "\0" && $0 != "\n" && $0 != "\r\n" && $0 != "\t" }.replacing("\u{1B}", with: "")
        #expect(object?["a"].map { Array($0.unicodeScalars) } == Array(expected.unicodeScalars))
    }

    @Test("what people write stays as it is")
    func kept() {
        for text in ["", "Prüfstand 3 – läuft", "温度", "🚨 ⚠️ stop", "a/b c \\u202e", "ñ", "é"] {
            #expect(printable(text) == text)
            #expect(Printable.lines(text + "\n" + text) == text + "\n" + text)
        }
    }

    @Test("times of any size")
    func times() {
        for time in [Int64.min, .min + 1, -1, 0, 1 << 53, .max] { #expect(!ClockText.text(time).isEmpty) }
    }
}
