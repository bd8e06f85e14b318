import MQTT
import TestFixtures
import Testing

@Suite("Publishes that do not succeed")
struct PublishFailureTests {
    @Test("without a connection it throws at once, and nothing is kept for later")
    func notConnected() async throws {
        let broker = try await Mosquitto()
        broker.stop()
        try await withClient(.init(broker, "alone"), connects: false) { running in
            await #expect(throws: MQTTError.notConnected) {
                try await running.client.publish(topic: "a", payload: [1], retain: true)
            }
            try await broker.start()
            try await running.client.waitUntilConnected(timeout: .seconds(10))
            try await running.client.publish(topic: "b", payload: [2], retain: true)
        }
        try await withClient(.init(broker, "reader"), subscriptions: [MQTTSubscription(filter: "#")]) { running in
            _ = try await running.message { $0.topic == "b" }
            #expect(running.received.map(\.topic) == ["b"])
        }
    }

    @Test("past its deadline nothing is sent")
    func deadlineAlreadyPassed() async throws {
        let broker = try await Mosquitto()
        try await withClient(.init(broker, "late"), subscriptions: [MQTTSubscription(filter: "#")]) { running in
            await #expect(throws: MQTTError.deadlinePassed) {
                try await running.client.publish(topic: "late", payload: [1], notAfter: .now - .milliseconds(1))
            }
            try await running.client.publish(topic: "in time", payload: [1], notAfter: .now + .seconds(10))
            _ = try await running.message { $0.topic == "in time" }
            #expect(running.received.map(\.topic) == ["in time"])
        }
    }

    @Test("a deadline that passes while the publish waits for its turn")
    func deadlinePassesWhileWaiting() async throws {
        let broker = try await Mosquitto()
        var configuration = try MQTTClient.Configuration(broker, "waiting")
        configuration.maxInFlightPublishes = 1
        try await withClient(configuration, subscriptions: [MQTTSubscription(filter: "#")]) { running in
            let client = running.client
            broker.pause()
            let first = Task { try await client.publish(topic: "first", payload: [1]) }
            try await eventually("the publish in flight") { client.statistics.publishesInFlight == 1 }
            let start = ContinuousClock.now
            await #expect(throws: MQTTError.deadlinePassed) {
                try await client.publish(topic: "second", payload: [2], notAfter: .now + .milliseconds(150))
            }
            #expect(ContinuousClock.now - start < .seconds(2))
            broker.resume()
            _ = try await first.value
            try await client.publish(topic: "third", payload: [3])
            _ = try await running.message { $0.topic == "third" }
            #expect(running.received.map(\.topic) == ["first", "third"])
        }
    }

    @Test("more publishes than may wait are refused with the limit")
    func tooMany() async throws {
        let broker = try await Mosquitto()
        var configuration = try MQTTClient.Configuration(broker, "many")
        configuration.maxInFlightPublishes = 1
        configuration.maxWaitingPublishes = 3
        try await withClient(configuration) { running in
            let client = running.client
            broker.pause()
            let outcomes = await withTaskGroup(of: MQTTError?.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        do {
                            try await client.publish(topic: "t/\(number)", payload: [1])
                            return nil
                        } catch {
                            return error as? MQTTError
                        }
                    }
                }
                try? await Task.sleep(for: .milliseconds(200))
                broker.resume()
                return await group.reduce(into: []) { $0.append($1) }
            }
            let refused = outcomes.filter { $0 == .tooManyPublishes(limit: 3) }.count
            let sent = outcomes.filter { $0 == nil }.count
            #expect(refused + sent == 20, "\(outcomes)")
            #expect(refused >= 20 - 3 - 2, "\(outcomes)")
        }
    }

    @Test("in flight when the connection is cut: connectionLost, and it is not sent again behind our back")
    func connectionLost() async throws {
        let broker = try await Mosquitto()
        let relay = try Relay(to: broker.port)
        defer { relay.stop() }
        var configuration = try MQTTClient.Configuration(broker, "cut")
        configuration.broker = try MQTTBroker(url: relay.url)
        try await withClient(.init(broker, "witness"), subscriptions: [MQTTSubscription(filter: "#")]) { witness in
            try await withClient(configuration) { running in
                let client = running.client
                relay.goSilent()
                let lost = Task { try await client.publish(topic: "lost", payload: [1], qos: .atLeastOnce) }
                try await eventually("the publish in flight") { client.statistics.publishesInFlight == 1 }
                relay.cut()
                await #expect(throws: MQTTError.connectionLost) { try await lost.value }
            }
            // The client again, by a way that works: nothing of before follows.
            configuration.broker = try MQTTBroker(url: broker.url)
            try await withClient(configuration) { running in
                try await running.client.publish(topic: "after", payload: [2])
            }
            _ = try await witness.message { $0.topic == "after" }
            #expect(witness.received.map(\.topic) == ["after"])
        }
    }

    @Test("after a reconnect of the same client, too, nothing of before is sent")
    func nothingFromBeforeAfterReconnect() async throws {
        let broker = try await Mosquitto()
        try await withClient(.init(broker, "same")) { running in
            let client = running.client
            broker.pause()
            let lost = Task { try await client.publish(topic: "lost", payload: [1], retain: true) }
            try await eventually("the publish in flight") { client.statistics.publishesInFlight == 1 }
            // Killed while stopped: it never reads what lies in its socket.
            broker.stop(9)
            await #expect(throws: MQTTError.connectionLost) { try await lost.value }
            try await broker.start()
            try await eventually("the reconnect") { client.connectionState.isConnected }
            try await client.publish(topic: "after", payload: [2], retain: true)
        }
        try await withClient(.init(broker, "reader"), subscriptions: [MQTTSubscription(filter: "#")]) { running in
            _ = try await running.message { $0.topic == "after" }
            #expect(running.received.map(\.topic) == ["after"])
        }
    }

    @Test("a cancelled publish that has not left yet is not sent")
    func cancelled() async throws {
        let broker = try await Mosquitto()
        var configuration = try MQTTClient.Configuration(broker, "cancel")
        configuration.maxInFlightPublishes = 1
        try await withClient(configuration, subscriptions: [MQTTSubscription(filter: "#")]) { running in
            let client = running.client
            broker.pause()
            let first = Task { try await client.publish(topic: "first", payload: [1]) }
            try await eventually("the publish in flight") { client.statistics.publishesInFlight == 1 }
            let second = Task { try await client.publish(topic: "second", payload: [2]) }
            try await Task.sleep(for: .milliseconds(50))
            second.cancel()
            await #expect(throws: CancellationError.self) { try await second.value }
            broker.resume()
            _ = try await first.value
            try await client.publish(topic: "third", payload: [3])
            _ = try await running.message { $0.topic == "third" }
            #expect(running.received.map(\.topic) == ["first", "third"])
        }
    }

    @Test("the broker's refusal of a message is thrown with its reason")
    func refused() async throws {
        let broker = try PacketBroker { kind, body in
            // PUBACK with "quota exceeded".
            kind & 0xf0 == 0x30 ? [0x40, 0x03, body[3], body[4], 0x97] : []
        }
        defer { broker.stop() }
        let configuration = MQTTClient.Configuration(broker: try MQTTBroker(url: broker.url), clientID: "refused")
        try await withClient(configuration) { running in
            await #expect(throws: MQTTError.refused(.quotaExceeded)) {
                try await running.client.publish(topic: "t", payload: [1])
            }
        }
    }
}
