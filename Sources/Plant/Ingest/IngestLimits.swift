/// The bounds of everything that hostile or careless publishers could grow.
public struct IngestLimits: Sendable, Hashable {
    /// Topics that are remembered. A further topic is refused and counted; those that are known are still taken.
    public var topics = 100_000
    /// Bytes of all remembered topics together.
    public var topicBytes = 16 << 20
    public var tags = 200_000
    public var devices = 50_000
    /// Values that one topic of a route with wildcards can have, those included that have no tag.
    public var learntPerTopic = 512
    /// Bytes that the places of all such values take together.
    public var learntBytes = 128 << 20
    /// Longer payloads are not read.
    public var payloadBytes = 1 << 20
    /// Elements that one message can have.
    public var elements = 10_000
    /// A longer text value is refused: the tree holds values, not documents.
    public var textBytes = 4096
    public var edgeNodes = EdgeNodeLimits()
    /// How far a payload's own time may lie ahead of ours. One wrong clock must not make a tag deaf to all later
    /// samples.
    public var clockLead: Milliseconds = 60_000
    /// A payload's own time before this (2000-01-01) is a clock that nobody has set.
    public var earliestTime: Milliseconds = 946_684_800_000

    /// Longer topics, on average, than a table has room for when it is made for a number of topics.
    public static let usualTopicBytes = 512

    public init() {}
}
