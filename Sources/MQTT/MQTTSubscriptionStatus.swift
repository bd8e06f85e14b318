/// What the broker has said to a client's subscriptions on the present connection.
public struct MQTTSubscriptionStatus: Sendable, Hashable {
    /// Whether there is a connection for it to be about.
    public internal(set) var connected = false
    /// Subscriptions that the broker has not answered yet.
    public internal(set) var pending = 0
    /// Filters that the broker refused, with its reason. They are asked for again on the next connection.
    public internal(set) var refused: [String: MQTTReasonCode] = [:]

    public init() {}

    /// As a test of a program that uses a client wants it.
    package init(connected: Bool, pending: Int, refused: [String: MQTTReasonCode]) {
        self.connected = connected
        self.pending = pending
        self.refused = refused
    }

    /// Whether every subscription has been answered.
    public var isComplete: Bool { connected && pending == 0 }
}
