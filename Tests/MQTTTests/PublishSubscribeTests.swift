import MQTT
import TestFixtures
import Testing

@Suite("Publishing and receiving")
struct PublishSubscribeTests {
    @Test("a message arrives at every level, in both protocols", arguments: [MQTTProtocolVersion.v311, .v5])
    func levels(version: MQTTProtocolVersion) async throws {
        let broker = try await Mosquitto()
        let subscriptions = [MQTTSubscription(filter: "plant/#", qos: .exactlyOnce)]
        try await withClient(.init(broker, "levels", version: version), subscriptions: subscriptions) { running in
            for qos in [MQTTQoS.atMostOnce, .atLeastOnce, .exactlyOnce] {
                let result = try await running.client.publish(
                    topic: "plant/\(qos.rawValue)", payload: Array("value \(qos.rawValue)".utf8), qos: qos)
                #expect(result.reasonCode == .success)
                let message = try await running.message { $0.topic == "plant/\(qos.rawValue)" }
                #expect(message.text == "value \(qos.rawValue)")
                #expect(message.qos == qos)
                #expect(!message.retain)
            }
            #expect(running.client.statistics.published == 3)
            #expect(running.client.statistics.received == 3)
        }
    }
}
