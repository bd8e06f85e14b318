import LineProtocol
import Testing

@Suite("Line protocol: its rules, one by one")
struct LineProtocolRuleTests {
    @Test("what is a point", arguments: LineExample.points)
    func point(_ example: LineExample) { expect(example) }

    @Test("what is a mistake, and where", arguments: LineExample.mistakes)
    func mistake(_ example: LineExample) { expect(example) }

    @Test("a mistake costs its own line", arguments: LineExample.confined)
    func neighbours(_ example: LineExample) { expect(example) }

    private func expect(_ example: LineExample) {
        #expect(read(example.payload).map(\.description) == example.lines)
        // Between two other lines, with each kind of line break.
        for end in ["\n", "\r\n"] where !example.payload.hasSuffix("\r") {
            let lines = read("before x=1\(end)\(example.payload)\(end)after x=2").map(\.description)
            #expect(lines.count == example.lines.count + 2 || example.payload.hasSuffix("\\"), "\(lines)")
            #expect(lines.first == "before|x:1.0")
            #expect(lines.last == "after|x:2.0", "\(lines)")
        }
        #expect(
            ReferenceParser.lines(Array(example.payload.utf8)).map { $0?.description }
                == read(example.payload).map { if case .point(let point) = $0 { point.description } else { nil } },
            "the reference parser")
    }

    @Test("bytes that are no UTF-8 cost their line, and are said where they are")
    func encoding() {
        for (before, after) in [("a", "b f=1"), ("m,a", "=b f=1"), ("m,a=b", " f=1"), ("m f", "=1"), ("m f=\"x", "\"")]
        {
            for invalid: [UInt8] in [
                [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82], [0xF4, 0x90, 0x80, 0x80],
            ] {
                let bytes = Array(before.utf8) + invalid + Array("\(after)\nn f=1".utf8)
                let (lines, isInBounds) = read(bytes)
                #expect(isInBounds)
                #expect(
                    lines.map(\.description) == ["invalidUTF8@\(before.utf8.count)", "n|f:1.0"], "\(before) \(invalid)")
            }
        }
        // As a value it is a word that is none.
        #expect(read(Array("m f=".utf8) + [0xFF]).lines.map(\.description) == ["invalidValue@4"])
    }

    @Test("text without escapes is told from text with some, and both are appended to what is there")
    func texts() throws {
        let bytes = Array(#"a\b,c=d\,e f="g\h",i="\"j\"""#.utf8)
        var scanner = LineProtocolScanner()
        #expect(try scanner.next(bytes.span))
        var texts = [scanner.measurement] + scanner.tags.flatMap { [$0.key, $0.value] }
        for field in scanner.fields { if case .text(let text) = field.value { texts += [field.key, text] } }
        #expect(texts.map(\.hasEscapes) == [false, false, true, false, false, false, true])
        #expect(texts.map { $0.string(in: bytes.span) } == [#"a\b"#, "c", "d,e", "f", #"g\h"#, "i", #""j""#])
        #expect(
            texts.map { String(decoding: bytes[$0.range], as: UTF8.self) } == [
                #"a\b"#, "c", #"d\,e"#, "f", #"g\h"#, "i", #"\"j\""#,
            ])
        var buffer: [UInt8] = []
        for text in texts { text.append(from: bytes.span, to: &buffer) }
        #expect(String(decoding: buffer, as: UTF8.self) == #"a\bcd,efg\hi"j""#)
    }

    @Test("after the last line, after a mistake and after another payload nothing of the former point is left")
    func leftovers() throws {
        var scanner = LineProtocolScanner()
        let bytes = Array("m,a=b f=1 5\nm,a=b f=1,g= 5\nn g=2".utf8)
        #expect(try scanner.next(bytes.span))
        #expect(scanner.time == 5)
        #expect(throws: LineProtocolError(.missingFieldValue, at: 24)) { try scanner.next(bytes.span) }
        #expect(scanner.tags.isEmpty && scanner.fields.isEmpty && scanner.measurement.isEmpty && scanner.time == nil)
        #expect(try scanner.next(bytes.span))
        #expect(scanner.tags.isEmpty && scanner.fields.count == 1 && scanner.time == nil)
        for _ in 0..<2 {
            #expect(try !scanner.next(bytes.span))
            #expect(scanner.fields.isEmpty)
        }
        scanner.restart()
        #expect(scanner.position == 0)
        #expect(try scanner.next(Array("o f=3".utf8).span))
        #expect(scanner.position == 5)
    }
}
