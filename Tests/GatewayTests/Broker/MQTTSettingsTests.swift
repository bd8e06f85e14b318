import MQTT
import PlantConfiguration
import TestFixtures
import Testing

@testable import Gateway

@Suite struct MQTTSettingsTests {
    @Test func aClientGetsAllBrokersThePreferredOneFirst() throws {
        let brokers = ["mqtts://c:8883", "mqtts://a:8883", "mqtts://b:8883"]
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": soundHead.replacing(
                #"broker: "mqtt://127.0.0.1:1883""#, with: "broker: [\(brokers.joined(separator: ", "))]")
        ])
        let client = try fixture.load().mqtt.clientConfiguration(clientID: "c")
        #expect("\(client.broker)" == brokers.first)
        #expect(client.alternatives.map(\.description) == Array(brokers.dropFirst()))
    }
}
