/// A set of small numbers, most of which form a run from zero: which operations are linearised.
///
/// Canonical, so that equal sets hash equally: leading words that are full are only counted, trailing ones that are empty
/// are not kept.
struct OperationSet: Hashable {
    private var fullWords = 0
    private var words: [UInt64] = []

    mutating func insert(_ number: Int) {
        let index = number / 64 - fullWords
        guard index >= 0 else { return }
        while words.count <= index { words.append(0) }
        words[index] |= 1 << UInt64(number % 64)
        var full = 0
        while full < words.count, words[full] == .max { full += 1 }
        if full > 0 {
            words.removeFirst(full)
            fullWords += full
        }
    }

    mutating func remove(_ number: Int) {
        let word = number / 64
        if word < fullWords {
            words.insert(contentsOf: repeatElement(.max, count: fullWords - word), at: 0)
            fullWords = word
        }
        guard word - fullWords < words.count else { return }
        words[word - fullWords] &= ~(1 << UInt64(number % 64))
        while words.last == 0 { words.removeLast() }
    }

    func contains(_ number: Int) -> Bool {
        let index = number / 64 - fullWords
        if index < 0 { return true }
        return index < words.count && words[index] & 1 << UInt64(number % 64) != 0
    }
}
