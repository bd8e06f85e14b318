package import Primitives

/// Makes unlike bytes of like ones: what a sender with a fault, or with a grudge, might send.
package struct Mutator {
    /// What parsers of text trip over.
    private static let textTokens: [[UInt8]] =
        [
            "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e308", "-1e999", "1e-400", "nan",
            "-inf",
            "null", "true", "\"\"", "[]", "{}", "[[[[[[[[", "{\"a\":{\"a\":{\"a\":", "\\u0000", "\\ud800", "\\u202e",
            "\\", "\"",
            ",", ":", "}", "]", "\u{feff}", "\0", "/", "%2F", "@", "..", "+", "#", "\u{1b}[2J", "é", "𝟙", "0.1", "-0",
            "00",
            "253402300800000", "9007199254740993",
        ].map { Array($0.utf8) } + [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]

    private let seeds: [[UInt8]]
    private let tokens: [[UInt8]]

    /// - Parameter tokens: what is put in place of something else; nil: what parsers of text trip over.
    package init(seeds: [[UInt8]], tokens: [[UInt8]]? = nil) {
        self.seeds = seeds
        self.tokens = tokens ?? Self.textTokens
    }

    /// One of the seeds, changed in one to four places.
    package func mutant(_ random: inout SeededRandom) -> [UInt8] {
        var bytes = seeds.randomElement(using: &random) ?? []
        for _ in 0..<Int.random(in: 1...4, using: &random) { change(&bytes, &random) }
        return bytes
    }

    private func change(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        let end = min(bytes.count, place + Int.random(in: 1...8, using: &random))
        switch Int.random(in: 0..<8, using: &random) {
        case 0: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
        case 1: if place < bytes.count { bytes[place] = .random(in: .min ... .max, using: &random) }
        case 2: bytes.removeSubrange(place..<end)
        case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 4: bytes.removeLast(bytes.count - place)
        case 5:
            // The second half of another seed.
            let other = seeds.randomElement(using: &random) ?? []
            bytes.replaceSubrange(place..., with: other.dropFirst(.random(in: 0...other.count, using: &random)))
        default: replaceToken(&bytes, at: place, &random)
        }
    }

    /// Puts a token there: in place of the run of like bytes, or between.
    private func replaceToken(_ bytes: inout [UInt8], at place: Int, _ random: inout SeededRandom) {
        let token = tokens.randomElement(using: &random) ?? []
        var end = place
        if Bool.random(using: &random) {
            while end < bytes.count, Self.isWord(bytes[end]) { end += 1 }
        }
        bytes.replaceSubrange(place..<end, with: token)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20) || byte == 0x2e || byte == 0x2d
    }
}
