import MQTT
import TestFixtures
import Testing

@Suite("Receiving under pressure")
struct ReceivingTests {
    @Test("a connection that dies before a batch is acknowledged: the broker delivers it again; after, it does not")
    func acknowledgementGate() async throws {
        let broker = try await Mosquitto()
        let relay = try Relay(to: broker.port)
        defer { relay.stop() }
        var configuration = try MQTTClient.Configuration(broker, "gate")
        configuration.broker = try MQTTBroker(url: relay.url)
        configuration.cleanStart = false
        configuration.sessionExpiry = .seconds(60)
        configuration.keepAlive = .seconds(120)
        configuration.acknowledgeHoldLimit = .seconds(30)
        try await withClient(.init(broker, "sender")) { sender in
            try await withClient(
                configuration, subscriptions: [MQTTSubscription(filter: "t/#", retained: .never)], acknowledges: false
            ) { running in
                for number in 0..<10 {
                    try await sender.client.publish(topic: "t/\(number)", payload: Array("first".utf8))
                }
                _ = try await running.messages(10)
                relay.cut()
                // The second time, acknowledged.
                let again = try await running.messages(20)
                #expect(again[10...].map(\.topic) == (0..<10).map { "t/\($0)" })
                running.client.acknowledge(through: .max)
                try await eventually("the acknowledgements", seen: { broker.log }) {
                    broker.log.components(of: "Received PUBACK from gate") >= 10
                }
                relay.cut()
                try await eventually("the reconnect") { running.client.statistics.connections == 3 }
                try await running.client.waitUntilSubscribed(timeout: .seconds(10))
                try await sender.client.publish(topic: "t/end", payload: [1])
                _ = try await running.message { $0.topic == "t/end" }
                #expect(running.received.count == 21, "\(running.received)")
                #expect(running.client.statistics.acknowledgementsForced == 0)
            }
        }
    }

    @Test("acknowledgements are held for no longer than the limit, and that is counted")
    func holdLimit() async throws {
        let broker = try await Mosquitto()
        var configuration = try MQTTClient.Configuration(broker, "slow")
        configuration.acknowledgeHoldLimit = .seconds(2)
        try await withClient(.init(broker, "sender")) { sender in
            try await withClient(
                configuration, subscriptions: [MQTTSubscription(filter: "t")], acknowledges: false
            ) { running in
                try await sender.client.publish(topic: "t", payload: [1])
                _ = try await running.messages(1)
                #expect(!broker.log.contains("Received PUBACK from slow"))
                try await eventually("the acknowledgement", seen: { broker.log }) {
                    broker.log.contains("Received PUBACK from slow")
                }
                #expect(running.client.statistics.acknowledgementsForced == 1)
            }
        }
    }

    @Test("an acknowledged batch is acknowledged to the broker at once, and under a stream nothing is forced")
    func streamIsNotForced() async throws {
        let broker = try await Mosquitto()
        var configuration = try MQTTClient.Configuration(broker, "prompt")
        configuration.acknowledgeHoldLimit = .milliseconds(1_500)
        let running = RunningClient(configuration, subscriptions: [MQTTSubscription(filter: "t")], reads: false)
        try await running.client.waitUntilSubscribed(timeout: .seconds(10))
        // A consumer that is done with a batch 30 ms later: there is always one under way.
        let client = running.client
        let consumer = Task {
            var count = 0
            for await batch in client.batches {
                count += batch.entries.count
                try? await Task.sleep(for: .milliseconds(30))
                client.acknowledge(through: batch.number)
                if batch.entries.contains(where: { batch.payload($0).isEmpty }) { break }
            }
            return count
        }
        let sent = try await withClient(.init(broker, "sender")) { sender in
            // Several times as long as acknowledgements may be held.
            let end = ContinuousClock.now + .seconds(6)
            var sent = 0
            while ContinuousClock.now < end {
                try await sender.client.publish(topic: "t", payload: [1])
                sent += 1
            }
            try await sender.client.publish(topic: "t", payload: [])
            return sent + 1
        }
        let consumed = await consumer.value
        #expect(consumed == sent)
        // A machine that is busy with other things may stretch a 30 ms pause beyond the limit once.
        #expect(client.statistics.acknowledgementsForced <= 1)
        await running.stop()
    }

    @Test("when the next batch is asked for, the one before counts as taken over")
    func acknowledgedByAsking() async throws {
        let broker = try await Mosquitto()
        var configuration = try MQTTClient.Configuration(broker, "simple")
        configuration.acknowledgement = .whenNextBatchIsRequested
        configuration.acknowledgeHoldLimit = .seconds(60)
        try await withClient(configuration, subscriptions: [MQTTSubscription(filter: "t")], acknowledges: false) {
            running in
            // On one connection: the second publish waits for the first one's acknowledgement to leave.
            for number in 0..<5 { try await running.client.publish(topic: "t", payload: [UInt8(number)]) }
            let payloads = try await running.messages(5).map(\.payload)
            #expect(payloads == (0..<5).map { [UInt8($0)] })
        }
    }

    @Test("a consumer that stops reading: the oldest are shed and counted, the newest is kept")
    func overflow() async throws {
        let broker = try await Mosquitto()
        var configuration = try MQTTClient.Configuration(broker, "stuck")
        configuration.inboxMessageLimit = 200
        configuration.inboxFullPause = .milliseconds(200)
        let running = RunningClient(configuration, subscriptions: [MQTTSubscription(filter: "t")], reads: false)
        let client = running.client
        try await client.waitUntilSubscribed(timeout: .seconds(10))
        try await withClient(.init(broker, "sender")) { sender in
            for number in 0..<3_000 {
                try await sender.client.publish(topic: "t", payload: Array("\(number)".utf8), qos: .atMostOnce)
            }
            try await eventually("all were read", seen: { "\(client.statistics)" }) {
                client.statistics.received == 3_000
            }
        }
        let statistics = client.statistics
        #expect(statistics.pauses == 1)
        #expect(statistics.droppedInboxFull > 0)
        var numbers: [Int] = []
        for await batch in client.batches {
            numbers += batch.entries.compactMap { Int(String(decoding: batch.payload($0), as: UTF8.self)) }
            if numbers.last == 2_999 { break }
        }
        #expect(UInt64(numbers.count) + statistics.droppedInboxFull == 3_000)
        // What is left is the end of the stream, without a hole.
        #expect(numbers == Array((3_000 - numbers.count)..<3_000))
        await running.stop()
    }

    @Test("a consumer that is slow for a moment loses nothing: reading pauses")
    func pause() async throws {
        let broker = try await Mosquitto()
        var configuration = try MQTTClient.Configuration(broker, "slow")
        configuration.inboxMessageLimit = 50
        // Longer than two thousand messages take, also on a machine that gives this test a fraction of a core.
        configuration.inboxFullPause = .seconds(30)
        configuration.keepAlive = .seconds(120)
        let started = ContinuousClock.now
        let running = RunningClient(configuration, subscriptions: [MQTTSubscription(filter: "t")], reads: false)
        let client = running.client
        try await client.waitUntilSubscribed(timeout: .seconds(10))
        try await withClient(.init(broker, "sender")) { sender in
            for number in 0..<2_000 {
                try await sender.client.publish(topic: "t", payload: Array("\(number)".utf8), qos: .atMostOnce)
            }
            try await eventually("a pause", seen: { "\(client.statistics)" }) { client.statistics.pauses > 0 }
        }
        var numbers: [Int] = []
        for await batch in client.batches {
            numbers += batch.entries.compactMap { Int(String(decoding: batch.payload($0), as: UTF8.self)) }
            if numbers.last == 1_999 { break }
        }
        #expect(numbers == Array(0..<2_000))
        #expect(client.statistics.droppedInboxFull == 0)
        // Reading continues when the consumer takes a batch, not only when the pause is over.
        #expect(.now - started < configuration.inboxFullPause)
        await running.stop()
    }

    @Test("what lies in the socket comes in large batches, also when each message needs an acknowledgement")
    func largeBatches() async throws {
        // libmosquitto leaves EAGAIN behind for each acknowledgement that it queues, after the first few hundred: taken
        // for "nothing more to read", that makes a batch of each message.
        let count = 3_000
        let broker = try PacketBroker { kind, body in
            guard kind & 0xf0 == 0x80 else { return [] }
            let messages = (1...count).flatMap {
                [UInt8]([0x32, 0x07, 0, 1, 0x61, UInt8($0 >> 8), UInt8($0 & 0xff), 0, 1])
            }
            return [0x90, 0x04, body[0], body[1], 0x00, 0x01] + messages
        }
        defer { broker.stop() }
        var configuration = MQTTClient.Configuration(broker: try MQTTBroker(url: broker.url), clientID: "batches")
        configuration.receiveMaximum = 5_000
        let running = RunningClient(configuration, subscriptions: [MQTTSubscription(filter: "a")], reads: false)
        var sizes: [Int] = []
        for await batch in running.client.batches {
            sizes.append(batch.entries.count)
            running.client.acknowledge(through: batch.number)
            if sizes.reduce(0, +) >= count { break }
        }
        await running.stop()
        #expect(sizes.reduce(0, +) == count)
        #expect(sizes.count < 100, "\(sizes)")
    }

    @Test("a payload over the limit costs only itself")
    func oversize() async throws {
        let broker = try await Mosquitto()
        try await withClient(.init(broker, "limits"), subscriptions: [MQTTSubscription(filter: "#")]) { running in
            try await withClient(.init(broker, "sender")) { sender in
                try await sender.client.publish(topic: "before", payload: [1])
                try await sender.client.publish(topic: "huge", payload: [UInt8](repeating: 7, count: 5 * 1_024 * 1_024))
                try await sender.client.publish(topic: "just", payload: [UInt8](repeating: 7, count: 1_024 * 1_024))
                try await sender.client.publish(topic: "after", payload: [2])
            }
            _ = try await running.message { $0.topic == "after" }
            #expect(running.received.map(\.topic) == ["before", "just", "after"])
            #expect(running.client.statistics.droppedTooLarge == 1)
            #expect(running.client.statistics.connections == 1)
        }
    }

    @Test("strange topics arrive byte for byte, and hurt nobody")
    func strangeTopics() async throws {
        let broker = try await Mosquitto()
        let topics = [
            "/", "//", "a//b", "..", "../../etc/passwd", "./.", "@alarms/@x", "a b", "ünïcode/⚙︎/\u{1F3ED}", "%2f%00",
            "'\";--",
            (0..<190).map { "l\($0 % 10)" }.joined(separator: "/"), String(repeating: "x", count: 60_000),
        ]
        try await withClient(.init(broker, "strange"), subscriptions: [MQTTSubscription(filter: "#")]) { running in
            for topic in topics { try await running.client.publish(topic: topic, payload: Array(topic.utf8)) }
            let messages = try await running.messages(topics.count)
            #expect(messages.map(\.topic) == topics)
            #expect(messages.allSatisfy { $0.text == $0.topic })
        }
    }

    @Test("a broker that breaks the protocol costs a connection, never the process")
    func hostileBroker() async throws {
        let hostile: [[UInt8]] = [
            PacketBroker.publish(topic: [0x61, 0x00, 0x62], payload: [1]),
            PacketBroker.publish(topic: [0x61, 0xff, 0xfe], payload: [1]),
            PacketBroker.publish(topic: [0x61, 0xed, 0xa0, 0x80], payload: [1]),
            PacketBroker.publish(topic: [], payload: [1]),
            PacketBroker.publish(topic: Array("a/#/+".utf8), payload: [1]),
            [0x30, 0x05, 0xff, 0xff, 0x61, 0x00, 0x00], [0x36, 0x04, 0x00, 0x01, 0x61, 0x00],
            [0x30, 0xff, 0xff, 0xff, 0xff, 0x7f], [0x40, 0x02, 0x00, 0x00], [0x40, 0x02, 0x12, 0x34],
            [0x90, 0x03, 0x00, 0x01],
            [0xf0, 0x00], [0x00, 0x00], [0x20, 0x03, 0x00, 0x00, 0x00], [0xe0, 0x00],
            [0x30, 0x0a, 0x00, 0x01, 0x61, 0x05, 0x26, 0x00, 0x09, 0x61, 0x00, 0x00],
        ]
        for packet in hostile {
            let broker = try PacketBroker { kind, body in
                kind & 0xf0 == 0x80 ? [0x90, 0x04, body[0], body[1], 0x00, 0x01] + packet : []
            }
            var configuration = MQTTClient.Configuration(broker: try MQTTBroker(url: broker.url), clientID: "victim")
            configuration.reconnect.maximum = .milliseconds(50)
            try await withClient(
                configuration, subscriptions: [MQTTSubscription(filter: "a")], connects: false
            ) { running in
                try await eventually(
                    "an effect of \(packet)", within: .seconds(10), seen: { "\(running.client.statistics)" }
                ) {
                    running.client.statistics.disconnections > 0 || running.client.statistics.received > 0
                        || running.client.subscriptionStatus.isComplete
                }
            }
            broker.stop()
        }
    }
}

extension String {
    /// How often `part` stands in it.
    func components(of part: String) -> Int { split(separator: part, omittingEmptySubsequences: false).count - 1 }
}
