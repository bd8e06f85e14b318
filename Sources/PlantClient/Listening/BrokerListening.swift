package import Logging
import MQTT
package import Plant
package import PlantConfiguration

/// Hears what is published at a broker for a while, to explain it: nothing is kept, and the broker keeps nothing for us.
package enum BrokerListening {
    package struct Message: Sendable {
        package var topic: [UInt8]
        package var payload: [UInt8]
        /// Whether the broker had kept it.
        package var isRetained: Bool
        package var receivedAt: Milliseconds

        package init(topic: [UInt8], payload: [UInt8], isRetained: Bool, receivedAt: Milliseconds) {
            self.topic = topic
            self.payload = payload
            self.isRetained = isRetained
            self.receivedAt = receivedAt
        }
    }

    /// What came of it.
    package struct Outcome: Sendable {
        /// Messages that did not reach `receive`: too long, or more than could be taken in.
        package var lost: UInt64
        /// Whether the broker was there all the time.
        package var wasConnected: Bool
    }

    /// The broker does not let this program hear that.
    package struct Refused: Error, CustomStringConvertible {
        package let filter: TopicFilter

        package var description: String { "the broker refuses the subscription to \(filter); look at its access list" }
    }

    /// Calls `receive` with one message after the other, until the time is over.
    ///
    /// - Parameters:
    ///   - time: from the moment at which the broker has answered the subscription.
    ///   - maxPayload: the longest payload that a gateway takes, in bytes.
    ///   - logger: For what the broker's client has to say beside the errors that it throws.
    /// - Throws: `MQTTUnreachable` when the broker does not let this program in, ``Refused`` and `MQTTError` when it does
    ///   not take, or not answer, the subscription, and what reading its credentials throws.
    package static func listen(
        _ settings: MQTTSettings, to filter: TopicFilter, for time: Duration, maxPayload: Int, logger: Logger,
        receive: @escaping @Sendable (Message) -> Void
    ) async throws -> Outcome {
        var configuration = try settings.clientConfiguration(purpose: "check")
        configuration.maxPayload = maxPayload
        let subscription = MQTTSubscription(filter: filter.description, qos: .atMostOnce)
        return try await MQTTClient.connected(configuration, subscriptions: [subscription], logger: logger) { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await batch in client.batches {
                        for entry in batch.entries {
                            // A batch can be long.
                            if Task.isCancelled { return }
                            receive(
                                Message(
                                    topic: Array(batch.topic(entry)), payload: Array(batch.payload(entry)),
                                    isRetained: entry.retain, receivedAt: entry.receivedAtMs))
                        }
                    }
                }
                group.addTask {
                    try await client.waitUntilSubscribed(timeout: .seconds(5))
                    guard client.subscriptionStatus.refused.isEmpty else { throw Refused(filter: filter) }
                    try await Task.sleep(for: time)
                }
                try await group.next()
                group.cancelAll()
            }
            try Task.checkCancellation()
            let counts = client.statistics
            return Outcome(
                lost: counts.droppedTooLarge &+ counts.droppedInboxFull,
                wasConnected: client.connectionState.isConnected && counts.disconnections == 0)
        }
    }
}
