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

    @Test("what travels with a message in MQTT 5 arrives as it was sent")
    func properties() async throws {
        let broker = try await Mosquitto()
        let sent = MQTTProperties(
            responseTopic: "answers/7", correlationData: [0, 1, 2, 0xff, 0], messageExpiry: .seconds(90),
            contentType: "application/json", payloadIsText: true,
            userProperties: [.init("eventId", "a-1"), .init("näme", "wért ⚙︎"), .init("eventId", "a-2"), .init("", "")])
        try await withClient(
            .init(broker, "properties"), subscriptions: [MQTTSubscription(filter: "p", qos: .atLeastOnce)]
        ) { running in
            try await running.client.publish(topic: "p", payload: Array("{}".utf8), properties: sent)
            try await running.client.publish(topic: "p", payload: Array("bare".utf8))
            let messages = try await running.messages(2)
            var arrived = try #require(messages[0].properties)
            // The broker counts the time that it had the message.
            #expect(arrived.messageExpiry.map { $0 >= .seconds(80) && $0 <= .seconds(90) } == true)
            arrived.messageExpiry = sent.messageExpiry
            #expect(arrived == sent)
            #expect(messages[1].properties == nil)
        }
    }

    @Test("MQTT 3.1.1 has no properties: they are left out and the message arrives")
    func propertiesLeftOut() async throws {
        let broker = try await Mosquitto()
        try await withClient(
            .init(broker, "bare", version: .v311), subscriptions: [MQTTSubscription(filter: "p")]
        ) { running in
            try await running.client.publish(
                topic: "p", payload: [1], properties: MQTTProperties(responseTopic: "answers", correlationData: [1]))
            #expect(try await running.messages(1)[0].properties == nil)
        }
    }

    @Test("a property that MQTT cannot carry is refused, and nothing is sent")
    func impossibleProperties() async throws {
        let broker = try await Mosquitto()
        try await withClient(.init(broker, "impossible")) { running in
            for properties in [
                MQTTProperties(responseTopic: "a\u{0}b"),
                MQTTProperties(contentType: String(repeating: "x", count: 70_000)),
                MQTTProperties(correlationData: [UInt8](repeating: 1, count: 70_000)),
                MQTTProperties(userProperties: [.init("line\n", "break")]),
            ] {
                await #expect(throws: MQTTError.self) {
                    try await running.client.publish(topic: "p", payload: [], properties: properties)
                }
            }
            try await running.client.publish(topic: "p", payload: [], properties: MQTTProperties(contentType: "fine"))
        }
    }

    @Test("a retained message is there for who comes later, and says that it was stored")
    func retained() async throws {
        let broker = try await Mosquitto()
        try await withClient(.init(broker, "first")) { running in
            try await running.client.publish(topic: "state/a", payload: Array("on".utf8), retain: true)
        }
        try await withClient(
            .init(broker, "later"), subscriptions: [MQTTSubscription(filter: "state/+")]
        ) { running in
            let message = try await running.message { $0.topic == "state/a" }
            #expect(message.retain)
            #expect(message.text == "on")
            // A live one does not say so.
            try await running.client.publish(topic: "state/a", payload: Array("off".utf8), retain: true)
            #expect(try await running.message { $0.text == "off" }.retain == false)
        }
    }

    @Test("the broker says when nobody listens")
    func nobodyListens() async throws {
        let broker = try await Mosquitto()
        try await withClient(.init(broker, "lonely")) { running in
            let result = try await running.client.publish(topic: "nobody/hears", payload: [1])
            #expect(result.reasonCode == .noMatchingSubscribers)
            #expect(!result.reasonCode.isError)
            #expect(
                "\(result.reasonCode)" == "No matching subscribers (0x10)" || "\(result.reasonCode)".contains("0x10"))
        }
    }

    @Test("an impossible topic is refused before it is sent", arguments: ["", "a/+", "#", "a\u{0}b", "line\nbreak"])
    func impossibleTopic(topic: String) async throws {
        let broker = try await Mosquitto()
        try await withClient(.init(broker, "topics")) { running in
            await #expect(throws: MQTTError.invalidTopic(topic)) {
                try await running.client.publish(topic: topic, payload: [1])
            }
            await #expect(throws: MQTTError.self) {
                try await running.client.publish(topic: [0x61, 0xff, 0xfe], payload: [1])
            }
            #expect(running.client.connectionState.isConnected)
        }
    }

    @Test("subscriptions come and go while connected")
    func subscriptionsAtRunTime() async throws {
        let broker = try await Mosquitto()
        try await withClient(.init(broker, "changing")) { running in
            try running.client.subscribe(MQTTSubscription(filter: "late/#", qos: .atLeastOnce))
            try await eventually("the subscription", seen: { broker.log }) { broker.log.contains("changing 1 late/#") }
            try await running.client.waitUntilSubscribed(timeout: .seconds(5))
            try await running.client.publish(topic: "late/1", payload: [1])
            _ = try await running.message { $0.topic == "late/1" }
            try running.client.unsubscribe("late/#")
            try await eventually("the end of the subscription", seen: { broker.log }) {
                broker.log.contains("UNSUBACK")
            }
            let result = try await running.client.publish(topic: "late/2", payload: [2])
            #expect(result.reasonCode == .noMatchingSubscribers)
            #expect(throws: MQTTError.self) { try running.client.subscribe(MQTTSubscription(filter: "a/#/b")) }
        }
    }

    @Test("many publishes at once all come through, in order for each sender")
    func manyPublishes() async throws {
        let broker = try await Mosquitto()
        try await withClient(
            .init(broker, "many"), subscriptions: [MQTTSubscription(filter: "many/+", qos: .atLeastOnce)]
        ) { running in
            let client = running.client
            try await withThrowingTaskGroup(of: Void.self) { group in
                for sender in 0..<50 {
                    group.addTask {
                        for number in 0..<40 {
                            try await client.publish(
                                topic: "many/\(sender)", payload: Array("\(number)".utf8),
                                qos: number % 3 == 0 ? .atMostOnce : .atLeastOnce)
                        }
                    }
                }
                try await group.waitForAll()
            }
            let messages = try await running.messages(2_000)
            for sender in 0..<50 {
                let numbers = messages.filter { $0.topic == "many/\(sender)" }.compactMap { Int($0.text) }
                #expect(numbers == Array(0..<40), "sender \(sender)")
            }
            #expect(client.statistics.published == 2_000)
        }
    }
}
