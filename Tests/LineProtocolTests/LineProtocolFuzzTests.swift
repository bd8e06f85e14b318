import LineProtocol
import Primitives
import TestFixtures
import Testing

@Suite("Line protocol: seeded random input")
struct LineProtocolFuzzTests {
    /// What steers the grammar, and what numbers trip over.
    private static let tokens: [[UInt8]] =
        [
            ",", " ", "=", "\\", "\"", "\n", "\r", "\r\n", "#", "=\"", "\" ", "\",", "\"\n", "\\\"", "\\\\", "\\,",
            "\\=", "\\ ",
            "m f=1", "\nm f=1\n", ",a=b", ",g=\"x\"", " f=", "i", "u", "t", "FALSE", "-", ".", "e5", "1", "nan", "-inf",
            "9223372036854775808", "-9223372036854775808", "18446744073709551615u", "0.1", "1e400", "-0", "\t", "\0",
            "é", "  ",
        ].map { Array($0.utf8) } + [[0xFF], [0xC3], [0xE2, 0x82], [0x80]]

    private static let seeds =
        (LineExample.points + LineExample.mistakes + LineExample.confined)
        .map { Array($0.payload.utf8) }

    /// The scanner takes exactly the lines that the reference parser takes, as the same points.
    @Test("mutants are read as the reference parser reads them")
    func differential() {
        var random = SeededRandom(seed: 11)
        // Several lines, so that a mistake has something to spoil.
        var seeds = Self.seeds
        for _ in 0..<200 {
            let lines = (0..<3).map { _ in Self.seeds.randomElement(using: &random) ?? [] }
            seeds.append(Array(lines.joined(separator: [0x0A])))
        }
        let mutator = Mutator(seeds: seeds, tokens: Self.tokens)
        var scanner = LineProtocolScanner()
        var points = 0
        var mistakes = 0
        var run = LongRun(usual: 200_000)
        for round in 0..<run.inputs {
            run.willPlay(round)
            let bytes = mutator.mutant(&random)
            let (lines, isInBounds) = read(bytes, &scanner)
            let expected = ReferenceParser.lines(bytes)
            guard isInBounds, agree(lines, expected) else {
                Issue.record(
                    """
                    round \(round): \(String(decoding: bytes, as: UTF8.self).debugDescription) is \(lines), \
                    expected \(expected.map { $0?.description ?? "a mistake" }), in bounds: \(isInBounds)
                    """)
                return
            }
            points += lines.count(where: \.isPoint)
            mistakes += lines.count { !$0.isPoint }
        }
        // A fuzz that is always or never refused tests nothing.
        #expect(points > run.inputs / 5 && mistakes > run.inputs / 5, "\(points) points, \(mistakes) mistakes")
        #expect(!run.hasGrown)
    }

    private func agree(_ lines: [ReadLine], _ expected: [Point?]) -> Bool {
        guard lines.count == expected.count else { return false }
        for (line, expected) in zip(lines, expected) {
            switch (line, expected) {
            case (.point(let point), let expected?): if point != expected { return false }
            case (.mistake, nil): continue
            case (.point, nil), (.mistake, _?): return false
            }
        }
        return true
    }

    @Test("each cut of a payload is read as the reference parser reads it")
    func cuts() {
        for seed in Self.seeds {
            for length in 0..<seed.count {
                let bytes = Array(seed.prefix(length))
                let (lines, isInBounds) = read(bytes)
                #expect(
                    isInBounds && agree(lines, ReferenceParser.lines(bytes)),
                    "\(String(decoding: bytes, as: UTF8.self))")
            }
        }
    }
}
