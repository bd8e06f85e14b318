import Logging
import MQTT
import Plant
import Synchronization

/// Tells whether this gateway has heard everything that the broker had taken before a moment.
///
/// After a stop, an outage or a start, the broker still holds what sensors published meanwhile. A message of the
/// gateway's own, sent at that moment by the one connection, comes back on the other one behind all of it.
final class BrokerEcho: Sendable {
    /// How long an echo is waited for. The broker may not let it through, or not have us connected: then a takeover must
    /// not wait for ever.
    static let patience = Duration.seconds(1)
    /// The same when it has come back before: then there is much to hear before it.
    static let longPatience = Duration.seconds(5)
    /// Between two of them: the first may be sent before the broker knows the subscription.
    static let repetition = Duration.milliseconds(100)

    private struct State {
        var sent: UInt64 = 0
        var hasComeBack = false
        var hasToldOfSilence = false
        var waiting: [UInt64: AsyncStream<Void>.Continuation] = [:]
    }

    /// What it is sent on; only this gateway listens there.
    let topic: [UInt8]
    private let payloadPrefix: [UInt8]
    private let publisher: MQTTClient
    private let subscriber: MQTTClient
    private let logger: Logger
    private let state = Mutex(State())

    init(publisher: MQTTClient, subscriber: MQTTClient, plant: String, identity: GatewayIdentity, logger: Logger) {
        self.publisher = publisher
        self.subscriber = subscriber
        self.logger = logger
        topic = Array(Self.topic(plant: plant, gateway: identity.gateway).utf8)
        // The broker may deliver what an earlier life has sent.
        payloadPrefix = Array("\(identity.pid) \(identity.started) ".utf8)
    }

    static func topic(plant: String, gateway: String) -> String {
        GatewayNotice.topic(plant: plant, gateway: gateway) + "/echo"
    }

    /// A message on ``topic``, told after everything before it has been taken in.
    func heard(payload: ArraySlice<UInt8>) {
        guard payload.starts(with: payloadPrefix),
            let number = UInt64(String(decoding: payload.dropFirst(payloadPrefix.count), as: UTF8.self))
        else { return }
        let waiting = state.withLock { state in
            let waiting = state.waiting.removeValue(forKey: number)
            if waiting != nil { state.hasComeBack = true }
            return waiting
        }
        waiting?.yield()
        waiting?.finish()
    }

    /// Waits until everything has been heard that the broker has taken before this call.
    ///
    /// - Returns: Whether it is known to be so: false when the broker does not answer in time.
    func hearEverything() async -> Bool {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let (number, hasComeBack) = state.withLock { state in
            state.sent += 1
            state.waiting[state.sent] = continuation
            return (state.sent, state.hasComeBack)
        }
        defer { _ = state.withLock { $0.waiting.removeValue(forKey: number) } }
        let payload = payloadPrefix + Array(String(number).utf8)
        let isHeard = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await _ in stream { return true }
                return false
            }
            group.addTask {
                while !Task.isCancelled {
                    // Whether it went out does not matter: the echo says so, or the next one does.
                    _ = try? await self.publisher.publish(topic: self.topic, payload: payload, qos: .atLeastOnce)
                    try? await Task.sleep(for: Self.repetition)
                }
                return false
            }
            group.addTask {
                let mayTakeLong = hasComeBack && self.subscriber.connectionState.isConnected
                try? await Task.sleep(for: mayTakeLong ? Self.longPatience : Self.patience)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        if !isHeard { noteSilence() }
        return isHeard
    }

    private func noteSilence() {
        let isNews = state.withLock { state in
            state.hasComeBack = false
            defer { state.hasToldOfSilence = true }
            return !state.hasToldOfSilence
        }
        guard isNews, !Task.isCancelled, subscriber.connectionState.isConnected else { return }
        logger.warning(
            "the broker does not send back what this gateway publishes to itself; may it read and write there?",
            metadata: ["topic": "\(String(decoding: topic, as: UTF8.self))"])
    }
}
