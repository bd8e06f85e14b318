import Glibc
import MQTT
import TestFixtures
import Testing

/// Of which families `localhost` has addresses on this machine.
private let localFamilies: Set<Int32> = {
    var first: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo("localhost", nil, nil, &first) == 0 else { return [] }
    defer { freeaddrinfo(first) }
    var families: Set<Int32> = []
    var next = first
    while let address = next?.pointee {
        families.insert(address.ai_family)
        next = address.ai_next
    }
    return families
}()

@Suite("A client that makes one connection")
struct SingleConnectionTests {
    private func configuration(_ broker: Mosquitto, _ clientID: String) throws -> MQTTClient.Configuration {
        var configuration = try MQTTClient.Configuration(broker, clientID)
        configuration.reconnects = false
        return configuration
    }

    @Test("run() returns when the connection is lost, and the broker has no other one", .timeLimit(.minutes(1)))
    func lost() async throws {
        let broker = try await Mosquitto()
        let relay = try Relay(to: broker.port)
        defer { relay.stop() }
        var configuration = try configuration(broker, "once")
        configuration.broker = try MQTTBroker(url: relay.url)
        configuration.will = MQTTWill(topic: "will", payload: [1], retain: true)
        try await withClient(.init(broker, "ear"), subscriptions: [MQTTSubscription(filter: "will")]) { ear in
            try await withClient(configuration) { running in
                relay.cut()
                try await running.result()
                #expect(running.client.statistics.connections == 1)
                #expect(!running.client.connectionState.isConnected)
                await #expect(throws: MQTTError.notConnected) {
                    try await running.client.publish(topic: "a", payload: [])
                }
            }
            _ = try await ear.message { $0.topic == "will" }
        }
    }

    @Test("run() returns when the broker refuses, and says why", .timeLimit(.minutes(1)))
    func refused() async throws {
        var options = Mosquitto.Options()
        options.users = ["gateway": "right"]
        let broker = try await Mosquitto(options)
        for version in [MQTTProtocolVersion.v311, .v5] {
            var configuration = try configuration(broker, "refused")
            configuration.protocolVersion = version
            configuration.username = "gateway"
            configuration.password = "wrong"
            // A broker of 3.1.1 that closes the connection may do so because of a retained will: not tried a second time.
            configuration.will = MQTTWill(topic: "will", payload: [1], retain: true)
            try await withClient(configuration, connects: false) { running in
                try await running.result()
                #expect(running.client.connectionState == .disconnected(.refused(.notAuthorized)))
                #expect(running.client.statistics.connections == 0)
            }
        }
    }

    @Test("run() returns when nobody listens", .timeLimit(.minutes(1)))
    func nobody() async throws {
        var nowhere = MQTTClient.Configuration(
            broker: MQTTBroker(host: "127.0.0.1", port: try FreePort.tcp()), clientID: "nobody")
        nowhere.reconnects = false
        try await withClient(nowhere, connects: false) { running in
            try await running.result()
            guard case .disconnected(.network) = running.client.connectionState else {
                Issue.record("\(running.client.connectionState)")
                return
            }
        }
    }

    @Test(
        "of a name with several addresses each family has been tried before run() returns",
        .enabled(if: localFamilies.count > 1, "localhost has addresses of one family alone on this machine"),
        .timeLimit(.minutes(1)))
    func families() async throws {
        // mosquitto listens on 127.0.0.1 alone, whatever the name's first address is.
        let broker = try await Mosquitto()
        var byName = try configuration(broker, "name")
        byName.broker = MQTTBroker(host: "localhost", port: broker.port)
        try await withClient(byName) { running in #expect(running.client.connectionState.isConnected) }
    }

    @Test("a connection that is given up without a goodbye is over, too, and its will is sent", .timeLimit(.minutes(1)))
    func givenUp() async throws {
        let broker = try await Mosquitto()
        var configuration = try configuration(broker, "given-up")
        configuration.will = MQTTWill(topic: "will", payload: [1])
        try await withClient(.init(broker, "ear"), subscriptions: [MQTTSubscription(filter: "will")]) { ear in
            try await withClient(configuration) { running in
                running.client.reconnect(because: "a test")
                try await running.result()
                #expect(running.client.connectionState == .disconnected(.givenUp("a test")))
            }
            _ = try await ear.message { $0.topic == "will" }
        }
    }
}
