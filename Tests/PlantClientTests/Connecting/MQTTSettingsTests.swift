import MQTT
import PlantConfiguration
import Testing

@testable import PlantClient

@Suite("What a client of the broker is given")
struct MQTTSettingsTests {
    @Test("all brokers, the preferred one first")
    func brokers() throws {
        let addresses = try ["mqtts://c:8883", "mqtts://a:8883", "mqtts://b:8883"].map {
            try BrokerAddress(parsing: $0)
        }
        var settings = MQTTSettings(broker: addresses[0])
        settings.alternatives = Array(addresses.dropFirst())
        let client = try settings.clientConfiguration(clientID: "c")
        #expect("\(client.broker)" == "mqtts://c:8883")
        #expect(client.alternatives.map(\.description) == ["mqtts://a:8883", "mqtts://b:8883"])
    }
}
