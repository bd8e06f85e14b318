import MQTT
import TestFixtures
import Testing

@Suite("A list of brokers")
struct FailoverTests {
    /// A client of both, the first one preferred.
    private func listing(_ first: String, _ second: String, _ clientID: String) throws
        -> MQTTClient.Configuration
    {
        var result = MQTTClient.Configuration(broker: try MQTTBroker(url: first), clientID: clientID)
        result.alternatives = [try MQTTBroker(url: second)]
        result.reconnect.maximum = .milliseconds(500)
        return result
    }

    @Test("the next one is taken when the first is away; it is not left, and the first comes first after a cut")
    func takesTurns() async throws {
        let (first, second) = (try await Mosquitto(), try await Mosquitto())
        let relay = try Relay(to: second.port)
        defer { relay.stop() }
        first.stop()
        let subscription = MQTTSubscription(filter: "a")
        try await withClient(try listing(first.url, relay.url, "both"), subscriptions: [subscription]) { running in
            let client = running.client
            #expect("\(client.broker)" == relay.url)
            try await first.start()
            try await client.publish(topic: "a", payload: [1])
            _ = try await running.messages(1)
            #expect(client.statistics.connections == 1 && "\(client.broker)" == relay.url)

            relay.cut()
            try await eventually("the first one", seen: { "\(client.broker) \(client.connectionState)" }) {
                client.connectionState.isConnected && "\(client.broker)" == first.url
            }
            try await client.waitUntilSubscribed(timeout: .seconds(5))
            try await client.publish(topic: "a", payload: [2])
            _ = try await running.messages(2)

            first.stop(9)
            try await eventually("the second one again", within: .seconds(5)) {
                client.connectionState.isConnected && "\(client.broker)" == relay.url
            }
        }
    }

    @Test("a broker that refuses, and one that does not answer, are passed over")
    func passedOver() async throws {
        var options = Mosquitto.Options()
        options.users = ["other": "one"]
        let refusing = try await Mosquitto(options)
        let open = try await Mosquitto()
        let mute = try Listener { client in while receiveBytes(client) != nil {} }
        defer { mute.stop() }
        for url in [refusing.url, "mqtt://127.0.0.1:\(mute.port)"] {
            var configuration = try listing(url, open.url, "guest")
            configuration.connectTimeout = .milliseconds(500)
            try await withClient(configuration, connects: false) { running in
                try await running.client.waitUntilConnected(timeout: .seconds(5))
                #expect("\(running.client.broker)" == open.url)
            }
        }
    }

    @Test("a broker that is given up because it is of no use is not chosen again while there is another")
    func givenUp() async throws {
        let (first, second) = (try await Mosquitto(), try await Mosquitto())
        var configuration = try listing(first.url, second.url, "distrustful")
        configuration.reconnect.briefly = .zero
        try await withClient(configuration) { running in
            running.client.reconnect(because: "nothing comes back")
            try await eventually("the second one") {
                running.client.connectionState.isConnected && "\(running.client.broker)" == second.url
            }
        }
    }

    @Test("clients that belong together meet at one broker, also when the preferred one is back")
    func companions() async throws {
        let (first, second) = (try await Mosquitto(), try await Mosquitto())
        first.stop()
        let companions = MQTTCompanions()
        var one = try listing(first.url, second.url, "one")
        one.companions = companions
        var other = try listing(first.url, second.url, "other")
        other.companions = companions
        try await withClient(one) { one in
            try await first.start()
            // Alone it would take the first.
            try await withClient(other) { other in
                #expect("\(other.client.broker)" == second.url)
                one.client.suspend()
                try await eventually("the goodbye") { one.client.connectionState == .disconnected(.suspended) }
                one.client.resume()
                try await one.client.waitUntilConnected(timeout: .seconds(5))
                #expect("\(one.client.broker)" == second.url)
                second.stop(9)
                try await eventually("both at the first one", seen: { "\(one.client.broker) \(other.client.broker)" }) {
                    [one, other].allSatisfy {
                        $0.client.connectionState.isConnected && "\($0.client.broker)" == first.url
                    }
                }
            }
        }
    }

    @Test(
        "what a broker kept while the client was at another one is not heard a second time",
        arguments: [MQTTProtocolVersion.v311, .v5])
    func sessionLeftBehind(version: MQTTProtocolVersion) async throws {
        let (first, second) = (try await Mosquitto(), try await Mosquitto())
        var configuration = try listing(first.url, second.url, "kept")
        configuration.protocolVersion = version
        configuration.cleanStart = false
        configuration.sessionExpiry = .seconds(60)
        try await withClient(configuration, subscriptions: [MQTTSubscription(filter: "a")]) { running in
            let client = running.client
            #expect("\(client.broker)" == first.url)
            first.stop()
            try await eventually("the second one") {
                client.connectionState.isConnected && "\(client.broker)" == second.url
            }
            // The first one has kept the session over its restart, and now what it would be sent.
            try await first.start()
            try await withClient(try .init(first, "sensor")) { sensor in
                try await sensor.client.publish(topic: "a", payload: Array("old".utf8))
            }
            second.stop()
            try await eventually("the first one again") {
                client.connectionState == .connected(sessionPresent: false) && "\(client.broker)" == first.url
            }
            try await client.waitUntilSubscribed(timeout: .seconds(5))
            try await client.publish(topic: "a", payload: Array("new".utf8))
            #expect(try await running.messages(1).map(\.text) == ["new"])
        }
    }

    @Test("brokers that cannot be a list are refused")
    func settings() throws {
        func fails(_ alternatives: [MQTTBroker]) -> Bool {
            var configuration = MQTTClient.Configuration(broker: MQTTBroker(host: "a"), clientID: "c")
            configuration.alternatives = alternatives
            do {
                try configuration.validate()
                return false
            } catch {
                return true
            }
        }
        #expect(!fails([MQTTBroker(host: "b"), MQTTBroker(host: "a", port: 1884)]))
        #expect(fails([MQTTBroker(host: "b", secure: true)]))
        #expect(fails([MQTTBroker(host: "a")]))
        #expect(fails([MQTTBroker(host: "")]))
        #expect(fails([MQTTBroker(host: "b", port: 0)]))
        #expect(fails((1...16).map { MQTTBroker(host: "b", port: $0) }))
    }
}
