package import MQTT

/// The connection that commands go out on: ``MQTTClient``, or in tests something that breaks when told to.
package protocol CommandPublisher: Sendable {
    /// See ``MQTTClient``: returns when the broker has acknowledged; never queues; nothing is sent after `notAfter`.
    func publish(
        topic: String, payload: [UInt8], qos: MQTTQoS, retain: Bool, properties: MQTTProperties,
        notAfter: ContinuousClock.Instant?
    ) async throws -> MQTTPublishResult

    /// The current state first, then each change.
    func connectionUpdates() -> AsyncStream<MQTTConnectionState>
}

extension MQTTClient: CommandPublisher {}
