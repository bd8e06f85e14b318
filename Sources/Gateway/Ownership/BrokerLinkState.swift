import MQTT
import Synchronization

/// Whether the link to the broker stands: both connections, and every subscription of the listening one granted.
///
/// Of the publishing connection only the connection counts: a broker may refuse requests over MQTT on purpose.
struct BrokerLinkState: Sendable {
    let subscriber: @Sendable () -> AsyncStream<MQTTSubscriptionStatus>
    let publisher: @Sendable () -> AsyncStream<MQTTConnectionState>

    init(
        subscriber: @escaping @Sendable () -> AsyncStream<MQTTSubscriptionStatus>,
        publisher: @escaping @Sendable () -> AsyncStream<MQTTConnectionState>
    ) {
        self.subscriber = subscriber
        self.publisher = publisher
    }

    init(subscriber: MQTTClient, publisher: MQTTClient) {
        self.init(
            subscriber: { subscriber.subscriptionUpdates() }, publisher: { publisher.connectionUpdates() })
    }

    /// What the two followers have heard.
    private final class Parts: Sendable {
        private struct State {
            var hears = false
            var speaks = false
        }

        private let state = Mutex(State())

        /// - Returns: Whether the link stands now.
        func set(hears: Bool? = nil, speaks: Bool? = nil) -> Bool {
            state.withLock { state in
                if let hears { state.hears = hears }
                if let speaks { state.speaks = speaks }
                return state.hears && state.speaks
            }
        }
    }

    /// Tells each change until cancelled.
    func follow(_ changed: @escaping @Sendable (_ isUp: Bool) -> Void) async {
        let parts = Parts()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await status in subscriber() {
                    changed(parts.set(hears: status.isComplete && status.refused.isEmpty))
                }
            }
            group.addTask {
                for await state in publisher() {
                    changed(parts.set(speaks: state.isConnected))
                }
            }
            await group.waitForAll()
        }
    }
}
