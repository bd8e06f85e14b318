/// What all edge nodes of Sparkplug B together may take up, and how often they are asked.
public struct EdgeNodeLimits: Sendable, Hashable {
    /// Edge nodes that are remembered. A further one is refused and counted.
    public var edgeNodes = 10_000
    /// Bytes that the tables of all edge nodes and the messages that wait for others take, roughly. Beyond it nothing is taken that
    /// has a new name, and nothing waits.
    public var bytes = 256 << 20
    /// Rebirth requests to all edge nodes together: an edge node answers one with all that it has.
    public var rebirthsPerSecond = 20

    public init() {}
}
