import SparkplugB
import Testing

@testable import Plant

@Suite("Edge nodes of Sparkplug B: whose a tag is")
struct EdgeTagsTests {
    /// An edge node whose own metric would have the tag of its device's.
    private static func meeting() -> TestEdge {
        var edge = TestEdge()
        edge.values = ["": [("temperature", 20), ("d1/speed", 7)], "d1": [("speed", 5), ("torque", 6)]]
        return edge
    }

    private func tag(_ path: String, in plant: EdgePlant) throws -> TagTable.Tag {
        plant.plant.tags[try #require(plant.plant.tags.id(of: try TagPath(path)))]
    }

    @Test("Of an edge node and its device the device has the tag, whichever was born first, also after a restart")
    func deviceHasIt() throws {
        // The one hears the edge node's metric first, the other the device's.
        var (one, other) = (try EdgePlant(), try EdgePlant(asksFirst: false))
        var edge = Self.meeting()
        edge.values["d1"] = [("torque", 6)]
        one.hear(edge.birth(at: one.now))
        #expect(try one.device(of: "g/e1/d1/speed") == "g/e1")
        one.now += 1_000
        edge.values["d1"]?.append(("speed", 5))
        let metrics = [TestEdge.metric("speed", 5), TestEdge.metric("torque", 6)]
        one.hear(edge.seal(.deviceBirth, device: "d1", at: one.now, metrics))
        var late = TestEdge()
        late.values = ["": [("temperature", 20)], "d1": [("speed", 5), ("torque", 6)]]
        other.hear(late.birth(at: other.now))
        other.now = one.now
        #expect(try other.device(of: "g/e1/d1/speed") == "g/e1/d1")
        let births = edge.birth(at: one.now)
        for message in births {
            one.hear(message)
            other.hear(message)
            #expect(one.picture == other.picture)
        }
        let shard = ShardMap.shard(of: try TagPath("g/e1/d1"))
        #expect(shard != ShardMap.shard(of: try TagPath("g/e1")))
        #expect(try one.device(of: "g/e1/d1/speed") == "g/e1/d1")
        #expect(try tag("g/e1/d1/speed", in: one).shard == shard)
        var restarted = try EdgePlant(asksFirst: false)
        restarted.seed(from: &one)
        let again = edge.birth(at: one.now)
        for message in again {
            one.hear(message)
            other.hear(message)
            restarted.hear(message)
        }
        #expect(one.picture == other.picture)
        #expect(one.picture == restarted.picture)
        // What the edge node says of it is refused by all.
        let data = edge.data("d1/speed", 9, at: one.now)
        one.hear(data)
        other.hear(data)
        restarted.hear(data)
        #expect(try one.value("g/e1/d1/speed") == 5.0)
        #expect(one.picture == other.picture)
        #expect(one.picture == restarted.picture)
    }

    @Test("The device that has taken a tag from its edge node writes it in its own shard, and no other does")
    func taken() throws {
        var plant = try EdgePlant()
        var edge = Self.meeting()
        plant.hear(edge.birth(at: plant.now))
        let own = ShardMap.shard(of: try TagPath("g/e1/d1"))
        let tag = try #require(plant.plant.tags.id(of: try TagPath("g/e1/d1/speed")))
        let others = plant.plant.takeChanged(ownedBy: ~(1 << UInt64(own)), limit: 100)
        #expect(!others.isEmpty && !others.contains { $0.tag == tag })
        #expect(plant.plant.takeChanged(ownedBy: 1 << UInt64(own), limit: 100).contains { $0.tag == tag })
    }

    @Test(
        "When the device has gone, or its metric, the edge node's own metric has the tag again",
        arguments: [true, false])
    func givenBack(isDeath: Bool) throws {
        var plant = try EdgePlant()
        var edge = Self.meeting()
        plant.hear(edge.birth(at: plant.now))
        plant.hear(edge.data("d1/speed", 8, at: plant.now))
        #expect(try plant.device(of: "g/e1/d1/speed") == "g/e1/d1")
        plant.now += 1_000
        if isDeath {
            plant.hear(edge.seal(.deviceDeath, device: "d1", at: plant.now, []))
        } else {
            plant.hear(edge.seal(.deviceBirth, device: "d1", at: plant.now, [TestEdge.metric("torque", 6)]))
        }
        #expect(try plant.quality("g/e1/d1/speed") == .stale)
        plant.now += 1_000
        plant.hear(edge.data("d1/speed", 9, at: plant.now))
        #expect(try plant.device(of: "g/e1/d1/speed") == "g/e1")
        #expect(try plant.value("g/e1/d1/speed") == 9.0)
        #expect(try plant.quality("g/e1/d1/speed") == .good)
        // And the device, when it is back.
        plant.now += 1_000
        plant.hear(edge.seal(.deviceBirth, device: "d1", at: plant.now, [TestEdge.metric("speed", 4)]))
        #expect(try plant.device(of: "g/e1/d1/speed") == "g/e1/d1")
        #expect(try plant.value("g/e1/d1/speed") == 4.0)
        plant.hear(edge.data("d1/speed", 3, at: plant.now))
        #expect(try plant.value("g/e1/d1/speed") == 4.0)
    }

    // MARK: which route

    private static func routes() -> [RouteDraft] {
        var (one, two) = (
            RouteDraft(name: "one", topic: "spBv1.0/G1/#", payload: .sparkplug),
            RouteDraft(name: "two", topic: "spBv1.0/G2/#", payload: .sparkplug)
        )
        (one.unit, one.staleAfter) = ("a", 5_000)
        (two.unit, two.staleAfter) = ("b", 60_000)
        return [one, two]
    }

    @Test("After a restart a device has the route, the rules and the units of its own group", arguments: [true, false])
    func ownRoute(saysGroup: Bool) throws {
        var routes = Self.routes()
        // Without the group in the device the tree's record tells.
        if !saysGroup {
            routes[0].device = "plant/{edge}"
            routes[1].device = "plant/{edge}"
        }
        let device = saysGroup ? "G2/e1" : "plant/e1"
        var plant = try EdgePlant(routes: routes)
        var edge = TestEdge()
        edge.group = "G2"
        plant.hear(edge.birth(at: plant.now))
        #expect(try plant.unit(of: "\(device)/temperature") == "b")
        var next = try EdgePlant(routes: routes)
        next.seed(from: &plant)
        #expect(try next.unit(of: "\(device)/temperature") == "b")
        let known = try #require(next.plant.ingest.devices.id(of: try TagPath(device)))
        #expect(next.plant.ingest.devices[known].rules.staleAfter == 60_000)
        #expect(next.plant.ingest.devices[known].route == "two")
        #expect(try next.plant.defines(device: TagPath(device)))
        #expect(try next.plant.defines(device: TagPath("G3/e1")) == false)
    }

    @Test("Whoever claims a tag that only the tree knew gives it its unit and its deadband, also at the same device")
    func description() throws {
        var catchAll = RouteDraft(name: "others", topic: "g/e1/{name}", payload: .number)
        (catchAll.device, catchAll.unit) = ("g/e1", "K")
        var sparkplug = RouteDraft(name: "s", topic: "spBv1.0/#", payload: .sparkplug)
        sparkplug.unit = "°C"
        var plant = try EdgePlant(routes: [sparkplug, catchAll])
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        var next = try EdgePlant(routes: [sparkplug, catchAll])
        next.seed(from: &plant)
        #expect(try next.unit(of: "g/e1/temperature") == "°C")
        next.hear(("g/e1/temperature", Array("294.5".utf8)))
        #expect(try next.unit(of: "g/e1/temperature") == "K")
        #expect(try next.value("g/e1/temperature") == 294.5)
    }

    @Test("A route for everything does not have the edge nodes' tags after a restart", arguments: [true, false])
    func catchAll(isFirst: Bool) throws {
        var everything = RouteDraft(name: "everything", topic: "{x...}", payload: .json)
        everything.device = "{x}"
        everything.values = [.init("+", "/+")]
        let sparkplug = RouteDraft(name: "s", topic: "spBv1.0/#", payload: .sparkplug)
        // The first route that takes a topic has it, so this one cannot stand first for its own topics.
        var routes = [sparkplug, everything]
        if isFirst {
            everything.topic = "g/{x...}"
            everything.device = "g/{x}"
            routes = [everything, sparkplug]
        }
        var plant = try EdgePlant(routes: routes)
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        var next = try EdgePlant(routes: routes)
        next.seed(from: &plant)
        #expect(try next.device(of: "g/e1/temperature") == "g/e1")
        #expect(try next.device(of: "g/e1/d1/speed") == "g/e1/d1")
        next.now += 1_000
        next.hear(edge.birth(at: next.now))
        next.hear(edge.data("speed", 6, device: "d1", at: next.now))
        #expect(next.number("refusedMetrics") == 0)
        #expect(try next.value("g/e1/d1/speed") == 6.0)
        #expect(next.picture.keys == plant.picture.keys)
    }
}
