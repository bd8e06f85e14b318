/// A tag of a topic, as the decoder needs to know it.
struct BoundTag: Sendable {
    let tag: TagID
    /// Whether it has numbers; see ``NumericTags``.
    let isNumeric: Bool
}
