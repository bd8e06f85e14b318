public import JSON

/// What a payload says of its own quality, for all its values.
public struct QualityRule: Sendable, Hashable {
    public let place: JSONPointer
    /// The words for values that can be used, compared as text byte by byte. Any other is for bad ones; a message without a
    /// word says nothing.
    public let good: [String]

    public init(place: JSONPointer, good: [String]) {
        self.place = place
        self.good = good
    }

    /// Whether a word is one for values that cannot be used.
    func callsBad(_ word: String) -> Bool { !good.contains { $0.hasSameBytes(as: word) } }
}
