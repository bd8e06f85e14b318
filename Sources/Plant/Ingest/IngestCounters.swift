/// What happened to the messages, one by one.
public struct IngestCounters: Sendable, Hashable {
    /// Every message that was handed in.
    public var messages: UInt64 = 0
    /// Samples made, the bad ones included.
    public var samples: UInt64 = 0
    /// Presence messages understood.
    public var presence: UInt64 = 0
    /// Messages, or values in them, that could not be understood.
    public var undecodable: UInt64 = 0
    /// JSON that the scanner left to the full reader, the undecodable included.
    public var slowlyRead: UInt64 = 0
    /// Empty payloads: somebody cleared a retained message.
    public var empty: UInt64 = 0
    /// No route takes the topic.
    public var unrouted: UInt64 = 0
    /// The route says that the topic says nothing.
    public var ignored: UInt64 = 0
    /// Topics that are no names for tags: too long, too deep, not UTF-8.
    public var refusedTopics: UInt64 = 0
    /// Topics refused because a table is full.
    public var tableFull: UInt64 = 0
    /// Samples whose own time was not believed.
    public var implausibleTimes: UInt64 = 0

    /// Messages whose own time is there and could not be read; their values count, by the time of reception.
    public var unreadableTimes: UInt64 = 0

    public init() {}
}
