import SparkplugB
import Testing

@testable import Plant

@Suite("What a gateway knows of the metrics that commands write")
struct KnownMetricTests {
    private static func address(_ topic: String, _ name: String) -> MetricAddress {
        MetricAddress(topic: "spBv1.0/" + topic, name: name)
    }

    private static let speed = address("g/DCMD/e1/d1", "speed")
    private static let temperature = address("g/NCMD/e1", "temperature")

    @Test("a birth tells type and tag, of devices and of edge nodes")
    func named() throws {
        var plant = try EdgePlant()
        #expect(plant.plant.metric(at: Self.speed) == .unborn && plant.plant.metric(at: Self.temperature) == .unborn)
        var edge = TestEdge()
        // Data before a birth tells no type.
        plant.hear(edge.data("speed", 4, device: "d1", at: plant.now))
        #expect(plant.plant.metric(at: Self.speed) == .unborn)
        plant.hear(edge.birth(at: plant.now))
        #expect(try plant.plant.metric(at: Self.speed) == .named(.double, tag: TagPath("g/e1/d1/speed")))
        #expect(try plant.plant.metric(at: Self.temperature) == .named(.double, tag: TagPath("g/e1/temperature")))
        #expect(plant.plant.metric(at: Self.address("g/DCMD/e1/d1", "x")) == .unnamed)
        #expect(plant.plant.metric(at: Self.address("g/DCMD/e1/d2", "speed")) == .unborn)
        #expect(plant.plant.metric(at: Self.address("g/DCMD/e2/d1", "speed")) == .unborn)
        plant.hear(edge.death(at: plant.now))
        #expect(plant.plant.metric(at: Self.speed) == .dead && plant.plant.metric(at: Self.temperature) == .dead)
    }

    @Test("the tag is the route's, whose device has other levels")
    func route() throws {
        var plant = try EdgePlant { $0.device = "hall/{edge}/of/{group}" }
        var edge = TestEdge()
        edge.values["d1"] = [("/a//b", 1)]
        plant.hear(edge.birth(at: plant.now))
        let known = plant.plant.metric(at: Self.address("g/DCMD/e1/d1", "/a//b"))
        #expect(try known == .named(.double, tag: TagPath("hall/e1/of/g/d1//a//b")))
        #expect(try plant.value("hall/e1/of/g/d1//a//b") == 1.0)
    }

    @Test("a metric whose tag has no room is known, without a tag")
    func full() throws {
        var limits = IngestLimits()
        limits.tags = 1
        var plant = try EdgePlant(limits: limits)
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        #expect(plant.plant.metric(at: Self.speed) == .named(.double, tag: nil))
    }

    @Test("topics that are none know nothing", arguments: ["", "g", "g/DCMD", "g/DCMD/e1", "g/NCMD/e1/d1", "//DCMD//"])
    func topics(topic: String) throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        #expect(plant.plant.metric(at: Self.address(topic, "speed")) == .unborn)
    }

    @Test("a birth confirms nothing, and data do, though they tell the same")
    func birth() throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        let tag = try TagPath("g/e1/d1/speed")
        func isFromBirth() -> Bool? { plant.plant.interlockReading(of: tag)?.isFromBirth }
        #expect(isFromBirth() == nil)
        plant.hear(edge.birth(at: plant.now))
        #expect(isFromBirth() == true)
        plant.now += 1_000
        plant.hear(edge.data("speed", 5, device: "d1", at: plant.now))
        #expect(isFromBirth() == false)
        plant.now += 1_000
        plant.hear(edge.birth(at: plant.now))
        #expect(isFromBirth() == true)
        #expect(try plant.value("g/e1/d1/speed") == 5.0)
    }
}
