import Synchronization

@testable import Gateway
@testable import MQTT

/// A listening connection on which a test says what comes.
final class ScriptedSource: MessageSource {
    private struct State {
        var number: UInt64 = 0
        var acknowledged: UInt64 = 0
        var connection = MQTTConnectionState.connected(sessionPresent: true)
        var subscriptions = MQTTSubscriptionStatus()
        var connectionSinks: [AsyncStream<MQTTConnectionState>.Continuation] = []
        var subscriptionSinks: [AsyncStream<MQTTSubscriptionStatus>.Continuation] = []
    }

    let batches: AsyncStream<MQTTMessageBatch>
    private let sink: AsyncStream<MQTTMessageBatch>.Continuation
    private let state = Mutex(State())

    init() { (batches, sink) = AsyncStream.makeStream() }

    /// The newest batch that the gateway has acknowledged.
    var acknowledged: UInt64 { state.withLock { $0.acknowledged } }

    func acknowledge(through batchNumber: UInt64) {
        state.withLock { $0.acknowledged = max($0.acknowledged, batchNumber) }
    }

    var connectionState: MQTTConnectionState { state.withLock { $0.connection } }

    func connectionUpdates() -> AsyncStream<MQTTConnectionState> {
        let (stream, sink) = AsyncStream.makeStream(of: MQTTConnectionState.self)
        state.withLock { state in
            state.connectionSinks.append(sink)
            sink.yield(state.connection)
        }
        return stream
    }

    func subscriptionUpdates() -> AsyncStream<MQTTSubscriptionStatus> {
        let (stream, sink) = AsyncStream.makeStream(of: MQTTSubscriptionStatus.self)
        state.withLock { state in
            state.subscriptionSinks.append(sink)
            sink.yield(state.subscriptions)
        }
        return stream
    }

    /// The connection comes or goes, and with it the subscriptions.
    func set(_ connection: MQTTConnectionState) {
        state.withLock { state in
            state.connection = connection
            state.subscriptions.connected = connection.isConnected
            for sink in state.connectionSinks { sink.yield(connection) }
            for sink in state.subscriptionSinks { sink.yield(state.subscriptions) }
        }
    }

    /// Messages arrive in one batch; gives its number.
    @discardableResult
    func receive(_ messages: [(topic: String, payload: String)], at receivedAtMs: Int64) -> UInt64 {
        let batch = batch(of: messages, at: receivedAtMs)
        sink.yield(batch)
        return batch.number
    }

    /// The next batch, for a test that hands it over itself.
    func batch(of messages: [(topic: String, payload: String)], at receivedAtMs: Int64) -> MQTTMessageBatch {
        var builder = BatchBuilder(reservingMessages: messages.count, bytes: 1024)
        for message in messages {
            let topic = Array(message.topic.utf8)
            let payload = Array(message.payload.utf8)
            _ = topic.withUnsafeBytes { topic in
                payload.withUnsafeBytes { payload in
                    builder.append(
                        topic: topic, payload: payload, qos: .atLeastOnce, retain: false, properties: nil,
                        receivedAtMs: receivedAtMs)
                }
            }
        }
        builder.number = state.withLock { state in
            state.number += 1
            return state.number
        }
        return builder.finish()
    }

    func finish() { sink.finish() }
}
