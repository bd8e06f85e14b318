import LineProtocol
import Testing

/// Inputs that would cost a careless scanner more than their length. The time is generous: a quadratic scanner needs minutes.
@Suite("Line protocol: time is linear in the input", .serialized)
struct LineProtocolBoundTests {
    private static let size = 1 << 18

    private func run(_ bytes: [UInt8]) -> (points: Int, mistakes: Int) {
        var scanner = LineProtocolScanner()
        var points = 0
        var mistakes = 0
        let time = ContinuousClock().measure {
            while true {
                do {
                    guard try scanner.next(bytes.span) else { break }
                    points += 1
                } catch {
                    mistakes += 1
                }
            }
        }
        #expect(time < .seconds(20), "\(bytes.count) bytes took \(time)")
        return (points, mistakes)
    }

    private func repeated(_ text: String) -> (bytes: [UInt8], count: Int) {
        let count = Self.size / text.utf8.count
        return (Array(repeating: Array(text.utf8), count: count).flatMap { $0 }, count)
    }

    @Test("a quote too many in each line")
    func quotes() {
        for line in ["m f=\"x\n", "m f=\"x y\n", "m f=?,g=\"x\n", "m f=\\\"\n", "m g=\"\\\"\n", "m \"=\"=\"=\"\n"] {
            let (bytes, count) = repeated(line)
            let (points, mistakes) = run(bytes)
            #expect(points + mistakes <= count && points + mistakes >= count / 2, "\(line): \(points), \(mistakes)")
        }
        // Opened in the first line, with escaped quotes only in all that follow.
        let (bytes, count) = repeated("m f\\=\\\"=\\\"\n")
        #expect(run(Array("m f=\"".utf8) + bytes) == (0, count))
        // Opened in the first line and closed in the last one, where no text can end.
        let breaks = repeated("\n")
        #expect(run(Array("m f=\"".utf8) + breaks.bytes + Array("\"x".utf8)) == (0, 2))
    }

    @Test("names, numbers, words, text and comments as long as the input")
    func long() {
        for (before, letter, after) in [
            ("", "a", " f=1"), ("m,a=", "\\,", " f=1"), ("m f=", "1", ""), ("m f=0.", "0", "1"), ("m f=", "t", ""),
            ("m f=\"", "\\\"", "\""), ("m f=\"", "\n", "\""), ("#", "#", ""), ("m f=1", " ", "5"), ("m f=1 ", "5", ""),
            ("m f=", "nan", ""), ("", "\n", "m f=1"), ("", "\r\n", "m f=1"), ("", " ", "m f=1"),
        ] {
            let (bytes, _) = repeated(letter)
            let (points, mistakes) = run(Array(before.utf8) + bytes + Array(after.utf8))
            #expect(points + mistakes == (letter == "#" ? 0 : 1), "\(before)\(letter): \(points), \(mistakes)")
        }
    }

    @Test("many tags, fields, points and wrong lines")
    func many() {
        let tags = repeated(",a=b")
        #expect(run(Array("m".utf8) + tags.bytes + Array(" f=1".utf8)).points == 1)
        let fields = repeated("f=1,")
        #expect(run(Array("m ".utf8) + fields.bytes + Array("f=1".utf8)).points == 1)
        #expect(run(Array("m ".utf8) + fields.bytes).mistakes == 1)
        let points = repeated("m f=1\n")
        #expect(run(points.bytes).points == points.count)
        let wrong = repeated("m f\n")
        #expect(run(wrong.bytes).mistakes == wrong.count)
    }
}
