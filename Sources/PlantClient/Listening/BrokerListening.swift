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

    /// Calls `receive` with one message after the other, until the time is over.
    ///
    /// - Parameter logger: For what the broker's client has to say beside the errors that it throws.
    /// - Throws: `MQTTUnreachable` when the broker does not let this program in, and what reading its credentials throws.
    package static func listen(
        _ settings: MQTTSettings, to filter: TopicFilter, for time: Duration, logger: Logger,
        receive: @escaping @Sendable (Message) -> Void
    ) async throws {
        let configuration = try settings.clientConfiguration(purpose: "check")
        let subscription = MQTTSubscription(filter: filter.description, qos: .atMostOnce)
        try await MQTTClient.connected(configuration, subscriptions: [subscription], logger: logger) { client in
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await batch in client.batches {
                        for entry in batch.entries {
                            receive(
                                Message(
                                    topic: Array(batch.topic(entry)), payload: Array(batch.payload(entry)),
                                    isRetained: entry.retain, receivedAt: entry.receivedAtMs))
                        }
                    }
                }
                group.addTask { try? await Task.sleep(for: time) }
                await group.next()
                group.cancelAll()
            }
        }
    }
}
