import Logging
import MQTT
import Synchronization
import TestFixtures
import Testing

@testable import Gateway

/// Against a real mosquitto.
@Suite struct BrokerEchoTests {
    private static let identity = GatewayIdentity(gateway: "gw", host: "here", pid: 1, version: "1", started: 2)
    private static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private final class Count: Sendable {
        let value = Mutex(0)
    }

    private static func client(_ broker: Mosquitto, _ id: String, _ filters: [String]) throws -> MQTTClient {
        var configuration = MQTTClient.Configuration(broker: try MQTTBroker(url: broker.url), clientID: id)
        configuration.cleanStart = true
        return MQTTClient(
            configuration: configuration,
            subscriptions: filters.map { MQTTSubscription(filter: $0, qos: .atLeastOnce) }, logger: logger)
    }

    /// Runs both connections of a gateway and its echo, listening to `filters`.
    private func play(
        filters: [String],
        _ body: @Sendable (_ publisher: MQTTClient, _ subscriber: MQTTClient, BrokerEcho) async throws -> Void
    ) async throws {
        let broker = try await Mosquitto()
        let publisher = try Self.client(broker, "echo-control", [])
        let subscriber = try Self.client(broker, "echo", filters)
        let echo = BrokerEcho(
            publisher: publisher, subscriber: subscriber, plant: "test", identity: Self.identity, logger: Self.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await publisher.run() }
            group.addTask { try await subscriber.run() }
            defer { group.cancelAll() }
            try await eventually("both are connected") {
                publisher.connectionState.isConnected && subscriber.connectionState.isConnected
                    && subscriber.subscriptionStatus.isComplete
            }
            try await body(publisher, subscriber, echo)
        }
    }

    @Test("it comes back behind everything that the broker had taken before")
    func comesBackLast() async throws {
        let topic = BrokerEcho.topic(plant: "test", gateway: "gw")
        try await play(filters: ["sensors/#", topic]) { publisher, subscriber, echo in
            let count = 2000
            for number in 0..<count {
                try await publisher.publish(topic: "sensors/\(number % 7)", payload: Array("\(number)".utf8))
            }
            let heard = Count()
            await withTaskGroup(of: Void.self) { group in
                // A gateway that is slow to take up what has come while it was stopped.
                group.addTask {
                    for await batch in subscriber.batches {
                        for entry in batch.entries {
                            if batch.topic(entry).elementsEqual(topic.utf8) {
                                echo.heard(payload: batch.payload(entry))
                            } else {
                                heard.value.withLock { $0 += 1 }
                            }
                        }
                        subscriber.acknowledge(through: batch.number)
                        try? await Task.sleep(for: .milliseconds(5))
                    }
                }
                defer { group.cancelAll() }
                #expect(await echo.hearEverything())
                #expect(heard.value.withLock { $0 } == count)
                #expect(await echo.hearEverything(), "as often as it is asked")
            }
        }
    }

    @Test("a broker that does not send it back is not waited for")
    func neverComesBack() async throws {
        try await play(filters: ["sensors/#"]) { _, _, echo in
            let isHeard = await echo.hearEverything()
            #expect(!isHeard)
        }
    }

    @Test("what an earlier life of the gateway has sent, or anybody else, is no echo")
    func onlyItsOwn() async throws {
        try await play(filters: ["sensors/#"]) { _, _, echo in
            async let isHeard = echo.hearEverything()
            for payload in ["1 3 1", "1 2 9", "1 2 ", "", "1 2 1x", "1 2 99999999999999999999"] {
                echo.heard(payload: Array(payload.utf8)[...])
            }
            #expect(await !isHeard)
        }
    }
}
