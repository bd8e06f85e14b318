/// What one edge node may take up here. What is beyond is refused by name, and counted.
public struct EdgeNodeCapacities: Hashable, Sendable {
    /// Metrics, and tags. Those that were in an earlier birth count: their numbers are never given away again.
    public var metrics = 10_000
    /// Bytes of the names of metrics, of tags, and of devices.
    public var nameBytes = 1 << 20
    public var devices = 1_000
    /// Messages that wait for one before them, and their bytes with the names of their devices. At the bound nothing is waited for any more.
    public var heldMessages = 64
    public var heldBytes = 1 << 20
    /// How many refusals of one message are named.
    public var refusalsPerMessage = 16

    public init() {}
}

/// How long an edge node is waited for. All are milliseconds.
public struct EdgeNodeRule: Hashable, Sendable {
    /// How long a message that is ahead waits for those before it.
    public var reorderWindow: Int64 = 2_000
    /// How long after the birth of its edge node a device may take for its own.
    public var deviceGrace: Int64 = 10_000
    /// How long after the broker is back an edge node may be silent before it is asked.
    public var silence: Int64 = 30_000
    /// How many requests in a row must have been sent, while nothing is heard of the edge node, before it counts as stale when the next
    /// one is due.
    public var unansweredRequests = 3
    public var rebirth = RebirthRule()

    public init() {}
}

/// How often an edge node is asked for a rebirth. All are milliseconds.
public struct RebirthRule: Hashable, Sendable {
    /// Least time between two requests. It doubles with each request that follows soon.
    public var spacing: Int64 = 30_000
    public var longestSpacing: Int64 = 900_000
    /// Over how long first requests are spread, so that edge nodes that lose messages together are not asked together.
    public var spread: Int64 = 500
    /// The same when all edge nodes are concerned: after the broker was away, and on a takeover.
    public var wideSpread: Int64 = 30_000
    /// How much later a gateway that does not ask first asks for what all may have missed, before it is spread widely: time in
    /// which the answer to the other's request comes.
    public var laterBy: Int64 = 10_000

    public init() {}
}
