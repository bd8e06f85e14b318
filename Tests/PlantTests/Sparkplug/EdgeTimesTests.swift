import SparkplugB
import Testing

@testable import Plant

@Suite("Edge nodes of Sparkplug B: what their times mean")
struct EdgeTimesTests {
    private static func metric(_ value: Double, at time: Milliseconds?) -> SparkplugMetric {
        TestEdge.metric("temperature", value, at: time)
    }

    /// Whether the device's clock is trusted, and not in doubt.
    private func trusts(_ plant: EdgePlant) throws -> Bool {
        let tag = try #require(plant.plant.tags.id(of: try TagPath("g/e1/temperature")))
        let clock = plant.plant.clocks[Int(plant.plant.topicOfTag[tag.index])]
        return clock.isSettled && clock.doubt == nil && clock.offset.magnitude <= 1_000
    }

    @Test("Old times in a birth put nothing in doubt: the time of sending tells what the clock shows")
    func oldBirth() throws {
        var plant = try EdgePlant()
        plant.pass(20_000)
        var edge = TestEdge()
        let old = plant.now - 3_600_000
        plant.hear(edge.seal(.nodeBirth, at: plant.now, [Self.metric(20, at: old)]))
        #expect(try plant.quality("g/e1/temperature") == .good)
        #expect(try plant.entry("g/e1/temperature")?.sourceTime == old)
        #expect(try trusts(plant))
        plant.pass(1_000)
        plant.hear(edge.seal(.nodeData, at: plant.now, [Self.metric(90, at: plant.now - 5)]))
        #expect(try plant.quality("g/e1/temperature") == .good)
        #expect(plant.plant.pendingTransitionCount == 1)
    }

    @Test("An old value above its limit raises all the same, once, when what has been heard is looked at")
    func oldValueRaises() throws {
        var plant = try EdgePlant()
        plant.pass(20_000)
        var edge = TestEdge()
        let birth = edge.seal(.nodeBirth, at: plant.now, [Self.metric(95, at: plant.now - 3_600_000)])
        plant.hear(birth)
        plant.pass(1_000)
        #expect(plant.plant.pendingTransitionCount == 1)
        plant.pass(60_000)
        let again = edge.seal(.nodeBirth, at: plant.now, [Self.metric(95, at: plant.now - 3_661_000)])
        plant.hear(again)
        plant.pass(10_000)
        #expect(plant.plant.pendingTransitionCount == 1)
        #expect(try plant.quality("g/e1/temperature") == .good)
    }

    @Test("Without a time of sending the newest time of the metrics is all there is: an old one is doubted")
    func withoutSentTime() throws {
        var plant = try EdgePlant()
        plant.pass(20_000)
        let old = plant.now - 3_600_000
        let payload = SparkplugPayload(timestamp: nil, sequence: 0, metrics: [Self.metric(20, at: old)])
        plant.hear(("spBv1.0/g/NBIRTH/e1", payload.encoded))
        #expect(try plant.quality("g/e1/temperature") == .uncertain)
        #expect(try !trusts(plant))
    }

    @Test("A client that always sends with the same time is judged by what it measures")
    func constantSentTime() throws {
        var plant = try EdgePlant()
        plant.pass(20_000)
        var edge = TestEdge()
        let start = plant.now
        plant.hear(edge.seal(.nodeBirth, at: start, [Self.metric(20, at: start)]))
        for step in 1...10 {
            plant.pass(60_000)
            plant.hear(edge.seal(.nodeData, at: start, [Self.metric(Double(step), at: plant.now)]))
            #expect(try plant.quality("g/e1/temperature") == .good)
        }
        #expect(try trusts(plant))
    }

    @Test("A clock that is wrong is doubted, whatever the metrics say")
    func wrongClock() throws {
        var plant = try EdgePlant()
        plant.pass(20_000)
        var edge = TestEdge()
        plant.hear(edge.seal(.nodeBirth, at: plant.now, [Self.metric(20, at: nil)]))
        plant.pass(10_000)
        let sent = plant.now - 3_600_000
        plant.hear(edge.seal(.nodeData, at: sent, [Self.metric(90, at: sent)]))
        #expect(try plant.quality("g/e1/temperature") != .good)
        #expect(plant.plant.pendingTransitionCount == 0)
    }
}
