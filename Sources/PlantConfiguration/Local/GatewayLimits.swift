/// Bounds on what outsiders can make a gateway keep. What happens at each bound is stated beside it.
package struct GatewayLimits: Sendable, Equatable {
    /// Topics with a binding. Messages on further topics are counted and dropped.
    package var maxTopics = 200_000
    /// Tags. Samples of further tags are counted and dropped.
    package var maxTags = 200_000
    /// A larger MQTT payload is counted and dropped.
    package var maxPayload = 1 << 20
    /// Messages that wait between the MQTT thread and the routes. When it is full, reading from the broker pauses.
    package var inboxMessages = 100_000
    /// The same in bytes.
    package var inboxBytes = 64 << 20
    /// Publishes that wait for the broker's acknowledgement.
    package var maxInFlightPublishes = 500
    /// Command requests over MQTT that one requester may make in a minute. Further ones are counted and dropped.
    package var requestsPerMinute = 1_200
    /// Finished commands and journal entries beyond this number are removed, oldest first.
    package var historyEntries = 10_000
    /// Finished commands and journal entries older than this are removed.
    package var historyAge: Duration = .seconds(24 * 3600)

    package init() {}
}
