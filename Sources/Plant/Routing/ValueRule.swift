public import JSON

/// One value of a route's messages: where it stands, which tag it is, and what is made of it.
public struct ValueRule: Sendable, Hashable {
    /// The tag below the topic, of one level or several; nil when the tag has the topic's own path.
    public let name: String?
    /// Where it stands in a document; the whole payload for other kinds of payload.
    public let place: JSONPointer
    public let conversion: ValueConversion?
    /// What the tag has when a message leaves the value out; nil: it keeps what it has.
    public let fallback: TagValue?
    public let unit: String?
    /// What messages say of the quality of this value, beside what they say of all.
    public let quality: QualityRule?

    public init(
        name: String? = nil, place: JSONPointer = JSONPointer(tokens: []), conversion: ValueConversion? = nil,
        fallback: TagValue? = nil, unit: String? = nil, quality: QualityRule? = nil
    ) {
        self.name = name
        self.place = place
        self.conversion = conversion
        self.fallback = fallback
        self.unit = unit
        self.quality = quality
    }
}
