import Logging
import MQTT
import SparkplugB
import Synchronization

/// One connection of the host, from its beginning to its end. It does not come back by itself, because its will counts once.
final class HostConnection: Sendable {
    enum State: Equatable {
        case connecting
        case connected
        /// Why.
        case ended(String)
    }

    typealias Message = (payload: [UInt8], isRetained: Bool)

    /// Of a payload more is not copied: what is longer is no STATE.
    private static let longestPayload = 2048

    let broker: MQTTBroker
    private let client: MQTTClient
    private let inbox: Inbox
    private let task: Task<Void, Never>

    /// - Parameters:
    ///   - topic: The own topic, which is subscribed to as the first thing of the connection.
    ///   - changed: Turned when the state has changed, and when there are messages.
    init(_ configuration: MQTTClient.Configuration, topic: String, changed: Wake, logger: Logger) {
        var configuration = configuration
        configuration.acknowledgement = .explicit
        let client = MQTTClient(
            configuration: configuration, subscriptions: [MQTTSubscription(filter: topic, qos: .atLeastOnce)],
            logger: logger)
        let inbox = Inbox()
        broker = configuration.broker
        self.client = client
        self.inbox = inbox
        // A task of its own: a child of the service's task would close the connection as soon as the service is stopped, before offline is said.
        task = Task.detached {
            await withDiscardingTaskGroup { group in
                group.addTask { for await _ in client.connectionUpdates() { changed.wake() } }
                group.addTask {
                    var turns = inbox.taken.turns.makeAsyncIterator()
                    for await batch in client.batches {
                        let messages = batch.entries.map {
                            (payload: Array(batch.payload($0).prefix(Self.longestPayload)), isRetained: $0.retain)
                        }
                        inbox.put(messages)
                        // At once: what is published waits behind acknowledgements, and nothing here has to outlive the process.
                        client.acknowledge(through: batch.number)
                        guard !messages.isEmpty else { continue }
                        changed.wake()
                        // Then the client's own inbox fills, which has a bound as well.
                        while inbox.isFull, await turns.next() != nil {}
                    }
                }
                do {
                    try await client.run()
                    inbox.end("\(client.connectionState)")
                } catch {
                    inbox.end("\(error)")
                }
                changed.wake()
                group.cancelAll()
            }
        }
    }

    var state: State {
        if let reason = inbox.endReason { return .ended(reason) }
        return client.connectionState.isConnected ? .connected : .connecting
    }

    /// What has arrived since the last call.
    func takeMessages() -> [Message] { inbox.take() }

    /// Returns when the broker has granted the subscription.
    ///
    /// - Throws: `MQTTError`, also when it refuses.
    func waitUntilSubscribed() async throws {
        try await client.waitUntilSubscribed()
        if let reason = client.subscriptionStatus.refused.values.first { throw MQTTError.refused(reason) }
    }

    /// Returns when the broker has acknowledged; sends nothing after `notAfter`.
    func publish(_ message: HostMessage, notAfter: ContinuousClock.Instant) async throws {
        _ = try await client.publish(
            topic: message.topic, payload: message.payload, qos: .atLeastOnce, retain: HostMessage.isRetained,
            notAfter: notAfter)
    }

    /// Says goodbye, so that the will is not sent.
    func close() async {
        task.cancel()
        await task.value
    }

    /// Ends it without a goodbye: the broker sends the will.
    func abandon() async {
        if client.connectionState.isConnected {
            client.reconnect(because: "the host cannot be announced")
        } else {
            task.cancel()
        }
        await task.value
    }
}

/// What has arrived and was not taken, and why the connection has ended.
private final class Inbox: Sendable {
    private struct State {
        var messages: [HostConnection.Message] = []
        var endReason: String?
    }

    /// Turned when messages were taken.
    let taken = Wake()
    private let state = Mutex(State())

    /// More is put in only once something has been taken, but for the rest of a batch.
    private static let capacity = 1_000
    var isFull: Bool { state.withLock { $0.messages.count >= Self.capacity } }

    var endReason: String? { state.withLock { $0.endReason } }

    func put(_ messages: [HostConnection.Message]) { state.withLock { $0.messages += messages } }

    func take() -> [HostConnection.Message] {
        let messages = state.withLock { state in
            defer { state.messages = [] }
            return state.messages
        }
        if !messages.isEmpty { taken.wake() }
        return messages
    }

    func end(_ reason: String) { state.withLock { $0.endReason = reason } }
}
