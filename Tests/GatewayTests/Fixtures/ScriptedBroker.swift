import MQTT
import Synchronization

@testable import Gateway

/// A connection to a broker that does what the test says, and remembers what left.
final class ScriptedBroker: MessagePublisher {
    struct Message: Sendable {
        var topic: String
        var payload: [UInt8]
        var properties: MQTTProperties

        var text: String { String(decoding: payload, as: UTF8.self) }
    }

    /// What happens to a publication.
    enum Fate: Sendable {
        case acknowledged
        case noSubscribers
        /// The message is with the broker, the acknowledgement never comes.
        case lost
        /// The message is with the broker, and the call does not return before its task is cancelled.
        case stuck
    }

    private struct State {
        var isConnected = true
        var messages: [Message] = []
        var updates: [AsyncStream<MQTTConnectionState>.Continuation] = []
    }

    private let state = Mutex(State())
    private let fate: @Sendable (Message) async -> Fate

    init(fate: @escaping @Sendable (Message) async -> Fate = { _ in .acknowledged }) { self.fate = fate }

    func messages(on topic: String) -> [Message] { state.withLock { $0.messages.filter { $0.topic == topic } } }

    var allMessages: [Message] { state.withLock { $0.messages } }

    func setConnected(_ isConnected: Bool) {
        let updates = state.withLock { state in
            state.isConnected = isConnected
            return state.updates
        }
        for update in updates { update.yield(isConnected ? .connected(sessionPresent: false) : .connecting) }
    }

    var connectionState: MQTTConnectionState {
        state.withLock { $0.isConnected } ? .connected(sessionPresent: false) : .connecting
    }

    func connectionUpdates() -> AsyncStream<MQTTConnectionState> {
        let (stream, continuation) = AsyncStream.makeStream(of: MQTTConnectionState.self)
        state.withLock { state in
            state.updates.append(continuation)
            continuation.yield(state.isConnected ? .connected(sessionPresent: false) : .connecting)
        }
        return stream
    }

    func publish(
        topic: String, payload: [UInt8], qos: MQTTQoS, retain: Bool, properties: MQTTProperties,
        notAfter: ContinuousClock.Instant?
    ) async throws -> MQTTPublishResult {
        guard state.withLock({ $0.isConnected }) else { throw MQTTError.notConnected }
        if let notAfter, ContinuousClock.now > notAfter { throw MQTTError.deadlinePassed }
        let message = Message(topic: topic, payload: payload, properties: properties)
        let fate = await fate(message)
        state.withLock { $0.messages.append(message) }
        switch fate {
        case .acknowledged: return MQTTPublishResult(reasonCode: .success)
        case .noSubscribers: return MQTTPublishResult(reasonCode: .noMatchingSubscribers)
        case .lost: throw MQTTError.connectionLost
        case .stuck:
            while !Task.isCancelled { try await Task.sleep(for: .seconds(60)) }
            throw CancellationError()
        }
    }
}
