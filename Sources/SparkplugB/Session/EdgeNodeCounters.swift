/// How often something has happened to the messages of an edge node.
public struct EdgeNodeCounters: Hashable, Sendable {
    public var messages: UInt64 = 0
    public var samples: UInt64 = 0
    /// Messages that are no payload, and metrics whose fields or values are wrong.
    public var unreadableMessages: UInt64 = 0
    public var unreadableMetrics: UInt64 = 0
    /// Times that are none; their values are taken.
    public var unreadableTimes: UInt64 = 0
    /// Messages that came again.
    public var duplicates: UInt64 = 0
    /// Messages, and values, that came behind what came after them.
    public var late: UInt64 = 0
    /// Gaps in the sequence that closed in time, and those that did not.
    public var healedGaps: UInt64 = 0
    public var gaps: UInt64 = 0
    /// Messages without a birth before them, of a device without one, and metrics that no birth has named.
    public var dataBeforeBirth: UInt64 = 0
    public var unknownDevices: UInt64 = 0
    public var unknownMetrics: UInt64 = 0
    /// Deaths of another session than the current one.
    public var foreignDeaths: UInt64 = 0
    /// Names of metrics, devices and tags that were not taken.
    public var refusals: UInt64 = 0
    /// Aliases that one birth gives to two metrics; the later one has it.
    public var aliasConflicts: UInt64 = 0
    public var rebirthRequests: UInt64 = 0

    public init() {}
}
