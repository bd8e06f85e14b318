import MQTT
import Synchronization

/// Whether the link to the broker stands: both connections, every subscription of the listening one granted, and a broker
/// that brings back what this gateway sends to itself.
///
/// Of the publishing connection only the connection counts: a broker may refuse requests over MQTT on purpose. An echo that
/// does not come back counts only once it has been missing for so long that the broker has hung, or refuses it: a gateway
/// in which no delay ends is worse than any other, and better than none.
struct BrokerLinkState: Sendable {
    let subscriber: @Sendable () -> AsyncStream<MQTTSubscriptionStatus>
    let publisher: @Sendable () -> AsyncStream<MQTTConnectionState>
    /// Whether the broker is silent, at each change; see ``Hearing``.
    let silence: @Sendable () -> AsyncStream<Bool>

    /// What the followers have heard.
    private final class Parts: Sendable {
        private struct State {
            var hears = false
            var speaks = false
            var isSilent = false
        }

        private let state = Mutex(State())

        /// Tells `changed` whether the link stands now, in the order of the changes: the last word must be the true one.
        func set(
            hears: Bool? = nil, speaks: Bool? = nil, isSilent: Bool? = nil, _ changed: (_ isUp: Bool) -> Void
        ) {
            state.withLock { state in
                if let hears { state.hears = hears }
                if let speaks { state.speaks = speaks }
                if let isSilent { state.isSilent = isSilent }
                changed(state.hears && state.speaks && !state.isSilent)
            }
        }
    }

    /// Tells each change until cancelled. What is called must not wait.
    func follow(_ changed: @escaping @Sendable (_ isUp: Bool) -> Void) async {
        let parts = Parts()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await status in subscriber() {
                    parts.set(hears: status.isComplete && status.refused.isEmpty, changed)
                }
            }
            group.addTask {
                for await state in publisher() {
                    parts.set(speaks: state.isConnected, changed)
                }
            }
            group.addTask {
                for await isSilent in silence() { parts.set(isSilent: isSilent, changed) }
            }
            await group.waitForAll()
        }
    }
}
