/// What one gateway owns.
public struct OwnershipHoldings: Sendable, Hashable {
    /// How many shards.
    public var shards: Int
    /// Whether it is the active alarm processor.
    public var isProcessor: Bool

    public init(shards: Int, isProcessor: Bool) {
        self.shards = shards
        self.isProcessor = isProcessor
    }

    public var isEmpty: Bool { shards == 0 && !isProcessor }
}
