/// What a client has counted since it was made.
public struct MQTTStatistics: Sendable, Hashable {
    /// Messages handed to the consumer, or waiting for it.
    public var received: UInt64 = 0
    /// Their topics and payloads.
    public var receivedBytes: UInt64 = 0
    /// Messages larger than `maxPayload`: dropped.
    public var droppedTooLarge: UInt64 = 0
    /// Messages shed because the inbox was full for longer than `inboxFullPause`; see ``MQTTClient/shedTopics``.
    public var droppedInboxFull: UInt64 = 0
    /// Times that reading was stopped because the inbox was full.
    public var pauses: UInt64 = 0
    /// Times that acknowledgements left because `acknowledgeHoldLimit` had passed, not because the consumer was done.
    public var acknowledgementsForced: UInt64 = 0
    /// Publishes that the broker acknowledged (QoS 0: that were written).
    public var published: UInt64 = 0
    /// Publishes that failed, whatever the reason.
    public var publishFailures: UInt64 = 0
    /// Publishes that have been handed to the network and not been acknowledged yet.
    public var publishesInFlight = 0
    /// Connections made.
    public var connections: UInt64 = 0
    /// Attempts that failed, and connections that were lost.
    public var disconnections: UInt64 = 0
    /// Subscriptions that the broker refused.
    public var subscriptionsRefused: UInt64 = 0

    public init() {}
}
