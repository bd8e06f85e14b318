import Primitives
import SparkplugB
import TestFixtures
import Testing

@testable import Plant

@Suite("Hostile edge nodes")
struct EdgeFuzzTests {
    private static let seed: UInt64 = 11

    @Test("Mutated messages end nothing, and every table stays within its bounds")
    func mutations() throws {
        var random = SeededRandom(seed: Self.seed)
        var limits = IngestLimits()
        limits.topics = 300
        limits.tags = 200
        limits.devices = 50
        limits.edgeNodes.edgeNodes = 20
        limits.edgeNodes.bytes = 256 << 10
        var plant = try EdgePlant(limits: limits)
        var edges = (0..<30).map { TestEdge("e\($0)") }
        var run = LongRun(usual: 100_000)
        for round in 0..<run.inputs {
            run.willPlay(round)
            let index = Int.random(in: edges.indices, using: &random)
            var message: TestEdge.Message
            switch Int.random(in: 0..<8, using: &random) {
            case 0: message = edges[index].birth(at: plant.now)[0]
            case 1: message = edges[index].birth(at: plant.now)[1]
            case 2: message = edges[index].death(at: plant.now)
            case 3: message = edges[index].data("n\(round)/a", 1, device: "d\(round % 100)", at: plant.now)
            case 4:
                let metrics = (0..<5).map { TestEdge.metric("n\(round)/\($0)", 1) }
                message = edges[index].seal(.deviceBirth, device: "d\(round % 100)", at: plant.now, metrics)
            default: message = edges[index].data("temperature", Double(round), at: plant.now)
            }
            for _ in 0..<Int.random(in: 0...3, using: &random) where !message.payload.isEmpty {
                let place = Int.random(in: message.payload.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: message.payload[place] = .random(in: 0...255, using: &random)
                case 1: message.payload.remove(at: place)
                default: message.payload.removeLast(message.payload.count - place)
                }
            }
            plant.hear(message)
            plant.outcomes.removeAll()
            plant.effects = LivePlant.Effects()
            plant.now += .random(in: 0...50, using: &random)
            if round.isMultiple(of: 10) {
                _ = plant.plant.advance(to: plant.now)
                _ = plant.plant.takeRebirths(at: plant.now)
            }
            if round.isMultiple(of: 5_000) {
                if Bool.random(using: &random) { plant.plant.brokerLost(at: plant.now) }
                plant.plant.brokerConnected(at: plant.now)
            }
        }
        #expect(!run.hasGrown, "seed \(Self.seed)")
        let ingest = plant.plant.ingest
        #expect(ingest.tags.count <= limits.tags)
        #expect(ingest.devices.count <= limits.devices)
        #expect(ingest.topicCount <= limits.topics)
        #expect(ingest.edgeNodes.count == limits.edgeNodes.edgeNodes)
        // One message more than the bound, at most, of each edge node.
        #expect(ingest.edgeNodes.footprint <= limits.edgeNodes.bytes + 20 * 16_384)
        #expect(plant.number("refusedMetrics") ?? 0 > 0)
        #expect(plant.number("samples") ?? 0 > 0)
    }

    @Test("A known edge node keeps its values when there is no room for new names")
    func closed() throws {
        var limits = IngestLimits()
        limits.edgeNodes.bytes = 8 << 10
        var plant = try EdgePlant(limits: limits)
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        edge.values["d1"] = [("speed", 6)] + (0..<100).map { ("m\($0)", 1) }
        plant.hear(edge.birth(at: plant.now))
        edge.values["d2"] = [("speed", 7)]
        edge.values["d1"] = [("speed", 8)]
        plant.now += 1_000
        plant.hear(edge.birth(at: plant.now))
        #expect(try plant.value("g/e1/d1/speed") == 8.0)
        #expect(try plant.value("g/e1/d2/speed") == nil)
        #expect(plant.plant.fullTables.contains { $0.hasPrefix("edge nodes") })
    }
}
