import MQTT
import Plant
import PlantConfiguration
import TestFixtures
import Testing

@testable import Gateway

@Suite("The two connections to the broker")
struct BrokerConnectionsTests {
    @Test("the broker misses the connection with the last will within seconds, whatever keep-alive is configured")
    func keepAlive() throws {
        let local = try ConfigurationFixture(["linekeeper.yaml": soundHead + AlarmTestBed.plantFile]).load().local
        let identity = GatewayIdentity.ofThisProcess(gateway: local.gateway, version: "1", started: 1)
        let connections = BrokerConnections(local: local, identity: identity)
        #expect(local.mqtt.keepAlive == .seconds(10))
        #expect(try connections.publishing().keepAlive == .seconds(5))
        #expect(try connections.listening().keepAlive == .seconds(10))
    }
}
