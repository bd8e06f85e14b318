import MQTT
import TestFixtures
import Testing

@Suite("The link to the broker")
struct LinkTests {
    @Test(
        "losses after which the broker accepts again do not make the waits grow",
        arguments: [MQTTProtocolVersion.v311, .v5])
    func doesNotGrow(version: MQTTProtocolVersion) async throws {
        let broker = try await Mosquitto()
        let relay = try Relay(to: broker.port)
        defer { relay.stop() }
        var configuration = try MQTTClient.Configuration(broker, "reset", version: version)
        configuration.broker = try MQTTBroker(url: relay.url)
        // Only growth could make a wait as long as the time that the test allows.
        configuration.reconnect = MQTTBackoff(
            initial: .milliseconds(100), maximum: .seconds(60), jitter: 0, briefConnections: 100)
        try await withClient(configuration) { running in
            for round in 1...12 {
                relay.cut()
                try await eventually("connection \(round + 1)", within: .seconds(5)) {
                    running.client.statistics.connections == UInt64(round + 1)
                }
                try await running.client.waitUntilConnected(timeout: .seconds(5))
            }
        }
    }

    @Test("a wait between attempts ends at once when the connection is wanted now")
    func reconnectNow() async throws {
        let broker = try await Mosquitto()
        let proxy = try FaultProxy(target: broker.port)
        defer { proxy.close() }
        var configuration = try MQTTClient.Configuration(broker, "urgent")
        configuration.broker = MQTTBroker(host: "127.0.0.1", port: proxy.port)
        configuration.reconnect = MQTTBackoff(initial: .seconds(60), maximum: .seconds(60), jitter: 0)
        try await withClient(configuration) { running in
            let client = running.client
            client.reconnectNow()
            // Heard while there is a connection, so it is about nothing.
            try await client.publish(topic: "a", payload: [1])
            proxy.cut()
            try await eventually("the wait") {
                if case .disconnected = client.connectionState { true } else { false }
            }
            client.reconnectNow()
            try await client.waitUntilConnected(timeout: .seconds(5))
            #expect(client.statistics.connections == 2)
        }
    }

    @Test(
        "a connection that the program gives up is replaced; what was under way on it is lost, and its reason is told")
    func givenUp() async throws {
        let broker = try await Mosquitto()
        let proxy = try FaultProxy(target: broker.port)
        defer { proxy.close() }
        var configuration = try MQTTClient.Configuration(broker, "distrustful")
        configuration.broker = MQTTBroker(host: "127.0.0.1", port: proxy.port)
        configuration.will = MQTTWill(topic: "wills/distrustful", payload: Array("gone".utf8))
        let wills = [MQTTSubscription(filter: "wills/+")]
        try await withClient(try .init(broker, "witness"), subscriptions: wills) { witness in
            try await withClient(configuration) { running in
                let client = running.client
                proxy.hold(.toClient)
                let waiting = Task { try await client.publish(topic: "a", payload: [1]) }
                try await eventually("the publish in flight") { client.statistics.publishesInFlight == 1 }
                client.reconnect(because: "nothing comes back")
                await #expect(throws: MQTTError.connectionLost) { try await waiting.value }
                try await eventually("the reason") { running.lastReason == .givenUp("nothing comes back") }
                proxy.heal()
                try await client.waitUntilConnected(timeout: .seconds(10))
                try await client.publish(topic: "a", payload: [2])
                // The broker was not told.
                _ = try await witness.message { $0.topic == "wills/distrustful" }
                #expect("\(MQTTDisconnection.givenUp("x"))" == "given up: x")
            }
        }
    }

    @Test("a connection can be given up with a goodbye: what is under way is waited for, and no will is published")
    func leaves() async throws {
        let broker = try await Mosquitto()
        var configuration = try MQTTClient.Configuration(broker, "polite")
        configuration.will = MQTTWill(topic: "wills/polite", payload: Array("gone".utf8))
        let wills = [MQTTSubscription(filter: "wills/+")]
        try await withClient(try .init(broker, "witness"), subscriptions: wills) { witness in
            try await withClient(configuration) { running in
                let client = running.client
                client.reconnect(because: "nothing comes back", sayingGoodbye: true)
                try await eventually("another connection", seen: { "\(client.connectionState)" }) {
                    client.statistics.connections == 2 && client.connectionState.isConnected
                }
                try await eventually("the reason") { running.lastReason == .givenUp("nothing comes back") }
                try await eventually("the goodbye", seen: { broker.log }) {
                    broker.log.contains("Received DISCONNECT from polite")
                }
                try await client.publish(topic: "wills/end", payload: [1])
                _ = try await witness.message { $0.topic == "wills/end" }
                #expect(witness.received.map(\.topic) == ["wills/end"])
            }
        }
    }

    @Test("a client that starts suspended stays away until it is resumed; suspending it says goodbye")
    func suspended() async throws {
        let broker = try await Mosquitto()
        var configuration = try MQTTClient.Configuration(broker, "shy")
        configuration.startsSuspended = true
        configuration.will = MQTTWill(topic: "wills/shy", payload: Array("gone".utf8))
        let wills = [MQTTSubscription(filter: "wills/+")]
        try await withClient(try .init(broker, "witness"), subscriptions: wills) { witness in
            try await withClient(configuration, connects: false) { running in
                let client = running.client
                try await eventually("the suspension") { client.connectionState == .disconnected(.suspended) }
                await #expect(throws: MQTTError.notConnected) { try await client.publish(topic: "a", payload: [1]) }
                #expect(!broker.log.contains("as shy"))
                client.resume()
                try await client.waitUntilConnected(timeout: .seconds(10))
                try await client.publish(topic: "a", payload: [1])

                client.suspend()
                try await eventually("the goodbye", seen: { broker.log }) {
                    client.connectionState == .disconnected(.suspended)
                        && broker.log.contains("Received DISCONNECT from shy")
                }
                client.resume()
                try await client.waitUntilConnected(timeout: .seconds(10))
                try await client.publish(topic: "wills/end", payload: [1])
                _ = try await witness.message { $0.topic == "wills/end" }
                #expect(witness.received.map(\.topic) == ["wills/end"])
                #expect(client.statistics.disconnections == 0)
            }
        }
    }

    @Test("a suspended client can be stopped")
    func suspendedAndStopped() async throws {
        let broker = try await Mosquitto()
        var configuration = try MQTTClient.Configuration(broker, "shy")
        configuration.startsSuspended = true
        let running = RunningClient(configuration)
        try await eventually("the suspension") { running.client.connectionState == .disconnected(.suspended) }
        await running.stop()
        #expect(running.client.connectionState == .disconnected(.stopped))
    }

    @Test(
        "a link that died in silence is noticed within three seconds, idle or not, and made again when it is back",
        .enabled(if: RootRights.areGiven, "makes network namespaces: needs root"))
    func deadLink() async throws {
        let scratch = try Scratch("dead-link")
        defer { scratch.remove() }
        let network = try await IsolatedNetwork(machines: 1, scratch: scratch)
        let port = try FreePort.tcp()
        let settings = try scratch.write(
            "listener \(port) \(network.address(0))\nallow_anonymous true\nuser root\n", to: "mosquitto.conf")
        let command = try network.command(on: 0, "/usr/sbin/mosquitto", ["-c", settings])
        let broker = try ChildProcess(
            name: "mosquitto", executable: command.executable, arguments: command.arguments,
            output: scratch.file("mosquitto.log"))
        do {
            for isIdle in [true, false] {
                var configuration = MQTTClient.Configuration(
                    broker: MQTTBroker(host: network.address(0), port: port), clientID: "far")
                // The keep-alive of MQTT must not be what notices it.
                configuration.keepAlive = .seconds(60)
                try await withClient(configuration) { running in
                    let client = running.client
                    try await network.cut(.tests, .machine(0))
                    let cut = ContinuousClock.now
                    let publish = isIdle ? nil : Task { try? await client.publish(topic: "a", payload: [1]) }
                    try await eventually("the loss", within: .seconds(10), seen: { "\(client.connectionState)" }) {
                        !client.connectionState.isConnected
                    }
                    #expect(ContinuousClock.now - cut < .milliseconds(3_100))
                    _ = await publish?.value
                    try await network.heal()
                    try await client.waitUntilConnected(timeout: .seconds(10))
                }
            }
        } catch {
            await broker.kill9()
            await network.close()
            throw error
        }
        await broker.kill9()
        await network.close()
    }
}
