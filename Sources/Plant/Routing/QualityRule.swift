public import JSON

/// What a payload says of its own quality, for all its values.
public struct QualityRule: Sendable, Hashable {
    public let place: JSONPointer
    /// By the device's word as text, compared byte by byte. What is not in it is bad; a message without a word says nothing.
    public let words: [String: Quality]

    public init(place: JSONPointer, words: [String: Quality]) {
        self.place = place
        self.words = words
    }

    /// What a word means.
    func quality(_ word: String) -> Quality {
        guard let index = words.index(forKey: word), words[index].key.hasSameBytes(as: word) else { return .bad }
        return words[index].value
    }
}
