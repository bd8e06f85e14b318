import TestFixtures
import Testing

@testable import MQTT

@Suite("What is shed of a full inbox")
struct SheddingTests {
    @Test(
        "each keeps as much as the others, and what some leave the others may have",
        arguments: [
            ([], 0, .max), ([5], 10, .max), ([5, 5], 10, .max), ([5, 6], 10, 5), ([1, 1, 100], 10, 8),
            ([100, 1, 1], 10, 8), ([10, 10, 10], 10, 3), ([1, 1, 1], 2, 0), ([0, 0, 9], 4, 4), ([7], 0, 0),
            ([Int.max / 2, 1], 10, 9),
        ] as [([Int], Int, Int)])
    func levels(demands: [Int], budget: Int, expected: Int) {
        let level = FairShare.level(demands, within: budget)
        #expect(level == expected)
        let kept = demands.map { min($0, level) }.reduce(0, +)
        #expect(kept <= budget)
    }

    /// `topic` or `topic*count`, in this order; the payload of each is as long as `length`.
    private func inbox(_ messages: [String], length: Int = 1) -> BatchBuilder {
        var builder = BatchBuilder(reservingMessages: 0, bytes: 0)
        var number: Int64 = 0
        for message in messages {
            let parts = message.split(separator: "*")
            for _ in 0..<(parts.count > 1 ? Int(parts[1]) ?? 0 : 1) {
                let fits = Array(parts[0].utf8).withUnsafeBytes { topic in
                    [UInt8](repeating: 7, count: length).withUnsafeBytes { payload in
                        builder.append(
                            topic: topic, payload: payload, qos: .atMostOnce, retain: false, properties: nil,
                            receivedAtMs: number)
                    }
                }
                #expect(fits)
                number += 1
            }
        }
        return builder
    }

    /// Topic and number of what is left, in its order.
    private func left(_ builder: consuming BatchBuilder) -> [String] {
        let batch = builder.finish()
        return batch.entries.map { "\(String(decoding: batch.topic($0), as: UTF8.self)) \($0.receivedAtMs)" }
    }

    private func lost(_ shed: ShedTopics) -> [String: UInt64] {
        Dictionary(uniqueKeysWithValues: shed.largest.map { (String(decoding: $0.topic, as: UTF8.self), $0.messages) })
    }

    @Test("a topic that floods loses its own oldest messages, and its neighbours lose nothing")
    func flood() {
        var builder = inbox(["a/x/t", "b/y/t", "a/x/t", "flood/z/t*95", "b/y/t", "a/x/t"])
        let shed = builder.shedHalf(byBytes: false)
        #expect(lost(shed) == ["flood/z/t": 50] && shed.total == 50)
        let rest = left(builder)
        #expect(rest.count == 50 && rest.prefix(3) == ["a/x/t 0", "b/y/t 1", "a/x/t 2"])
        #expect(rest[3...47].map { $0 } == (53..<98).map { "flood/z/t \($0)" })
        #expect(rest.suffix(2) == ["b/y/t 98", "a/x/t 99"])
    }

    @Test(
        "a device that floods on many topics takes nothing from other devices, and what is its own is shared by its topics"
    )
    func floodingDevice() {
        let flood = (0..<90).map { "line/bad/m\($0 % 30)" }
        var builder = inbox(["line/good/t*5", "line/bad/rare"] + flood + ["line/good/t*4"])
        let shed = builder.shedHalf(byBytes: false)
        let rest = left(builder)
        #expect(shed.total == 50 && lost(shed)["line/good/t"] == nil)
        #expect(rest.count { $0.hasPrefix("line/good/t ") } == 9)
        #expect(rest.contains("line/bad/rare 5"))
        for metric in 0..<30 { #expect(rest.contains { $0.hasPrefix("line/bad/m\(metric) ") }, "\(metric)") }
    }

    @Test("large messages are weighed by their bytes when bytes are what is short")
    func bytes() {
        var builder = inbox(["small*40"])
        for entry in [0, 1, 2] {
            let fits = Array("big".utf8).withUnsafeBytes { topic in
                [UInt8](repeating: 7, count: 1_000).withUnsafeBytes { payload in
                    builder.append(
                        topic: topic, payload: payload, qos: .atLeastOnce, retain: false, properties: nil,
                        receivedAtMs: 40 + Int64(entry))
                }
            }
            #expect(fits)
        }
        let shed = builder.shedHalf(byBytes: true)
        #expect(lost(shed) == ["big": 2])
        let rest = left(builder)
        #expect(rest.count == 41 && rest.last == "big 42")
    }

    @Test("at random: at least half goes, the order stays, and of each topic the newest remain without a hole")
    func walk() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let topics = (0..<Int.random(in: 1...20, using: &random)).map { "d\($0 % 4)/t\($0)" }
            var names: [String] = []
            for _ in 0..<Int.random(in: 1...200, using: &random) {
                let index = min(Int.random(in: 0..<topics.count), Int.random(in: 0..<topics.count))
                names.append(topics[index])
            }
            let byBytes = Bool.random()
            var builder = inbox(names)
            let (before, count) = (builder.byteCount, builder.count)
            let shed = builder.shedHalf(byBytes: byBytes)
            #expect(builder.count + Int(shed.total) == count)
            #expect(byBytes ? builder.byteCount <= before / 2 : builder.count == count / 2)
            let rest = left(builder)
            let numbers = rest.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
            #expect(numbers == numbers.sorted())
            for topic in Set(names) {
                let all = names.indices.filter { names[$0] == topic }
                let kept = numbers.filter { names[$0] == topic }
                #expect(kept == Array(all.suffix(kept.count)), "\(topic)")
            }
        }
    }

    @Test("what is remembered of the losers is bounded, and has those that lost most")
    func remembered() {
        var all = ShedTopics()
        for number in 0..<1_000 {
            var one = ShedTopics()
            one.add(Array("t\(number)".utf8)[...], UInt64(number % 500 + 1))
            all.add(one)
        }
        all.add(Array("t7".utf8)[...], 5_000)
        all.add(Array(repeating: UInt8(ascii: "x"), count: 10_000)[...], 9_000)
        #expect(all.messages.count == ShedTopics.capacity && all.total == 2 * 500 * 501 / 2 + 14_000)
        #expect(all.largest.first?.topic == Array(repeating: UInt8(ascii: "x"), count: ShedTopics.topicBytes))
        #expect(all.largest[1].topic == Array("t7".utf8) && all.largest[2].messages == 500)
    }

    @Test("a client whose consumer is stuck keeps what the topics beside a flood have sent")
    func beside() async throws {
        let broker = try await Mosquitto()
        var configuration = try MQTTClient.Configuration(broker, "stuck")
        configuration.inboxMessageLimit = 200
        configuration.inboxFullPause = .milliseconds(200)
        let running = RunningClient(configuration, subscriptions: [MQTTSubscription(filter: "#")], reads: false)
        let client = running.client
        try await client.waitUntilSubscribed(timeout: .seconds(10))
        try await withClient(.init(broker, "sender")) { sender in
            for number in 0..<3_000 {
                try await sender.client.publish(topic: "bad/flood", payload: [1], qos: .atMostOnce)
                if number.isMultiple(of: 100) {
                    try await sender.client.publish(topic: "good/t", payload: [UInt8(number / 100)], qos: .atMostOnce)
                }
            }
            try await eventually("all were read", seen: { "\(client.statistics)" }) {
                client.statistics.received == 3_030
            }
        }
        #expect(client.statistics.droppedInboxFull > 0)
        #expect(client.shedTopics.map(\.topic) == ["bad/flood"])
        #expect(client.shedTopics.first?.messages == client.statistics.droppedInboxFull)
        var iterator = client.batches.makeAsyncIterator()
        let first = await iterator.next()
        let batch = try #require(first)
        let good = batch.entries.filter { Array(batch.topic($0)) == Array("good/t".utf8) }
        #expect(good.map { Array(batch.payload($0)) } == (0..<30).map { [UInt8($0)] })
        await running.stop()
    }
}
