import HeapModule
import SparkplugB
import Testing

@testable import Plant

@Suite("Edge nodes of Sparkplug B: what all of them together may take up")
struct EdgeBoundsTests {
    @Test("The bytes of what waits have one bound for all edge nodes; beyond it nothing waits, and nothing is lost")
    func waiting() throws {
        var limits = IngestLimits()
        limits.edgeNodes.bytes = 400 << 10
        var plant = try EdgePlant(limits: limits)
        var edges = (0..<40).map { TestEdge("e\($0)") }
        for index in edges.indices { plant.hear(edges[index].birth(at: plant.now)) }
        plant.now += 10
        let filler = TestEdge.metric(String(repeating: "x", count: 700), 1)
        for round in 0..<30 {
            for index in edges.indices {
                if round == 0 { _ = edges[index].data("temperature", 0, at: plant.now) }
                let metric = TestEdge.metric("temperature", Double(round))
                plant.hear(edges[index].seal(.nodeData, at: plant.now, [metric, filler]))
                #expect(plant.plant.ingest.edgeNodes.footprint < limits.edgeNodes.bytes + (4 << 10))
            }
        }
        plant.pass(3_000)
        for index in edges.indices { #expect(try plant.value("g/e\(index)/temperature") == 29.0) }
        // What waited is gone, so there is room again.
        #expect(plant.plant.ingest.edgeNodes.footprint < limits.edgeNodes.bytes / 2)
        #expect(plant.plant.ingest.fullTables == [])
    }

    @Test("The moments at which edge nodes may be due are bounded by their number, and none is missed")
    func deadlines() throws {
        var plant = try EdgePlant()
        var edges = (0..<20).map { TestEdge("e\($0)") }
        for index in edges.indices { plant.hear(edges[index].birth(at: plant.now)) }
        for round in 0..<400 {
            for index in edges.indices {
                plant.now += 1
                // One is missing, which opens a gap; the next round finds it closed or given up.
                let lost = edges[index].data("temperature", 0, at: plant.now)
                plant.hear(edges[index].data("temperature", Double(round), at: plant.now))
                if !index.isMultiple(of: 3) { plant.hear(lost) }
            }
            plant.pass(2_500)
            #expect(plant.plant.ingest.edgeNodes.deadlines.count <= 2 * edges.count + 64)
        }
        plant.pass(3_000)
        for index in edges.indices {
            #expect(try plant.value("g/e\(index)/temperature") == 399.0)
            #expect(plant.plant.ingest.edgeNodes[index].session.missingBirth == (index.isMultiple(of: 3) ? .gap : nil))
        }
        let sums = plant.plant.ingest.edgeNodes.nodes.map(\.session.counters)
        #expect(plant.number("reordered") == sums.reduce(0) { $0 + $1.healedGaps })
        #expect(plant.number("sequenceGaps") == sums.reduce(0) { $0 + $1.gaps })
        #expect(plant.number("reordered") ?? 0 > 0 && plant.number("sequenceGaps") ?? 0 > 0)
    }
}
