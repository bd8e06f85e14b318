import Logging
public import MQTT
import Synchronization

/// A test's own connection to the broker: publishes, and hands what it hears to a closure.
public final class BrokerLink: Sendable {
    public struct Message: Sendable {
        public let topic: String
        public let payload: [UInt8]
        public let retained: Bool
        public let properties: MQTTProperties?
        /// When the test had it.
        public let at: ContinuousClock.Instant

        public var text: String { String(decoding: payload, as: UTF8.self) }
    }

    private let client: MQTTClient
    private let tasks: [Task<Void, any Error>]

    /// Connects, subscribes (QoS 1) and returns once both are done.
    ///
    /// - Parameters:
    ///   - keepsSession: the broker keeps for it what it does not hear.
    ///   - longestPause: between two attempts to connect.
    ///   - received: called from one task, in the order of arrival.
    public init(
        port: Int, clientID: String, subscriptions: [String] = [],
        keepsSession: Bool = false, longestPause: Duration? = nil,
        received: @escaping @Sendable (Message) -> Void = { _ in }
    ) async throws {
        var logger = Logger(label: clientID)
        logger.logLevel = .error
        var configuration = MQTTClient.Configuration(
            broker: MQTTBroker(host: "127.0.0.1", port: port), clientID: clientID)
        configuration.cleanStart = !keepsSession
        if keepsSession { configuration.sessionExpiry = .seconds(3600) }
        if let longestPause { configuration.reconnect.maximum = longestPause }
        let client = MQTTClient(
            configuration: configuration,
            subscriptions: subscriptions.map { MQTTSubscription(filter: $0, qos: .atLeastOnce) }, logger: logger)
        self.client = client
        // Loose tasks: they end with ``close()``, which every test's stage calls.
        tasks = [
            Task { try await client.run() },
            Task {
                for await batch in client.batches {
                    let now = ContinuousClock.now
                    for entry in batch.entries {
                        received(
                            Message(
                                topic: String(decoding: batch.topic(entry), as: UTF8.self),
                                payload: Array(batch.payload(entry)), retained: entry.retain,
                                properties: batch.properties(entry), at: now))
                    }
                    client.acknowledge(through: batch.number)
                }
            },
        ]
        try await client.waitUntilConnected(timeout: .seconds(10))
        if !subscriptions.isEmpty { try await client.waitUntilSubscribed(timeout: .seconds(10)) }
    }

    public var isConnected: Bool { client.connectionState.isConnected }

    /// Publishes with QoS 1 and returns when the broker has acknowledged.
    public func publish(_ topic: String, _ payload: String, retain: Bool = false) async throws {
        try await publish(topic, Array(payload.utf8), retain: retain)
    }

    public func publish(
        _ topic: String, _ payload: [UInt8], retain: Bool = false, properties: MQTTProperties = MQTTProperties()
    ) async throws {
        _ = try await client.publish(
            topic: topic, payload: payload, qos: .atLeastOnce, retain: retain, properties: properties)
    }

    public func close() async {
        for task in tasks { task.cancel() }
        for task in tasks { _ = await task.result }
    }
}
