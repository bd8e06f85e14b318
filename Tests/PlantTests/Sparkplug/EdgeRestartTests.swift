import SparkplugB
import Testing

@testable import Plant

@Suite("Edge nodes of Sparkplug B: a gateway that was started after their births")
struct EdgeRestartTests {
    /// A gateway that has just been started, with what the tree has of edge nodes that are online; and these edge nodes.
    private static func restarted(_ edges: [TestEdge]) throws -> (plant: EdgePlant, edges: [TestEdge]) {
        var former = try EdgePlant()
        var edges = edges
        for index in edges.indices { former.hear(edges[index].birth(at: former.now)) }
        var next = try EdgePlant()
        for device in former.plant.takeChangedDevices(ownedBy: .max, limit: 100) {
            next.plant.seedDevice(device.record, at: next.now)
        }
        for write in former.plant.takeChanged(ownedBy: .max, limit: 100) {
            next.plant.seedTag(znodePath: write.znodePath, data: write.data, at: next.now)
        }
        next.now += 1_000
        return (next, edges)
    }

    private static var edges: [TestEdge] {
        var edge = TestEdge()
        edge.values = ["": [("temperature", 20)], "d1": [("speed", 5)], "d2": [("speed", 6)]]
        var other = TestEdge("e10")
        other.values = edge.values
        return [edge, other]
    }

    @Test("An NDEATH takes away what the tree knows of the edge node and its devices, and of no other")
    func nodeDeath() throws {
        var (plant, edges) = try Self.restarted(Self.edges)
        #expect(try plant.state("g/e1/d1") == .online)
        #expect(try plant.quality("g/e1/d1/speed") == .good)
        plant.effects = LivePlant.Effects()
        plant.hear(edges[0].death(at: plant.now))
        for device in ["g/e1", "g/e1/d1", "g/e1/d2"] { #expect(try plant.state(device) == .offline, "\(device)") }
        for tag in ["g/e1/temperature", "g/e1/d1/speed", "g/e1/d2/speed"] {
            #expect(try plant.quality(tag) == .stale, "\(tag)")
        }
        #expect(plant.effects.devicesChanged && plant.effects.tagsChanged)
        let changed = plant.plant.takeChangedDevices(ownedBy: .max, limit: 100).map(\.record)
        #expect(changed.map(\.device).sorted() == ["g/e1", "g/e1/d1", "g/e1/d2"])
        #expect(changed.allSatisfy { $0.state == .offline && $0.route == "s" })
        for device in ["g/e10", "g/e10/d1"] { #expect(try plant.state(device) == .online, "\(device)") }
        #expect(try plant.quality("g/e10/d1/speed") == .good)
        // The broker may have kept the death, and not the birth behind it: it is asked, and in the end taken for dead.
        let asked = plant.pass(1_200_000).filter { $0.edge == "e1" }
        #expect(asked.count == EdgeNodeRule().unansweredRequests && asked.allSatisfy { $0.reason == .unclearDeath })
        #expect(plant.pass(3_600_000).allSatisfy { $0.edge != "e1" })
        #expect(try plant.state("g/e1") == .offline)
        edges[0].birthNumber += 1
        plant.hear(edges[0].birth(at: plant.now))
        #expect(try plant.state("g/e1/d2") == .online)
        #expect(try plant.quality("g/e1/d2/speed") == .good)
    }

    @Test(
        "An edge node that goes on sending and gives no birth cannot be read: what the tree has of it is stale in the end"
    )
    func sendsAndObeysNothing() throws {
        var (plant, edges) = try Self.restarted(Self.edges)
        var asked = 0
        var waited = 0
        while try plant.state("g/e1/d1") == .online, waited < 600 {
            waited += 1
            plant.hear(edges[0].data("speed", Double(waited), device: "d1", at: plant.now))
            asked += plant.pass(1_000).count
        }
        #expect(asked == EdgeNodeRule().unansweredRequests + 1 && waited < 600)
        for device in ["g/e1", "g/e1/d1", "g/e1/d2"] { #expect(try plant.state(device) == .stale, "\(device)") }
        for tag in ["g/e1/temperature", "g/e1/d1/speed", "g/e1/d2/speed"] {
            #expect(try plant.quality(tag) == .stale, "\(tag)")
        }
        #expect(try plant.state("g/e10/d1") == .online)
        plant.hear(edges[0].birth(at: plant.now))
        #expect(try plant.state("g/e1/d1") == .online)
        #expect(try plant.quality("g/e1/d1/speed") == .good)
    }

    @Test("A death in the middle, when some devices have been born here, is that of all")
    func partlyBorn() throws {
        var (plant, edges) = try Self.restarted(Self.edges)
        plant.hear(edges[0].birth(at: plant.now).filter { !$0.topic.hasSuffix("/d2") })
        #expect(try plant.state("g/e1/d2") == .online)
        plant.hear(edges[0].death(at: plant.now))
        for device in ["g/e1", "g/e1/d1", "g/e1/d2"] { #expect(try plant.state(device) == .offline, "\(device)") }
    }

    @Test("A death of which nobody has heard before makes nothing known")
    func unknown() throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        plant.hear(edge.death(at: plant.now))
        plant.hear(edge.seal(.deviceDeath, device: "d1", at: plant.now, []))
        plant.pass(3_000)
        #expect(plant.number("devices") == 0)
        #expect(plant.number("tags") == 0)
    }

    @Test("A DDEATH takes away that device alone, once no birth can explain it any more")
    func deviceDeath() throws {
        var (plant, edges) = try Self.restarted(Self.edges)
        plant.hear(edges[0].seal(.deviceDeath, device: "d1", at: plant.now, []))
        plant.pass(2_250, asks: false)
        #expect(try plant.state("g/e1/d1") == .offline)
        #expect(try plant.quality("g/e1/d1/speed") == .stale)
        #expect(try plant.state("g/e1/d2") == .online)
        #expect(try plant.quality("g/e1/d2/speed") == .good)
        #expect(try plant.state("g/e1") == .online)
        // The births that are asked for leave it out.
        #expect(plant.pass(1_000).map(\.edge) == ["e1"])
        edges[0].values["d1"] = nil
        plant.hear(edges[0].birth(at: plant.now))
        plant.pass(20_000)
        #expect(try plant.state("g/e1/d1") == .offline)
        #expect(try plant.state("g/e1/d2") == .online)
    }

    @Test("Devices and metrics that are not in the births are stale when these are over")
    func leftOut() throws {
        var (plant, edges) = try Self.restarted(Self.edges)
        edges[0].values = ["": [("pressure", 1)], "d1": [("torque", 5)]]
        plant.hear(edges[0].birth(at: plant.now))
        plant.pass(9_750)
        #expect(try plant.state("g/e1/d2") == .online)
        #expect(try plant.quality("g/e1/d1/speed") == .good)
        plant.pass(500)
        #expect(try plant.state("g/e1/d2") == .stale)
        for tag in ["g/e1/temperature", "g/e1/d1/speed", "g/e1/d2/speed"] {
            #expect(try plant.quality(tag) == .stale, "\(tag)")
        }
        for tag in ["g/e1/pressure", "g/e1/d1/torque"] { #expect(try plant.quality(tag) == .good, "\(tag)") }
        #expect(try plant.state("g/e1/d1") == .online)
        #expect(try plant.quality("g/e10/d2/speed") == .good)
        // What is said later is taken.
        edges[0].values = Self.edges[0].values
        plant.hear(edges[0].birth(at: plant.now))
        #expect(try plant.quality("g/e1/d2/speed") == .good)
        #expect(try plant.quality("g/e1/temperature") == .good)
        #expect(plant.number("refusedMetrics") == 0)
    }

    @Test("An edge node whose first message after the start is its last one is stale with what the tree knows of it")
    func silent() throws {
        var (plant, edges) = try Self.restarted(Self.edges)
        plant.hear(edges[0].data("temperature", 21, at: plant.now))
        #expect(plant.pass(600_000).count > 3)
        for device in ["g/e1", "g/e1/d1", "g/e1/d2"] { #expect(try plant.state(device) == .stale, "\(device)") }
        for tag in ["g/e1/temperature", "g/e1/d1/speed"] { #expect(try plant.quality(tag) == .stale, "\(tag)") }
        #expect(try plant.state("g/e10/d1") == .online)
        plant.hear(edges[0].birth(at: plant.now))
        #expect(try plant.state("g/e1/d2") == .online)
    }

    @Test("The end of the births and a new value, released by one message: each is its own device's")
    func mixed() throws {
        var (plant, edges) = try Self.restarted(Self.edges)
        edges[0].values["d2"] = nil
        plant.hear(edges[0].birth(at: plant.now))
        plant.now += 20_000
        plant.hear(edges[0].data("temperature", 33, at: plant.now))
        #expect(try plant.state("g/e1/d2") == .stale)
        #expect(try plant.state("g/e1") == .online)
        #expect(try plant.value("g/e1/temperature") == 33.0)
        #expect(try plant.quality("g/e1/temperature") == .good)
    }
}
