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

    @Test("the host's connection has its own will, is made once, and where it is told")
    func hosting() throws {
        let local = try ConfigurationFixture(["linekeeper.yaml": soundHead + AlarmTestBed.plantFile]).load().local
        let connections = BrokerConnections(
            local: local, identity: .ofThisProcess(gateway: local.gateway, version: "1", started: 1))
        let (broker, will) = (
            MQTTBroker(host: "b", port: 1884), MQTTWill(topic: "spBv1.0/STATE/h", payload: [1], retain: true)
        )
        let configuration = try connections.hosting(at: broker, will: will)
        #expect(configuration.clientID == "linekeeper-bottling-gw1-sparkplug")
        #expect(configuration.broker == broker && configuration.will == will)
        #expect(
            configuration.cleanStart && configuration.sessionExpiry == .zero && configuration.keepAlive == .seconds(5))
        #expect(!configuration.reconnects && !configuration.startsSuspended && configuration.companions == nil)
    }

    // Assertions: host-topic-phid-birth-sub-required
    @Test("edge nodes are heard when all subscriptions are answered, and none of theirs is refused")
    func grants() {
        let filters: Set = ["spBv1.0/a/#", "spBv1.0/b/#"]
        func status(_ connected: Bool, _ pending: Int, _ refused: [String]) -> MQTTSubscriptionStatus {
            MQTTSubscriptionStatus(
                connected: connected, pending: pending,
                refused: Dictionary(uniqueKeysWithValues: refused.map { ($0, .notAuthorized) }))
        }
        #expect(status(true, 0, []).grants(filters))
        #expect(status(true, 0, ["factory/#"]).grants(filters))
        #expect(!status(true, 0, ["factory/#", "spBv1.0/b/#"]).grants(filters))
        #expect(!status(true, 1, []).grants(filters))
        #expect(!status(false, 0, []).grants(filters))
    }
}
