package import MQTT

/// The connection that a service listens on: ``MQTTClient``, or in tests a broker that says what the test wants.
package protocol MessageSource: Sendable {
    associatedtype Batches: AsyncSequence<MQTTMessageBatch, Never> & Sendable

    /// Incoming messages; see ``MQTTClient/batches``.
    var batches: Batches { get }

    /// All batches up to this one have been taken over: the broker may forget them.
    func acknowledge(through batchNumber: UInt64)

    /// What the connection is doing now.
    var connectionState: MQTTConnectionState { get }

    /// The current state first, then each change.
    func connectionUpdates() -> AsyncStream<MQTTConnectionState>

    /// What the broker has said to the subscriptions: the present status first, then each change.
    func subscriptionUpdates() -> AsyncStream<MQTTSubscriptionStatus>
}

extension MQTTClient: MessageSource {}
