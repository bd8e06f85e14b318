import Primitives
import TestFixtures
import Testing

@testable import Plant

@Suite("Messages that no route takes")
struct UnroutedTopicsTests {
    /// An ingest that is told what comes on either connection.
    private struct Bed {
        static let routes = [
            RouteDraft(
                name: "machines", topic: "factory/{line}/{machine}/{metric}", device: "factory/{line}/{machine}",
                payload: .number, presence: .init(topic: "{device}/status")),
            // MQTT has no filter for it but zigbee/#, so the broker brings more than it takes.
            RouteDraft(name: "zigbee", topic: "zigbee/{name...}/state", device: "zigbee/{name}", payload: .number),
        ]

        var ingest: Ingest

        init(observes: [String] = [], excepts: [String] = [], limits: IngestLimits = .init()) throws {
            ingest = Ingest(
                routes: try Self.routes.map { try $0.checked() }, limits: limits,
                observation: Observation(
                    filters: try observes.map { try TopicFilter($0) },
                    exceptions: try excepts.map { try TopicFilter($0) }), hashSeed: 7)
        }

        @discardableResult
        mutating func hear(_ topic: String, _ payload: String = "1") -> MessageOutcome {
            var samples: ContiguousArray<Sample> = []
            let (topic, payload) = (Array(topic.utf8), Array(payload.utf8))
            return ingest.message(
                topic: topic.span, payload: payload.span, retained: false, receivedAt: 1_700_000_000_000, into: &samples
            )
        }

        mutating func observe(_ topic: String) { observe(Array(topic.utf8)) }
        mutating func observe(_ topic: [UInt8]) { ingest.observed(topic.span) }

        var rows: [String] { ingest.unrouted.counts.rows.map { "\($0.prefix) \($0.messages)" } }
        var total: UInt64 {
            ingest.unrouted.counts.rows.reduce(ingest.unrouted.counts.further) { $0 + $1.messages }
        }
    }

    @Test("what a route's subscription brings and no route takes is counted, the first time and later")
    func heard() throws {
        var bed = try Bed()
        for _ in 0..<3 { #expect(bed.hear("zigbee/lamp/set").result == .unrouted) }
        #expect(bed.hear("zigbee/lamp/state").result == .samples(1))
        #expect(bed.hear("office").result == .unrouted)
        // Somebody cleared a retained message.
        #expect(bed.hear("tele/x/y", "").result == .empty)
        #expect(bed.rows == ["zigbee/lamp/# 3", "office 1"])
        #expect(bed.ingest.counters.unrouted == 4 && bed.ingest.counters.messages == 6)
    }

    @Test("what is observed is counted unless a route takes it, whether it was heard before or not")
    func observed() throws {
        var bed = try Bed(observes: ["#"])
        for topic in ["factory/l/m/t", "factory/l/m/status", "zigbee/a/b/state"] {
            bed.observe(topic)
            bed.observe(topic)
            bed.hear(topic)
            bed.observe(topic)
        }
        #expect(bed.rows == [])
        for _ in 0..<3 { bed.observe("tele/plug1/SENSOR") }
        bed.observe("factory/l/m")
        bed.observe("factory/l/m/t/x")
        #expect(bed.rows == ["tele/plug1/# 3", "factory/l/# 2"])
        // Nothing else comes of it.
        #expect(bed.ingest.counters.messages == 3 && bed.ingest.counters.unrouted == 0)
        #expect(bed.ingest.topicCount == 3)
    }

    @Test("what comes on both connections is counted once")
    func both() throws {
        var bed = try Bed(observes: ["zigbee/lamp/#"])
        for _ in 0..<2 {
            bed.hear("zigbee/lamp/set")
            bed.observe("zigbee/lamp/set")
            bed.hear("zigbee/fan/set")
        }
        #expect(bed.rows == ["zigbee/fan/# 2", "zigbee/lamp/# 2"])
        #expect(bed.ingest.counters.unrouted == 4)
    }

    @Test("Linekeeper's own topics, commands and their answers are not the plant's unrouted ones")
    func exceptions() throws {
        var bed = try Bed(observes: ["#"], excepts: ["factory/+/+/cmd/go", "done/+"])
        for _ in 0..<2 {
            for topic in ["linekeeper/p/alarms/a/b", "linekeeper/", "factory/l/m/cmd/go", "done/x"] {
                bed.observe(topic)
                bed.hear(topic)
            }
        }
        #expect(bed.rows == [])
        for topic in ["linekeeper", "linekeepers/x", "line", "factory/l/m/cmd/stop"] { bed.observe(topic) }
        #expect(bed.rows == ["factory/l/# 1", "line 1", "linekeeper 1", "linekeepers/x 1"])
    }

    @Test("topics of the broker's own are no route's whose first level is a wildcard")
    func brokersOwn() throws {
        let route = try RouteDraft(name: "all", topic: "{a}/{b}", device: "{a}", payload: .text).checked()
        let filters = [try TopicFilter("#"), try TopicFilter("$SYS/#")]
        var ingest = Ingest(routes: [route], observation: Observation(filters: filters))
        for topic in ["$SYS/uptime", "a/b"] { ingest.observed(Array(topic.utf8).span) }
        #expect(ingest.unrouted.counts.rows.map(\.prefix) == ["$SYS/uptime"])
    }

    @Test("topics that no route can take, because they are no names for tags, count as well")
    func strange() throws {
        var bed = try Bed(observes: ["#"])
        let long = "factory/l/m/" + String(repeating: "x", count: 2_000)
        for topic in [Array(long.utf8), [0xFF], Array("a/b/\u{1B}[2J".utf8), []] { bed.observe(topic) }
        #expect(bed.total == 4)
        // Where the route's subscription brings it, it is refused for that, as before.
        #expect(bed.hear(long).result == .refused(.path(.tooLong(bytes: 2_012))))
        #expect(bed.total == 4 && bed.ingest.counters.unrouted == 0)
    }

    @Test("a topic that a route takes and a full table refuses is not unrouted")
    func full() throws {
        var limits = IngestLimits()
        limits.topics = 1
        var bed = try Bed(observes: ["#"], limits: limits)
        bed.hear("factory/l/m/t")
        for _ in 0..<2 {
            #expect(bed.hear("factory/l/m/u").result == .refused(.tooManyTopics))
            bed.observe("factory/l/m/u")
        }
        #expect(bed.rows == [])
    }

    @Test("topics without end cost no memory, and every message is counted")
    func bounded() throws {
        var bed = try Bed(observes: ["observed/#"])
        let messages = TopicMemory.topicLimit * 2 + 10
        for number in 0..<messages {
            bed.observe("observed/\(number)/x")
            bed.hear("heard/\(number)/x")
        }
        #expect(bed.ingest.unrouted.counts.rows.count == TopicPrefixCounts.limit)
        #expect(bed.total == UInt64(messages * 2))
        #expect(bed.ingest.counters.unrouted == UInt64(messages) && bed.ingest.topicCount == 0)
    }

    @Test("a full memory forgets all topics, by number or by bytes, and takes in those that still speak")
    func memory() {
        var memory = TopicMemory(hashSeed: 1)
        let place = { (memory: TopicMemory, name: String) in memory.place(of: Array(name.utf8).span) }
        for number in 0..<TopicMemory.topicLimit { memory.insert(Array("t\(number)".utf8).span, nil) }
        #expect(memory.count == TopicMemory.topicLimit && place(memory, "t0") == .uncounted)
        memory.insert(Array("more".utf8).span, nil)
        #expect(memory.count == 1 && place(memory, "t0") == .unknown && place(memory, "more") == .uncounted)
        // The longest topics that MQTT allows.
        for number in 0..<100 {
            memory.insert((Array("\(number)/".utf8) + Array(repeating: 120, count: 65_000)).span, nil)
            #expect(memory.count <= TopicMemory.byteLimit / 65_000 + 1)
        }
        var counts = TopicPrefixCounts()
        let counted = counts.place(of: Array("a/b/c".utf8).span)
        memory.insert(Array("a/b/c".utf8).span, counted)
        #expect(place(memory, "a/b/c") == .counted(counted))
    }

    @Test("against a plain definition, on messages at random")
    func differential() throws {
        var random = SeededRandom(seed: 19)
        let observes = ["zigbee/#", "+/l/#"].map { try? TopicFilter($0) }.compactMap(\.self)
        var bed = try Bed(observes: observes.map(\.text), excepts: ["factory/l/x"])
        var plain: [String: UInt64] = [:]
        for _ in 0..<20_000 {
            let topic = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                ["factory", "zigbee", "linekeeper", "l", "x", "state", ""].randomElement(using: &random) ?? ""
            }.joined(separator: "/")
            guard !topic.isEmpty else { continue }
            let isObserved = observes.contains { $0.matches(topic) }
            let comesByObserving = isObserved && Bool.random(using: &random)
            if comesByObserving { bed.observe(topic) } else { bed.hear(topic) }
            let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
            let isRouted =
                levels[0] == "factory" && levels.count == 4
                || levels[0] == "zigbee" && levels.count > 2 && levels.last == "state"
            guard !isRouted, !topic.hasPrefix("linekeeper/"), topic != "factory/l/x", isObserved == comesByObserving
            else { continue }
            plain[levels.count > 2 ? "\(levels[0])/\(levels[1])/#" : topic, default: 0] += 1
        }
        let rows = bed.ingest.unrouted.counts.rows
        #expect(Dictionary(uniqueKeysWithValues: rows.map { ($0.prefix, $0.messages) }) == plain)
        #expect(plain.count > 30 && plain.count < TopicPrefixCounts.limit, "\(plain.count)")
    }
}
