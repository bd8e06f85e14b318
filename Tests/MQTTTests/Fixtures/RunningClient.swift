import Logging
import MQTT
import Synchronization
import TestFixtures

/// One incoming message, copied out of its batch.
struct ReceivedMessage: Sendable, CustomStringConvertible {
    var topic: String
    var payload: [UInt8]
    var qos: MQTTQoS
    var retain: Bool
    var properties: MQTTProperties?

    var text: String { String(decoding: payload, as: UTF8.self) }
    var description: String {
        "\(topic)=\(payload.count < 60 ? text : "\(payload.count) bytes")\(retain ? " (retained)" : "")"
    }
}

/// A value under a lock, for tasks to share.
final class Box<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }

    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result { value.withLock { body(&$0) } }
}

/// A client that runs in a task of its own for a test, with everything it received.
final class RunningClient: Sendable {
    let client: MQTTClient
    private let runner: Task<Void, any Error>
    private let reader: Task<Void, Never>?

    /// - Parameter acknowledges: whether batches are acknowledged as they arrive.
    init(
        _ configuration: MQTTClient.Configuration, subscriptions: [MQTTSubscription] = [], acknowledges: Bool = true,
        reads: Bool = true
    ) {
        var logger = Logger(label: "mqtt")
        logger.logLevel = .error
        let client = MQTTClient(configuration: configuration, subscriptions: subscriptions, logger: logger)
        self.client = client
        let reasons = Box<MQTTDisconnection?>(nil)
        self.reasons = reasons
        let updates = client.connectionUpdates()
        runner = Task {
            // Ends with the client's run.
            async let listening: Void = {
                for await case .disconnected(let reason) in updates { reasons.withLock { $0 = reason } }
            }()
            try await client.run()
            await listening
        }
        let (batches, acknowledge) = (client.batches, acknowledges)
        let sink = Sink()
        self.sink = sink
        reader =
            reads
            ? Task {
                for await batch in batches {
                    sink.take(batch)
                    if acknowledge { client.acknowledge(through: batch.number) }
                }
            } : nil
    }

    private let sink: Sink

    private final class Sink: Sendable {
        let messages = Mutex<[ReceivedMessage]>([])

        func take(_ batch: MQTTMessageBatch) {
            let copies = batch.entries.map { entry in
                ReceivedMessage(
                    topic: String(decoding: batch.topic(entry), as: UTF8.self), payload: Array(batch.payload(entry)),
                    qos: entry.qos, retain: entry.retain, properties: batch.properties(entry))
            }
            messages.withLock { $0 += copies }
        }
    }

    var received: [ReceivedMessage] { sink.messages.withLock { $0 } }

    /// The reason of the last disconnection that was told.
    var lastReason: MQTTDisconnection? { reasons.withLock { $0 } }
    private let reasons: Box<MQTTDisconnection?>

    /// How `run()` ended.
    func result() async throws { try await runner.value }

    /// Waits until a message has arrived that `matches`.
    func message(within deadline: Duration = .seconds(10), where matches: (ReceivedMessage) -> Bool) async throws
        -> ReceivedMessage
    {
        try await eventuallyValue("a message", within: deadline, seen: { "\(received) \(client.connectionState)" }) {
            received.first(where: matches)
        }
    }

    /// Waits until at least `count` messages have arrived.
    func messages(_ count: Int, within deadline: Duration = .seconds(10)) async throws -> [ReceivedMessage] {
        try await eventually(
            "\(count) messages", within: deadline,
            seen: { "\(received.count): \(received.suffix(20)) \(client.statistics)" }
        ) { received.count >= count }
        return received
    }

    /// Stops the client as a cancelled service is stopped, and waits until it has ended.
    func stop() async {
        runner.cancel()
        _ = await runner.result
        reader?.cancel()
        await reader?.value
    }
}

/// Runs `body` with a client, and stops the client whatever happens.
@discardableResult
func withClient<Result: Sendable>(
    _ configuration: MQTTClient.Configuration, subscriptions: [MQTTSubscription] = [], acknowledges: Bool = true,
    reads: Bool = true, connects: Bool = true, _ body: (RunningClient) async throws -> Result
) async throws -> Result {
    let running = RunningClient(configuration, subscriptions: subscriptions, acknowledges: acknowledges, reads: reads)
    let result: Swift.Result<Result, any Error>
    do {
        if connects { try await running.client.waitUntilSubscribed(timeout: .seconds(10)) }
        result = .success(try await body(running))
    } catch {
        result = .failure(error)
    }
    await running.stop()
    return try result.get()
}

extension MQTTClient.Configuration {
    /// A client of a broker of a test.
    init(_ broker: Mosquitto, _ clientID: String, version: MQTTProtocolVersion = .v5) throws {
        self.init(broker: try MQTTBroker(url: broker.url), clientID: clientID)
        protocolVersion = version
    }
}
