import Logging
import MQTT
import Plant
import SparkplugB
import TestFixtures
import Testing

@testable import Gateway

@Suite("HostConnection: one connection of the host", .timeLimit(.minutes(1)))
struct HostConnectionTests {
    @Test("what is published does not wait until what was heard has been taken")
    func acknowledgesAtOnce() async throws {
        let broker = try await Mosquitto()
        var configuration = MQTTClient.Configuration(
            broker: MQTTBroker(host: "127.0.0.1", port: broker.port), clientID: "host")
        configuration.reconnects = false
        // Longer than this test may take.
        configuration.acknowledgeHoldLimit = .seconds(600)
        configuration.keepAlive = .seconds(3600)
        let topic = HostTestBed.topic
        let turns = Wake()
        let connection = HostConnection(configuration, topic: topic, changed: turns, logger: .init(label: "test"))
        try await eventually("the connection") { connection.state == .connected }
        try await connection.waitUntilSubscribed()
        // Each comes back, and nobody takes it.
        for timestamp in Int64(1)...5 {
            let message = HostMessage(
                topic: topic, payload: HostStatePayload(isOnline: true, timestamp: timestamp).encoded)
            try await connection.publish(message, notAfter: .now + .seconds(20))
        }
        var heard: [HostStatePayload] = []
        try await eventually("all of them") {
            heard += connection.takeMessages().compactMap { HostStatePayload($0.payload.span) }
            return heard.map(\.timestamp) == [1, 2, 3, 4, 5]
        }
        await connection.close()
    }
}
