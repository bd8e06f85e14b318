import Logging
import MQTT
import TestFixtures
import Testing

@testable import Gateway

@Suite("Leaving a broker")
struct BrokerDepartureTests {
    private func client(_ id: String, _ brokers: [Mosquitto], _ companions: MQTTCompanions) throws -> MQTTClient {
        let addresses = try brokers.map { try MQTTBroker(url: $0.url) }
        var configuration = MQTTClient.Configuration(broker: addresses[0], clientID: id)
        configuration.alternatives = Array(addresses.dropFirst())
        configuration.companions = companions
        return MQTTClient(configuration: configuration, logger: Logger(label: "test"))
    }

    @Test("both connections go to the next broker, and on from there")
    func together() async throws {
        let brokers = [try await Mosquitto(), try await Mosquitto(), try await Mosquitto()]
        let companions = MQTTCompanions()
        let subscriber = try client("listening", brokers, companions)
        let publisher = try client("publishing", brokers, companions)
        try await run(subscriber, publisher) {
            for time in 1...3 {
                try await stand(subscriber, publisher, at: brokers[time - 1])
                // Longer than a brief connection.
                try await Task.sleep(for: .milliseconds(1_100))
                BrokerConnections.leave(subscriber: subscriber, publisher: publisher, because: "silence", time: time)
            }
            try await stand(subscriber, publisher, at: brokers[0])
        }
    }

    @Test("of connections that stand apart one follows the other, this one first and then that one")
    func apart() async throws {
        let brokers = [try await Mosquitto(), try await Mosquitto()]
        for time in 1...2 {
            let companions = MQTTCompanions()
            let subscriber = try client("listening", brokers, companions)
            let publisher = try client("publishing", brokers.reversed(), MQTTCompanions())
            try await run(subscriber, publisher) {
                try await eventually("both") {
                    subscriber.connectionState.isConnected && publisher.connectionState.isConnected
                }
                BrokerConnections.leave(subscriber: subscriber, publisher: publisher, because: "silence", time: time)
                try await stand(subscriber, publisher, at: brokers[time % 2])
            }
        }
    }

    private func run(
        _ subscriber: MQTTClient, _ publisher: MQTTClient, _ body: @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in [subscriber, publisher] { group.addTask { try await client.run() } }
            try await body()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    private func stand(_ subscriber: MQTTClient, _ publisher: MQTTClient, at broker: Mosquitto) async throws {
        try await eventually("both at \(broker.url)", seen: { "\(subscriber.broker) \(publisher.broker)" }) {
            [subscriber, publisher].allSatisfy { $0.connectionState.isConnected && "\($0.broker)" == broker.url }
        }
    }
}
