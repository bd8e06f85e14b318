import Primitives
import SparkplugB
import TestFixtures
import Testing

@testable import Plant

@Suite("Topics that nobody expects")
struct TopicMappingFuzzTests {
    private static let routes = [
        RouteDraft(
            name: "machines", topic: "factory/{line}/{machine}/{metric}", device: "factory/{line}/{machine}",
            value: "/v",
            presence: .init(topic: "{device}/status")),
        RouteDraft(name: "bridge", topic: "zigbee2mqtt/bridge/#", payload: .nothing),
        RouteDraft(
            name: "devices", topic: "zigbee2mqtt/{name...}/availability", device: "zigbee2mqtt/{name}", payload: .text),
        RouteDraft(
            name: "values", topic: "zigbee2mqtt/{name...}", device: "zigbee2mqtt/{name}", values: [.init("#", "/#")]),
        RouteDraft(
            name: "state", topic: "tele/{name}/STATE", continues: true, device: "t/{name}", tag: "t/{name}",
            values: [.init("POWER", "/POWER")]),
        RouteDraft(
            name: "rest", topic: "tele/{name}/{kind}", device: "t/{name}", tag: "t/{name}/{kind}",
            values: [.init("+", .init(at: "/+", except: ["POWER"]))]),
        RouteDraft(name: "lines", topic: "influx/{x}", device: "{host}", payload: .lines),
        RouteDraft(name: "edges", topic: "spBv1.0/#", payload: .sparkplug),
        RouteDraft(name: "others", topic: "+/+/#", device: "others", payload: .text),
    ]

    private static let topics = [
        "factory/l1/m1/temperature", "factory/l1/m1/status", "zigbee2mqtt/bridge/log", "zigbee2mqtt/a/b/availability",
        "zigbee2mqtt/kitchen/lamp", "tele/plug/STATE", "tele/plug/SENSOR", "influx/hall", "x/y/z/1/2/3",
        "spBv1.0/g/NBIRTH/e", "spBv1.0/g/DBIRTH/e/d", "spBv1.0/g/NDATA/e", "spBv1.0/g/DDATA/e/d", "spBv1.0/STATE/h",
        "$SYS/uptime",
        "linekeeper/p/alarms/a", "a", "/", "//", "é/ü/日本", String(repeating: "l/", count: 40),
        String(repeating: "x", count: 1_100),
    ]

    private static let payloads: [[UInt8]] =
        [
            #"{"v":1,"POWER":"ON","a":{"b":2}}"#, "online", "m,host=h v=1", "m,host=a/b v=1\nm,host=#,x=+ v=2", "7", "",
        ].map { Array($0.utf8) } + edgePayloads

    private static let edgePayloads: [[UInt8]] = (UInt64(0)..<3).map { sequence in
        let names = ["a", "d/b", "b", "$SYS", "x/../y", "é"]
        return SparkplugPayload(
            timestamp: 1_000, sequence: sequence, metrics: names.map { TestEdge.metric($0, 1) }
        ).encoded
    }

    /// Every tag that comes of a message has a place in the tree that is its own, and the tables stay within their bounds.
    /// `LINEKEEPER_LONG=1` plays ten million topics.
    @Test("A mapping stands whatever the topic is")
    func mutants() throws {
        let mutator = Mutator(seeds: Self.topics.map { Array($0.utf8) })
        var random = SeededRandom(seed: 77)
        var limits = IngestLimits()
        (limits.topics, limits.tags, limits.devices, limits.learntPerTopic) = (3_000, 4_000, 1_000, 20)
        var plant = try IngestHarness(Self.routes, limits: limits)
        var taken = 0
        var known = 0
        var run = LongRun(usual: 100_000)
        for round in 0..<run.inputs {
            run.willPlay(round)
            // Full tables take nothing more; a fresh plant does.
            if round % 20_000 == 0 {
                plant = try IngestHarness(Self.routes, limits: limits)
                known = 0
            }
            let topic = mutator.mutant(&random)
            let payload = Self.payloads.randomElement(using: &random) ?? []
            plant.send(topic, payload, retained: Bool.random(using: &random))
            while plant.ingest.hasFurtherParts {
                _ = plant.ingest.furtherPart(
                    topic.span, payload.span, retained: false, receivedAt: plant.now, into: &plant.samples)
            }
            taken += plant.samples.count
            for number in known..<plant.ingest.tags.count {
                let path = plant.ingest.tags[TagID(rawValue: UInt32(number))].path
                guard try TagPath(znodePath: path.znodePath) == path, !GatewayFault.isOwn(path) else {
                    Issue.record("round \(round): \(path) has no place in the tree")
                    return
                }
            }
            known = plant.ingest.tags.count
        }
        #expect(!run.hasGrown)
        #expect(plant.ingest.topicCount <= limits.topics && plant.ingest.tags.count <= limits.tags)
        #expect(plant.ingest.devices.count <= limits.devices && taken > 5_000)
    }
}
