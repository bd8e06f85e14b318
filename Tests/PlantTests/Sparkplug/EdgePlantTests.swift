import SparkplugB
import Testing

@testable import Plant

@Suite("Edge nodes of Sparkplug B")
struct EdgePlantTests {
    // Assertions: operational-behavior-edge-node-termination-host-action-ndeath-node-offline,
    // operational-behavior-edge-node-termination-host-action-ndeath-node-tags-stale,
    // operational-behavior-edge-node-termination-host-action-ndeath-devices-offline,
    // operational-behavior-edge-node-termination-host-action-ndeath-devices-tags-stale
    @Test("births make devices and tags, data changes them, and a death takes them away, until the next birth")
    func life() throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        #expect(try plant.value("g/e1/temperature") == 20.0)
        #expect(try plant.value("g/e1/d1/speed") == 5.0)
        #expect(try plant.quality("g/e1/d1/speed") == .good)
        #expect(try plant.state("g/e1") == .online)
        #expect(try plant.state("g/e1/d1") == .online)
        plant.now += 1_000
        plant.hear(edge.data("speed", 6, device: "d1", at: plant.now))
        #expect(try plant.value("g/e1/d1/speed") == 6.0)
        plant.now += 1_000
        plant.hear(edge.death(at: plant.now))
        #expect(try plant.state("g/e1") == .offline)
        #expect(try plant.state("g/e1/d1") == .offline)
        #expect(try plant.quality("g/e1/temperature") == .stale)
        #expect(try plant.quality("g/e1/d1/speed") == .stale)
        #expect(try plant.value("g/e1/d1/speed") == 6.0)
        #expect(plant.pass(60_000).isEmpty)
        edge.birthNumber += 1
        plant.hear(edge.birth(at: plant.now))
        #expect(try plant.state("g/e1/d1") == .online)
        #expect(try plant.quality("g/e1/d1/speed") == .good)
        #expect(plant.number("births") == 4)
        #expect(plant.number("edgeNodes") == 1)
    }

    // Assertions: operational-behavior-edge-node-termination-host-action-ddeath-devices-offline,
    // operational-behavior-edge-node-termination-host-action-ddeath-devices-tags-stale
    @Test("a device's own death takes away its tags alone")
    func deviceDeath() throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        plant.hear(edge.seal(.deviceDeath, device: "d1", at: plant.now, []))
        #expect(try plant.state("g/e1/d1") == .offline)
        #expect(try plant.quality("g/e1/d1/speed") == .stale)
        #expect(try plant.state("g/e1") == .online)
        #expect(try plant.quality("g/e1/temperature") == .good)
    }

    // Assertions: topic-structure-namespace-unique-edge-node-descriptor, topic-structure-namespace-unique-device-id,
    // topic-structure-namespace-duplicate-device-id-across-edge-node, case-sensitivity-sparkplug-ids
    @Test("An edge node is its group and its id, a device its edge node and its id, each in the case of its letters")
    func identities() throws {
        var plant = try EdgePlant()
        var edges = [TestEdge("e1"), TestEdge("E1"), TestEdge("e1")]
        edges[2].group = "h"
        for index in edges.indices {
            edges[index].values = ["": [("temperature", 20)], "d1": [("speed", Double(index))], "D1": [("speed", 9)]]
            plant.hear(edges[index].birth(at: plant.now))
        }
        #expect(plant.number("edgeNodes") == 3)
        plant.now += 1_000
        plant.hear(edges[0].death(at: plant.now))
        plant.hear(edges[2].seal(.deviceDeath, device: "d1", at: plant.now, []))
        for (device, state, value) in [
            ("g/e1", .offline, nil), ("g/e1/d1", .offline, 0), ("g/E1", .online, nil), ("g/E1/d1", .online, 1),
            ("h/e1", .online, nil), ("h/e1/d1", .offline, 2), ("h/e1/D1", .online, 9),
        ] as [(String, DeviceState, Double?)] {
            #expect(try plant.state(device) == state, "\(device)")
            if let value { #expect(try plant.value("\(device)/speed") == .number(value), "\(device)") }
        }
    }

    @Test("A metric that the next birth leaves out is stale")
    func leftOut() throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        edge.values["d1"] = [("torque", 1)]
        plant.now += 1_000
        plant.hear(edge.birth(at: plant.now))
        #expect(try plant.quality("g/e1/d1/speed") == .stale)
        #expect(try plant.quality("g/e1/d1/torque") == .good)
    }

    @Test("A value above its limit raises, and so does one that waited for the message before it")
    func alarms() throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        plant.now += 1_000
        let first = edge.data("temperature", 30, at: plant.now)
        let second = edge.data("temperature", 90, at: plant.now + 1)
        plant.now += 10
        plant.hear(second)
        #expect(plant.plant.pendingTransitionCount == 0)
        plant.hear(first)
        #expect(try plant.value("g/e1/temperature") == 90.0)
        #expect(plant.plant.pendingTransitionCount == 1)
        #expect(plant.effects.alarmsPending)
        #expect(plant.number("reordered") == 1)
    }

    @Test("What is missing is waited for no longer than the window, and then asked for")
    func gap() throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        _ = edge.data("temperature", 30, at: plant.now)
        plant.now += 1_000
        plant.hear(edge.data("temperature", 90, at: plant.now))
        #expect(try plant.value("g/e1/temperature") == 20.0)
        let requests = plant.pass(3_000)
        #expect(try plant.value("g/e1/temperature") == 90.0)
        #expect(plant.plant.pendingTransitionCount == 1)
        #expect(requests.map(\.topic) == ["spBv1.0/g/NCMD/e1"])
        #expect(requests.map(\.reason) == [.gap])
        plant.hear(edge.birth(at: plant.now))
        #expect(plant.pass(120_000).isEmpty)
    }

    @Test(
        "Setting the gateway's clock changes nothing of how long a message waits", arguments: [-3_600_000, 3_600_000])
    func clockLeap(leap: Milliseconds) throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        _ = edge.data("temperature", 30, at: plant.now)
        plant.pass(1_000)
        plant.hear(edge.data("temperature", 40, at: plant.now))
        plant.now += leap
        plant.plant.clockLeapt(by: leap, at: plant.now)
        plant.pass(1_750)
        #expect(try plant.value("g/e1/temperature") == 20.0)
        plant.pass(500)
        #expect(try plant.value("g/e1/temperature") == 40.0)
        let entry = try #require(try plant.entry("g/e1/temperature"))
        #expect(abs(entry.receivedTime - plant.now) <= 3_000)
    }

    @Test("What waits when the broker is lost is taken")
    func brokerLost() throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        _ = edge.data("temperature", 30, at: plant.now)
        plant.now += 100
        plant.hear(edge.data("temperature", 90, at: plant.now))
        plant.plant.brokerLost(at: plant.now)
        #expect(try plant.value("g/e1/temperature") == 90.0)
        #expect(plant.plant.advance(to: plant.now).alarmsPending)
        plant.plant.brokerConnected(at: plant.now)
        // Nothing is heard: the edge node is asked, and in the end called stale.
        let requests = plant.pass(600_000)
        #expect(requests.first?.reason == .gap)
        #expect(try plant.state("g/e1/d1") == .stale)
        #expect(try plant.quality("g/e1/temperature") == .stale)
    }

    @Test("The past is neither the latest value nor a cause of an alarm")
    func historical() throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        plant.now += 1_000
        var metric = TestEdge.metric("temperature", 99, at: plant.now)
        metric.isHistorical = true
        plant.hear(edge.seal(.nodeData, at: plant.now, [metric]))
        #expect(try plant.value("g/e1/temperature") == 20.0)
        #expect(plant.plant.pendingTransitionCount == 0)
        #expect(plant.number("historicalValues") == 1)
        metric.isHistorical = false
        metric.isTransient = true
        plant.hear(edge.seal(.nodeData, at: plant.now, [metric]))
        #expect(try plant.value("g/e1/temperature") == 99.0)
        #expect(plant.plant.pendingTransitionCount == 1)
    }

    @Test(
        "Qualities of the edge node are qualities of the tag",
        arguments: [
            (SparkplugQuality.good, Quality.good), (.bad, .bad), (.stale, .stale), (.uncertain, .uncertain),
        ])
    func quality(told: SparkplugQuality, expected: Quality) throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        plant.now += 1_000
        var metric = TestEdge.metric("temperature", 21)
        metric.properties = SparkplugPropertySet(quality: told)
        plant.hear(edge.seal(.nodeData, at: plant.now, [metric]))
        #expect(try plant.quality("g/e1/temperature") == expected)
        let isTaken = expected == .good || expected == .uncertain
        #expect(try plant.value("g/e1/temperature") == (isTaken ? 21.0 : 20.0))
    }

    @Test("null is bad, and the value before stays")
    func null() throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        plant.now += 1_000
        var metric = TestEdge.metric("temperature", 0)
        metric.value = nil
        metric.isNull = true
        plant.hear(edge.seal(.nodeData, at: plant.now, [metric]))
        #expect(try plant.quality("g/e1/temperature") == .bad)
    }

    // Assertions: topics-nbirth-mqtt, topics-dbirth-mqtt, topics-ndata-mqtt, topics-ddata-mqtt, topics-ddeath-mqtt,
    // payloads-ndeath-will-message-retain
    @Test("What hosts say is ignored, what is no topic of Sparkplug B is refused, and what was kept says nothing")
    func others() throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        let request = SparkplugCommand.rebirth(at: plant.now)
        for topic in ["spBv1.0/g/NCMD/e1", "spBv1.0/g/DCMD/e1/d1", "spBv1.0/STATE/host"] {
            plant.hear((topic, request))
            plant.hear((topic, request))
        }
        #expect(plant.number("ignored") == 6)
        plant.hear(("spBv1.0/g/NOTHING/e1", request))
        #expect(plant.outcomes.last?.result == .refused(.sparkplug(.unknownType)))
        plant.hear(edge.birth(at: plant.now), retained: true)
        plant.hear(
            [
                edge.data("temperature", 21, at: plant.now), edge.data("speed", 6, device: "d1", at: plant.now),
                edge.seal(.deviceDeath, device: "d1", at: plant.now, []), edge.death(at: plant.now),
            ], retained: true)
        #expect(plant.number("ignored") == 12)
        #expect(plant.number("unrouted") == 0)
        #expect(plant.number("tags") == 0)
    }

    @Test("Names that are no tags, and a tag that another device has, cost themselves alone")
    func refusedNames() throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        edge.values = ["": [("a+b", 1), ("temperature", 20), ("d1/speed", 7)], "d1": [("speed", 5), ("torque", 6)]]
        plant.hear(edge.birth(at: plant.now))
        #expect(try plant.value("g/e1/temperature") == 20.0)
        #expect(try plant.value("g/e1/d1/speed") == 5.0)
        #expect(try plant.value("g/e1/d1/torque") == 6.0)
        #expect(plant.number("refusedMetrics") == 1)
        plant.hear(edge.data("d1/speed", 8, at: plant.now))
        #expect(plant.number("refusedMetrics") == 2)
        #expect(plant.outcomes.last?.result == .undecodable(.otherDevice(metric: "d1/speed")))
        plant.hear(edge.data("temperature", 21, at: plant.now))
        #expect(try plant.value("g/e1/d1/speed") == 5.0)
        #expect(try plant.value("g/e1/temperature") == 21.0)
    }

    @Test("A silent device is stale after the route's time, and data brings it back")
    func staleAfter() throws {
        var plant = try EdgePlant { $0.staleAfter = 30_000 }
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        plant.pass(20_000)
        plant.hear(edge.data("temperature", 21, at: plant.now))
        plant.pass(20_000)
        #expect(try plant.state("g/e1/d1") == .stale)
        #expect(try plant.quality("g/e1/d1/speed") == .stale)
        #expect(try plant.state("g/e1") == .online)
        plant.hear(edge.data("speed", 6, device: "d1", at: plant.now))
        #expect(try plant.state("g/e1/d1") == .online)
        #expect(try plant.quality("g/e1/d1/speed") == .good)
    }

    @Test("The device is named by the template, units come from the route")
    func template() throws {
        var plant = try EdgePlant {
            $0.topic = "spBv1.0/g/#"
            $0.device = "plant/{edge}"
            $0.units = [.init("plant/+/temperature", "°C")]
        }
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        #expect(try plant.value("plant/e1/d1/speed") == 5.0)
        let tag = try #require(plant.plant.tags.id(of: try TagPath("plant/e1/temperature")))
        #expect(plant.plant.tags[tag].unit == "°C")
    }

    @Test("A data message alone says that a birth is needed")
    func dataBeforeBirth() throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        _ = edge.birth(at: plant.now)
        plant.hear(edge.data("temperature", 21, at: plant.now))
        plant.pass(3_000)
        #expect(plant.number("rebirthsRequested") == 1)
        plant.hear(edge.data("temperature", 22, at: plant.now))
        #expect(plant.outcomes.last?.flaw?.failure == .birthNeeded(.dataBeforeBirth))
        #expect(plant.number("tags") == 0)
    }

    @Test("A gateway that starts again knows the tags from the tree, and their devices")
    func restart() throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        let writes = plant.plant.takeChanged(ownedBy: .max, limit: 100)
        let devices = plant.plant.takeChangedDevices(ownedBy: .max, limit: 100)
        var next = try EdgePlant()
        for device in devices { next.plant.seedDevice(device.record, at: next.now) }
        for write in writes { next.plant.seedTag(znodePath: write.znodePath, data: write.data, at: next.now) }
        #expect(writes.count == 2)
        #expect(try next.value("g/e1/d1/speed") == 5.0)
        let tag = try #require(next.plant.tags.id(of: try TagPath("g/e1/d1/speed")))
        #expect(next.plant.ingest.devices[next.plant.tags[tag].device].path.text == "g/e1/d1")
        #expect(try next.plant.defines(device: TagPath("g/e1/d1")))
        #expect(try next.plant.defines(tag: TagPath("g/e1/d1/other")))
        next.now += 1_000
        next.hear(edge.birth(at: next.now))
        #expect(try next.state("g/e1/d1") == .online)
        #expect(next.number("refusedMetrics") == 0)
        #expect(next.number("tags") == 2)
    }

    private static func restarted(_ plant: inout EdgePlant) throws -> EdgePlant {
        var next = try EdgePlant()
        next.seed(from: &plant)
        return next
    }

    @Test("After a restart a tag is its own device's, although it lies below another one, whichever is born first")
    func rehoming() throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        edge.values = ["": [("temperature", 20), ("d1/speed", 7)], "d1": [("torque", 6)]]
        plant.hear(edge.birth(at: plant.now))
        var next = try Self.restarted(&plant)
        let tag = try #require(next.plant.tags.id(of: try TagPath("g/e1/d1/speed")))
        func device() -> String { next.plant.ingest.devices[next.plant.tags[tag].device].path.text }
        #expect(device() == "g/e1/d1")
        next.now += 1_000
        next.hear(edge.birth(at: next.now))
        #expect(device() == "g/e1")
        #expect(next.number("refusedMetrics") == 0)
        // It is written by the owner of its own device's shard, and by no other.
        let (own, other) = (ShardMap.shard(of: try TagPath("g/e1")), ShardMap.shard(of: try TagPath("g/e1/d1")))
        #expect(own != other && next.plant.tags[tag].shard == own)
        let others = next.plant.takeChanged(ownedBy: ~(1 << UInt64(own)), limit: 100)
        #expect(!others.contains { $0.tag == tag })
        #expect(next.plant.takeChanged(ownedBy: 1 << UInt64(own), limit: 100).contains { $0.tag == tag })
        // It falls silent with its own device.
        next.hear(edge.seal(.deviceDeath, device: "d1", at: next.now, []))
        #expect(try next.quality("g/e1/d1/speed") == .good)
        #expect(try next.quality("g/e1/d1/torque") == .stale)
        next.hear(edge.death(at: next.now))
        #expect(try next.quality("g/e1/d1/speed") == .stale)
    }

    @Test(
        "A tag that waits to be written when it turns out to be another device's is written once, in that one's shard")
    func rehomedWhileChanged() throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        edge.values = ["": [("d1/speed", 7)], "d1": [("torque", 6)]]
        plant.hear(edge.birth(at: plant.now))
        var next = try Self.restarted(&plant)
        let tag = try #require(next.plant.tags.id(of: try TagPath("g/e1/d1/speed")))
        next.plant.writeFailed([tag])
        #expect(next.plant.unwrittenShards == 1 << UInt64(next.plant.tags[tag].shard))
        next.hear(edge.birth(at: next.now))
        let writes = next.plant.takeChanged(ownedBy: .max, limit: 100).filter { $0.tag == tag }
        #expect(writes.map(\.shard) == [ShardMap.shard(of: try TagPath("g/e1"))])
        #expect(next.plant.unwrittenShards == 0)
    }

    @Test("A metric that was refused is tried again with the next birth, and not before")
    func triedAgain() throws {
        var limits = IngestLimits()
        limits.tags = 1
        var plant = try EdgePlant(limits: limits)
        var edge = TestEdge()
        edge.values = ["": [("a", 1), ("b", 2)]]
        plant.hear(edge.birth(at: plant.now))
        #expect(plant.number("refusedMetrics") == 1)
        plant.hear(edge.data("b", 3, at: plant.now))
        #expect(plant.number("refusedMetrics") == 1)
        plant.now += 1_000
        plant.hear(edge.birth(at: plant.now))
        #expect(plant.number("refusedMetrics") == 2)
        #expect(plant.outcomes.last?.flaw?.failure == .refused(.tooManyTags))
    }
}
