import Primitives
import TestFixtures
import Testing

@testable import Plant

@Suite("What is made of a value: seeded random input")
struct ValueConversionFuzzTests {
    private static let suffixes = ["°C", "C", "K", " bar", "%", "e"]

    private static let seeds =
        [
            "21.5 °C", "21,5°C", "-0,25", "+007.50 K", ".5", "5.", "1.234,5", "1,2,3", "6.02e23 C", "1e400", "nan",
            "-inf", "°C",
            "12 bar", "55%", "9223372036854775807", "9223372036854775808 K", "-9223372036854775808", "0.1e", "",
        ].map { Array($0.utf8) }

    private static let tokens =
        [
            "°C", "°", "C", "K", " bar", "%", ",", ".", "-", "+", "e", "E", "e5", "e-5", "0", "00", "1",
            "9223372036854775807",
            "1e308", "nan", "inf", " ", "\t", "\n", "\0", "\u{feff}", "é", "٣",
        ].map { Array($0.utf8) }

    /// Blanks off, the longest suffix off once, blanks off, the sign of decimals turned: the number that is left, if it is one.
    private func plain(_ text: String, _ suffixes: [String], _ hasDecimalComma: Bool) -> Double? {
        var bytes = Array(text.utf8)[...]
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) || byte == 0 }
        func trimEnd() { while let last = bytes.last, isBlank(last) { bytes.removeLast() } }
        trimEnd()
        let fitting = suffixes.filter {
            bytes.count > $0.utf8.count && bytes.suffix($0.utf8.count).elementsEqual($0.utf8)
        }
        if let longest = fitting.map(\.utf8.count).max() { bytes.removeLast(longest) }
        trimEnd()
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
        if hasDecimalComma {
            guard !bytes.contains(UInt8(ascii: ".")) else { return nil }
            bytes = ArraySlice(bytes.map { $0 == UInt8(ascii: ",") ? UInt8(ascii: ".") : $0 })
        }
        // `Double` reads hexadecimal digits and words as well.
        guard bytes.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }) else { return nil }
        return Double(String(decoding: bytes, as: UTF8.self))
    }

    @Test("Suffix, decimal comma and scale: what is taken is the number that stands there, whatever the text is")
    func texts() {
        let mutator = Mutator(seeds: Self.seeds, tokens: Self.tokens)
        var random = SeededRandom(seed: 81)
        var taken = 0
        var run = LongRun(usual: 100_000)
        for round in 0..<run.inputs {
            run.willPlay(round)
            let text = String(decoding: mutator.mutant(&random), as: UTF8.self)
            let suffixes = Self.suffixes.filter { _ in random.chance(50) }
            let hasDecimalComma = Bool.random(using: &random)
            let (scale, offset) =
                [(1, 0), (0.1, 0), (1.8, 32), (-1e300, 1e300)].randomElement(using: &random) ?? (1, 0)
            let conversion = ValueConversion(
                suffixes: suffixes, hasDecimalComma: hasDecimalComma, scale: scale, offset: offset)
            let value = try? conversion(.text(text))
            let number = plain(text, suffixes, hasDecimalComma)
            let expected = number.map { scale == 1 && offset == 0 ? $0 : $0 * scale + offset }
            let isRight =
                switch (value, expected) {
                case (nil, nil): true
                case (nil, let expected?): !expected.isFinite || number?.isFinite != true
                case (let value?, let expected?):
                    // Scaled values are those of people, which differ from the product by rounding.
                    value.doubleValue.map {
                        ($0 - expected).magnitude <= expected.magnitude / 1e14 + offset.magnitude / 1e14
                    }
                        == true
                case (_?, nil): false
                }
            guard isRight else {
                Issue.record(
                    """
                    round \(round): \(text.debugDescription) without \(suffixes), decimal comma: \(hasDecimalComma), × \(scale) + \
                    \(offset) is \(String(describing: value)), expected \(String(describing: expected))
                    """)
                return
            }
            if value != nil { taken += 1 }
        }
        // A fuzz that is always or never refused tests nothing.
        #expect(taken > run.inputs / 20 && taken < run.inputs * 19 / 20, "\(taken)")
        #expect(!run.hasGrown)
    }
}
