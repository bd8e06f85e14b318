import MQTT
import Plant
import Synchronization

@testable import Gateway

/// A connection to a broker that does what the test says, and remembers what left.
final class ScriptedBroker: RetainedMessageSource {
    struct Message: Sendable {
        var topic: String
        var payload: [UInt8]
        var retain = false
        var qos = MQTTQoS.atLeastOnce
        var properties: MQTTProperties
        /// When the publisher would not have had it sent any more.
        var notAfter: ContinuousClock.Instant?

        var text: String { String(decoding: payload, as: UTF8.self) }
    }

    /// What happens to a publication.
    enum Fate: Sendable {
        case acknowledged
        case noSubscribers
        /// The message is with the broker, the acknowledgement never comes.
        case lost
        /// The broker says no, and does not have it.
        case refused(MQTTReasonCode)
        /// The message is with the broker, and the call does not return before its task is cancelled.
        case stuck
    }

    private struct State {
        var isConnected = true
        var messages: [Message] = []
        /// What it keeps for later subscribers, by topic.
        var retained: [String: [UInt8]] = [:]
        var subscriptions: [MQTTSubscription] = []
        var hear: (@Sendable (_ topic: String, _ payload: [UInt8], _ isRetained: Bool) -> Void)?
        var refusedTopics: [String] = []
        var attempts: [String] = []
        var updates: [AsyncStream<MQTTConnectionState>.Continuation] = []
    }

    private let state = Mutex(State())
    private let fate: @Sendable (Message) async -> Fate

    init(fate: @escaping @Sendable (Message) async -> Fate = { _ in .acknowledged }) { self.fate = fate }

    func messages(on topic: String) -> [Message] { state.withLock { $0.messages.filter { $0.topic == topic } } }

    var allMessages: [Message] { state.withLock { $0.messages } }

    /// Topics that begin so are refused from now on.
    func refuse(_ prefixes: String...) { state.withLock { $0.refusedTopics = prefixes } }

    /// Topics of all publications so far, also of those that were refused.
    var attempts: [String] { state.withLock { $0.attempts } }

    var retained: [String: [UInt8]] { state.withLock { $0.retained } }

    /// What another publisher has retained, or the broker has forgotten.
    func setRetained(_ topic: String, _ payload: [UInt8]?) { state.withLock { $0.retained[topic] = payload } }

    func forgetRetained() { state.withLock { $0.retained = [:] } }

    /// Where messages to subscriptions go.
    func onMessage(_ hear: @escaping @Sendable (_ topic: String, _ payload: [UInt8], _ isRetained: Bool) -> Void) {
        state.withLock { $0.hear = hear }
    }

    var subscriptions: [String] { state.withLock { $0.subscriptions.map(\.filter) } }

    func subscribe(_ subscription: MQTTSubscription) throws {
        let filter = try TopicFilter(subscription.filter)
        let (hear, kept) = state.withLock { state in
            state.subscriptions.append(subscription)
            return (state.hear, state.retained.filter { (try? TagPath($0.key)).map(filter.matches) ?? false })
        }
        for (topic, payload) in kept { hear?(topic, payload, true) }
    }

    var brokerRetainsMessages: Bool { true }

    func unsubscribe(_ filter: String) throws {
        state.withLock { state in state.subscriptions.removeAll { $0.filter == filter } }
    }

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
        let message = Message(
            topic: topic, payload: payload, retain: retain, qos: qos, properties: properties, notAfter: notAfter)
        let isRefused = state.withLock { state in
            state.attempts.append(topic)
            return state.refusedTopics.contains { topic.hasPrefix($0) }
        }
        let fate = isRefused ? .refused(.notAuthorized) : await fate(message)
        if case .refused(let code) = fate { throw MQTTError.refused(code) }
        let hear = state.withLock { state in
            state.messages.append(message)
            if retain { state.retained[topic] = payload.isEmpty ? nil : payload }
            return state.subscriptions.contains { Self.matches($0, topic) } ? state.hear : nil
        }
        hear?(topic, payload, false)
        switch fate {
        case .refused(let code): throw MQTTError.refused(code)
        case .acknowledged: return MQTTPublishResult(reasonCode: .success)
        case .noSubscribers: return MQTTPublishResult(reasonCode: .noMatchingSubscribers)
        case .lost: throw MQTTError.connectionLost
        case .stuck:
            while !Task.isCancelled { try await Task.sleep(for: .seconds(60)) }
            throw CancellationError()
        }
    }

    private static func matches(_ subscription: MQTTSubscription, _ topic: String) -> Bool {
        guard let filter = try? TopicFilter(subscription.filter), let path = try? TagPath(topic) else { return false }
        return filter.matches(path)
    }
}
