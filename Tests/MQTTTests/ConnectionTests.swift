import MQTT
import TestFixtures
import Testing

@Suite("The connection")
struct ConnectionTests {
    @Test("after a broker's restart everything is subscribed again", arguments: [MQTTProtocolVersion.v311, .v5])
    func resubscribes(version: MQTTProtocolVersion) async throws {
        var options = Mosquitto.Options()
        options.persistence = false
        let broker = try await Mosquitto(options)
        let subscriptions = [MQTTSubscription(filter: "a/#"), MQTTSubscription(filter: "b/+", qos: .atMostOnce)]
        try await withClient(.init(broker, "again", version: version), subscriptions: subscriptions) { running in
            let client = running.client
            try client.subscribe(MQTTSubscription(filter: "c"))
            broker.stop(9)
            try await eventually("the loss") { !client.connectionState.isConnected }
            try await broker.start()
            try await client.waitUntilSubscribed(timeout: .seconds(10))
            for topic in ["a/1", "b/1", "c"] { try await client.publish(topic: topic, payload: [1]) }
            let messages = try await running.messages(3)
            #expect(Set(messages.map(\.topic)) == ["a/1", "b/1", "c"])
            #expect(client.statistics.connections == 2)
        }
    }

    @Test("after a reconnect retained messages come again, also when the broker kept the session")
    func retainedComeAgain() async throws {
        let broker = try await Mosquitto()
        let relay = try Relay(to: broker.port)
        defer { relay.stop() }
        var configuration = try MQTTClient.Configuration(broker, "kept")
        configuration.broker = try MQTTBroker(url: relay.url)
        configuration.cleanStart = false
        configuration.sessionExpiry = .seconds(60)
        try await withClient(configuration, subscriptions: [MQTTSubscription(filter: "state")]) { running in
            try await running.client.publish(topic: "state", payload: Array("on".utf8), retain: true)
            _ = try await running.messages(1)
            relay.cut()
            let again = try await running.message { $0.retain }
            #expect(again.text == "on")
            try await eventually("the reconnect") {
                running.client.connectionState == .connected(sessionPresent: true)
            }
        }
    }

    @Test("the states are told in order")
    func states() async throws {
        let broker = try await Mosquitto()
        try await withClient(.init(broker, "states"), connects: false) { running in
            var seen: [MQTTConnectionState] = []
            for await state in running.client.connectionUpdates() {
                seen.append(state)
                if state.isConnected {
                    if seen.filter(\.isConnected).count == 2 { break }
                    broker.stop()
                    try await broker.start()
                }
            }
            let connected = seen.firstIndex { $0.isConnected }
            #expect(connected != nil, "\(seen)")
            #expect(seen.last == .connected(sessionPresent: false), "\(seen)")
            #expect(
                seen.contains { if case .disconnected(let reason) = $0 { reason != .notStarted } else { false } },
                "\(seen)")
        }
    }

    @Test("a wrong password is told, and tried again slowly")
    func wrongPassword() async throws {
        var options = Mosquitto.Options()
        options.users = ["gateway": "right"]
        let broker = try await Mosquitto(options)
        for version in [MQTTProtocolVersion.v311, .v5] {
            var configuration = try MQTTClient.Configuration(broker, "user", version: version)
            configuration.username = "gateway"
            configuration.password = "wrong"
            try await withClient(configuration, connects: false) { running in
                try await eventually("the refusal", seen: { "\(running.client.connectionState)" }) {
                    if case .disconnected(.refused(let reason)) = running.client.connectionState {
                        return reason == .notAuthorized || reason == .badUserNameOrPassword
                    }
                    return false
                }
                try await Task.sleep(for: .milliseconds(500))
                #expect(running.client.statistics.disconnections == 1)
            }
            configuration.password = "right"
            try await withClient(configuration) { running in
                #expect(running.client.connectionState.isConnected)
            }
        }
    }

    @Test("a password that was changed is taken at the next attempt")
    func rotatedPassword() async throws {
        var options = Mosquitto.Options()
        options.users = ["gateway": "right"]
        let broker = try await Mosquitto(options)
        let password = Collected<String>()
        var configuration = try MQTTClient.Configuration(broker, "user")
        configuration.username = "gateway"
        configuration.passwordSource = { password.all.last ?? "wrong" }
        configuration.reconnect.afterRefusal = .milliseconds(200)
        try await withClient(configuration, connects: false) { running in
            try await eventually("a refusal") { running.client.statistics.disconnections >= 1 }
            password.append("right")
            try await running.client.waitUntilConnected(timeout: .seconds(10))
        }
        struct Unreadable: Error {}
        configuration.passwordSource = { throw Unreadable() }
        try await withClient(configuration, connects: false) { running in
            try await eventually("the reason") { "\(running.client.connectionState)".contains("Unreadable") }
        }
    }

    @Test(
        "a broker that retains nothing gets no retained will and no retained messages",
        arguments: [
            MQTTProtocolVersion.v311, .v5,
        ])
    func retainsNothing(_ version: MQTTProtocolVersion) async throws {
        var options = Mosquitto.Options()
        options.extra = ["retain_available false"]
        let broker = try await Mosquitto(options)
        var configuration = try MQTTClient.Configuration(broker, "dying", version: version)
        configuration.will = MQTTWill(topic: "will", payload: [1], qos: .atLeastOnce, retain: true)
        try await withClient(.init(broker, "reader"), subscriptions: [MQTTSubscription(filter: "#")]) { reader in
            try await withClient(configuration) { running in
                #expect(!running.client.brokerRetainsMessages)
                for payload in 1...3 as ClosedRange<UInt8> {
                    try await running.client.publish(topic: "a", payload: [payload], retain: true)
                }
                _ = try await reader.message { $0.topic == "a" && $0.payload == [3] }
                #expect(running.client.statistics.connections == 1)
            }
        }
    }

    @Test("a broker that retains is asked to again after it was lost", arguments: [MQTTProtocolVersion.v311, .v5])
    func retainsAgain(_ version: MQTTProtocolVersion) async throws {
        let broker = try await Mosquitto()
        var configuration = try MQTTClient.Configuration(broker, "dying", version: version)
        configuration.will = MQTTWill(topic: "will", payload: [1], qos: .atLeastOnce, retain: true)
        try await withClient(configuration) { running in
            for _ in 0..<3 {
                broker.stop()
                try await eventually("the loss") { !running.client.connectionState.isConnected }
                try await broker.start()
                try await eventually("a connection that retains") {
                    running.client.connectionState.isConnected && running.client.brokerRetainsMessages
                }
            }
        }
    }

    @Test("a broker that nobody runs is tried again and again, the first times quickly")
    func nobodyThere() async throws {
        var configuration = MQTTClient.Configuration(
            broker: MQTTBroker(host: "localhost", port: try FreePort.tcp()), clientID: "early")
        configuration.reconnect.maximum = .milliseconds(200)
        try await withClient(configuration, connects: false) { running in
            try await eventually("five attempts", seen: { "\(running.client.statistics)" }) {
                running.client.statistics.disconnections >= 5
            }
            guard case .network(let code, _)? = running.lastReason else {
                Issue.record("\(running.client.connectionState)")
                return
            }
            #expect(code == 111)
        }
    }

    @Test("a broker that accepts and says nothing is given up")
    func silentBroker() async throws {
        let relay = try Relay(to: 1)
        relay.goSilent()
        let listener = try Listener { client in while receiveBytes(client) != nil {} }
        defer { listener.stop() }
        var configuration = MQTTClient.Configuration(
            broker: MQTTBroker(host: "127.0.0.1", port: listener.port), clientID: "patient")
        configuration.connectTimeout = .milliseconds(300)
        try await withClient(configuration, connects: false) { running in
            try await eventually("the time-out", seen: { "\(running.client.connectionState)" }) {
                if case .timedOut? = running.lastReason { true } else { false }
            }
        }
        relay.stop()
    }

    @Test("a connection that has gone silent is noticed by the keep-alive")
    func silence() async throws {
        let broker = try await Mosquitto()
        let relay = try Relay(to: broker.port)
        defer { relay.stop() }
        var configuration = try MQTTClient.Configuration(broker, "silent")
        configuration.broker = try MQTTBroker(url: relay.url)
        configuration.keepAlive = .seconds(5)
        try await withClient(configuration) { running in
            relay.goSilent()
            try await eventually("the loss", within: .seconds(20), seen: { "\(running.client.connectionState)" }) {
                if case .timedOut? = running.lastReason { true } else { false }
            }
        }
    }

    @Test("an idle connection is kept alive")
    func keptAlive() async throws {
        let broker = try await Mosquitto()
        var configuration = try MQTTClient.Configuration(broker, "idle")
        configuration.keepAlive = .seconds(5)
        try await withClient(configuration) { running in
            try await eventually("a ping", within: .seconds(12), seen: { broker.log }) {
                broker.log.contains("PINGREQ from idle")
            }
            try await running.client.publish(topic: "still", payload: [1])
            #expect(running.client.statistics.connections == 1)
        }
    }

    @Test("two clients with one id throw each other out ever more slowly")
    func twins() async throws {
        let broker = try await Mosquitto()
        try await withClient(.init(broker, "twin")) { first in
            try await withClient(.init(broker, "twin")) { second in
                try await eventually("the takeover") { first.client.statistics.disconnections >= 1 }
                try await Task.sleep(for: .seconds(2))
                let fights = first.client.statistics.disconnections + second.client.statistics.disconnections
                #expect(fights <= 20)
            }
        }
    }

    @Test("the broker's goodbye is told with its reason, and not answered with haste")
    func closedByBroker() async throws {
        let broker = try PacketBroker { kind, _ in kind & 0xf0 == 0x80 ? [0xe0, 0x01, 0x8e] : [] }
        defer { broker.stop() }
        let configuration = MQTTClient.Configuration(broker: try MQTTBroker(url: broker.url), clientID: "out")
        try await withClient(configuration, subscriptions: [MQTTSubscription(filter: "a")], connects: false) {
            running in
            try await eventually("the goodbye", seen: { "\(running.client.connectionState)" }) {
                running.lastReason == .closedByBroker(.sessionTakenOver)
            }
            try await Task.sleep(for: .milliseconds(300))
            #expect(running.client.statistics.disconnections == 1)
        }
    }

    @Test("a refused subscription is told")
    func refusedSubscription() async throws {
        let broker = try PacketBroker { kind, body in
            // SUBACK with "not authorized".
            kind & 0xf0 == 0x80 ? [0x90, 0x04, body[0], body[1], 0x00, 0x87] : []
        }
        defer { broker.stop() }
        let configuration = MQTTClient.Configuration(broker: try MQTTBroker(url: broker.url), clientID: "denied")
        try await withClient(configuration, subscriptions: [MQTTSubscription(filter: "secret/#")]) { running in
            #expect(running.client.subscriptionStatus.refused == ["secret/#": .notAuthorized])
            #expect(running.client.statistics.subscriptionsRefused == 1)
        }
    }

    @Test("a client runs once; a configuration that cannot work is thrown")
    func runningTwice() async throws {
        let broker = try await Mosquitto()
        try await withClient(.init(broker, "once")) { running in
            await #expect(throws: MQTTError.alreadyRunning) { try await running.client.run() }
        }
        var configuration = try MQTTClient.Configuration(broker, "")
        configuration.cleanStart = false
        let running = RunningClient(configuration, reads: false)
        await #expect(throws: MQTTError.self) { try await running.result() }
        let batch = await running.client.batches.first { _ in true }
        #expect(batch == nil)
    }
}

@Suite("The end of a connection")
struct EndTests {
    private func willConfiguration(_ url: String, _ clientID: String) throws -> MQTTClient.Configuration {
        var configuration = MQTTClient.Configuration(broker: try MQTTBroker(url: url), clientID: clientID)
        configuration.will = MQTTWill(
            topic: "gateways/\(clientID)", payload: Array("dead".utf8), qos: .atLeastOnce, retain: true,
            properties: MQTTProperties(contentType: "text/plain", userProperties: [.init("epoch", "7")]))
        return configuration
    }

    @Test("the will is published at once when the connection is cut", arguments: [MQTTProtocolVersion.v311, .v5])
    func willFires(version: MQTTProtocolVersion) async throws {
        let broker = try await Mosquitto()
        let relay = try Relay(to: broker.port)
        defer { relay.stop() }
        var configuration = try willConfiguration(relay.url, "mortal")
        configuration.protocolVersion = version
        configuration.reconnect.initial = .seconds(30)
        configuration.reconnect.maximum = .seconds(30)
        try await withClient(.init(broker, "witness"), subscriptions: [MQTTSubscription(filter: "gateways/+")]) {
            witness in
            try await withClient(configuration) { _ in
                let cut = ContinuousClock.now
                relay.cut()
                let will = try await witness.message { $0.topic == "gateways/mortal" }
                #expect(ContinuousClock.now - cut < .seconds(2))
                #expect(will.text == "dead")
                #expect(will.qos == .atLeastOnce)
                if version == .v5 {
                    #expect(will.properties?.contentType == "text/plain")
                    #expect(will.properties?.userProperty("epoch") == "7")
                }
            }
        }
        // And it was retained.
        try await withClient(.init(broker, "later"), subscriptions: [MQTTSubscription(filter: "gateways/+")]) { later in
            let stored = try await later.message { $0.text == "dead" }
            #expect(stored.retain)
        }
    }

    @Test("a clean stop says goodbye: no will, and run() returns soon")
    func cleanStop() async throws {
        let broker = try await Mosquitto()
        try await withClient(.init(broker, "witness"), subscriptions: [MQTTSubscription(filter: "#")]) { witness in
            let running = RunningClient(try willConfiguration(broker.url, "polite"))
            try await running.client.waitUntilConnected(timeout: .seconds(10))
            try await running.client.publish(topic: "last", payload: [1])
            let start = ContinuousClock.now
            await running.stop()
            #expect(ContinuousClock.now - start < .seconds(2))
            #expect(running.client.connectionState == .disconnected(.stopped))
            try await eventually("the goodbye", seen: { broker.log }) {
                broker.log.contains("Received DISCONNECT from polite")
            }
            await #expect(throws: MQTTError.notConnected) {
                try await running.client.publish(topic: "after", payload: [1])
            }
            try await witness.client.publish(topic: "end", payload: [1])
            _ = try await witness.message { $0.topic == "end" }
            #expect(witness.received.map(\.topic) == ["last", "end"])
        }
    }

    @Test("a publish under way at a stop is waited for")
    func drains() async throws {
        let broker = try await Mosquitto()
        let running = RunningClient(try .init(broker, "draining"))
        try await running.client.waitUntilConnected(timeout: .seconds(10))
        let client = running.client
        broker.pause()
        let last = Task { try await client.publish(topic: "last", payload: [1]) }
        try await eventually("the publish in flight") { client.statistics.publishesInFlight == 1 }
        let stop = Task { await running.stop() }
        try await Task.sleep(for: .milliseconds(100))
        broker.resume()
        #expect(try await last.value.reasonCode == .noMatchingSubscribers)
        await stop.value
    }

    @Test("a stop while the broker is away, or does not answer, does not hang")
    func stopsWithoutBroker() async throws {
        let broker = try await Mosquitto()
        let running = RunningClient(try .init(broker, "stuck"))
        try await running.client.waitUntilConnected(timeout: .seconds(10))
        broker.pause()
        let client = running.client
        let lost = Task { try await client.publish(topic: "lost", payload: [1]) }
        try await eventually("the publish in flight") { client.statistics.publishesInFlight == 1 }
        var start = ContinuousClock.now
        await running.stop()
        #expect(ContinuousClock.now - start < .seconds(4))
        await #expect(throws: MQTTError.connectionLost) { try await lost.value }

        broker.stop(9)
        let away = RunningClient(try .init(broker, "away"))
        try await Task.sleep(for: .milliseconds(100))
        start = .now
        await away.stop()
        #expect(ContinuousClock.now - start < .seconds(2))
    }
}
