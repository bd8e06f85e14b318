package import MQTT

/// The connection that a service publishes on: ``MQTTClient``, or in tests a broker that breaks when told to.
package protocol MessagePublisher: Sendable {
    /// See ``MQTTClient``: returns when the broker has acknowledged; never queues; nothing is sent after `notAfter`.
    func publish(
        topic: String, payload: [UInt8], qos: MQTTQoS, retain: Bool, properties: MQTTProperties,
        notAfter: ContinuousClock.Instant?
    ) async throws -> MQTTPublishResult

    /// What the connection is doing now.
    var connectionState: MQTTConnectionState { get }

    /// The current state first, then each change.
    func connectionUpdates() -> AsyncStream<MQTTConnectionState>
}

extension MQTTClient: MessagePublisher {}
