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
        // However short it was, each connection that is given up here has worked.
        configuration.reconnect.briefly = .zero
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
                BrokerConnections.leave(subscriber: subscriber, publisher: publisher, because: "silence", time: time)
            }
            try await stand(subscriber, publisher, at: brokers[0])
        }
    }

    @Test("of connections that are apart one follows the other: first the publishing one, then the listening one")
    func apart() async throws {
        let brokers = [try await Mosquitto(), try await Mosquitto(), try await Mosquitto()]
        for time in 1...2 {
            let companions = MQTTCompanions()
            // One of them stays where it is: its list does not have the other's broker. The one that leaves would come to the
            // broker between if it did not follow.
            let subscriber = try client(
                "listening\(time)", time == 1 ? Array(brokers[..<2]) : brokers, companions)
            let publisher = try client(
                "publishing\(time)", time == 1 ? brokers.reversed() : [brokers[2], brokers[1]], companions)
            let (first, second) = time == 1 ? (publisher, subscriber) : (subscriber, publisher)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in [first, second] {
                    group.addTask { try await client.run() }
                    try await client.waitUntilConnected(timeout: .seconds(10))
                }
                #expect("\(subscriber.broker)" == brokers[0].url && "\(publisher.broker)" == brokers[2].url)
                BrokerConnections.leave(subscriber: subscriber, publisher: publisher, because: "silence", time: time)
                try await stand(subscriber, publisher, at: time == 1 ? brokers[0] : brokers[2])
                group.cancelAll()
                try await group.waitForAll()
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
