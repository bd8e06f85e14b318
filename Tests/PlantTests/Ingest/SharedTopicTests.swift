import Testing

@testable import Plant

@Suite("Topics that several routes share")
struct SharedTopicTests {
    /// One message about two pumps and the room that they stand in.
    private static func routes(_ change: (inout [RouteDraft]) -> Void = { _ in }) -> [RouteDraft] {
        var routes = [
            RouteDraft(
                name: "first", topic: "plc/{n}", continues: true, device: "plc/{n}/pump1",
                values: [.init("pump1/p", "/p1")], time: "/ts", staleAfter: 10_000),
            RouteDraft(
                name: "second", topic: "plc/{n}", continues: true, device: "plc/{n}/pump2",
                values: [.init("pump2/p", "/p2")], time: "/ts2"),
            RouteDraft(
                name: "rest", topic: "plc/#", device: "plc",
                values: [.init("#", .init(at: "/#", except: ["p1", "p2", "ts", "ts2"]))]),
        ]
        change(&routes)
        return routes
    }

    /// All parts of one message.
    private static func send(_ plant: inout IngestHarness, _ topic: String, _ payload: String) -> [MessageOutcome] {
        var outcomes = [plant.send(topic, payload)]
        while plant.ingest.hasFurtherParts {
            outcomes.append(
                plant.ingest.furtherPart(
                    Array(topic.utf8).span, Array(payload.utf8).span, retained: false, receivedAt: plant.now,
                    into: &plant.samples))
        }
        return outcomes
    }

    @Test("Each route has its part: its tags, its device, its time")
    func parts() throws {
        var plant = try IngestHarness(Self.routes())
        let payload = #"{"p1":1,"p2":2,"room":{"t":20},"ts":1699999999000,"ts2":1699999998000}"#
        for round in 0..<2 {
            let outcomes = Self.send(&plant, "plc/a", payload)
            #expect(outcomes.map(\.result) == [.samples(1), .samples(1), .samples(1)])
            #expect(outcomes.map(\.isNewDevice) == Array(repeating: round == 0, count: 3))
            #expect(
                outcomes.map { $0.device.map { plant.ingest.devices[$0].path.text } } == [
                    "plc/a/pump1", "plc/a/pump2", "plc",
                ])
            #expect(Set(outcomes.map(\.topic)).count == 3)
            #expect(plant.values == ["plc/a/pump1/p": 1, "plc/a/pump2/p": 2, "plc/a/room/t": 20])
            #expect(plant.samples.map(\.hasSourceTime) == [true, true, false])
            #expect(!plant.ingest.hasFurtherParts)
        }
        #expect(plant.ingest.counters.messages == 2)
        #expect(plant.ingest.route(ofTopic: 0)?.name == "first" && plant.ingest.route(ofTopic: 2)?.name == "rest")
    }

    @Test("A part that cannot be read costs itself alone")
    func unreadable() throws {
        var plant = try IngestHarness(Self.routes())
        var outcomes = Self.send(&plant, "plc/a", #"{"p1":1}"#)
        #expect(outcomes.map(\.result) == [.samples(1), .undecodable(.missing), .samples(0)])
        outcomes = Self.send(&plant, "plc/a", "x")
        #expect(outcomes.allSatisfy { if case .undecodable = $0.result { true } else { false } })
        #expect(plant.samples.map(\.quality) == [.bad, .bad])
        outcomes = Self.send(&plant, "plc/a", "")
        #expect(outcomes.map(\.result) == [.empty, .empty, .empty])
    }

    @Test("Without continue the first has the topic; a route that says nothing ends the list")
    func order() throws {
        var alone = try IngestHarness(Self.routes { $0[0].continues = false })
        #expect(Self.send(&alone, "plc/a", #"{"p1":1,"p2":2}"#).count == 1)
        #expect(Self.send(&alone, "plc/a/b", #"{"p1":1,"p2":2,"x":3}"#).count == 1, "the last one has what is its own")
        #expect(alone.values == ["plc/a/b/x": 3])
        var ended = try IngestHarness(
            Self.routes { $0.insert(RouteDraft(name: "n", topic: "plc/a", payload: .nothing), at: 1) })
        #expect(Self.send(&ended, "plc/a", #"{"p1":1,"p2":2}"#).count == 1)
        #expect(Self.send(&ended, "plc/b", #"{"p1":1,"p2":2,"x":3}"#).count == 3)
    }

    @Test("What has no room is counted, and the others have theirs")
    func bounds() throws {
        var limits = IngestLimits()
        limits.tags = 1
        var plant = try IngestHarness(Self.routes(), limits: limits)
        let outcomes = Self.send(&plant, "plc/a", #"{"p1":1,"p2":2}"#)
        #expect(outcomes.map(\.result) == [.samples(1), .samples(0)] && plant.ingest.counters.tableFull == 1)
        #expect(Self.send(&plant, "plc/a", #"{"p1":1,"p2":2}"#).map(\.result) == [.samples(1), .samples(0)])
    }

    @Test("After a restart each tag finds its route, and messages find the tags")
    func restart() throws {
        var plant = try IngestHarness(Self.routes())
        for device in ["plc", "plc/a/pump1", "plc/a/pump2"] { _ = try plant.device(device) }
        let room = try #require(try plant.tag("plc/a/room/t"))
        let second = try #require(try plant.tag("plc/a/pump2/p"))
        #expect(plant.ingest.devices[plant.ingest.tags[room].device].path.text == "plc")
        #expect(plant.ingest.devices[plant.ingest.tags[second].device].path.text == "plc/a/pump2")
        let outcomes = Self.send(&plant, "plc/a", #"{"p1":1,"p2":2,"room":{"t":20}}"#)
        #expect(outcomes.map(\.result) == [.samples(1), .samples(1), .samples(1)])
        #expect(plant.samples.map(\.tag).contains(room) && plant.samples.map(\.tag).contains(second))
        #expect(plant.ingest.tags.count == 3)
    }

    @Test("One part falls silent by its own time, alarms see every part, and the outcome tells of all")
    func live() throws {
        let routes = try Self.routes().map { try $0.checked() }
        var plant = try LivePlant(
            routes: routes,
            alarms: [
                AlarmDefinition(
                    name: "high", tags: try TopicFilter("plc/+/pump2/p"), high: AlarmLimit(limit: 5, priority: .high))
            ])
        var effects = LivePlant.Effects()
        var shown: [String] = []
        let start = LivePlantFixture.start
        _ = plant.heard(through: start, at: start)
        let outcome = plant.messageReceived(
            topic: Array("plc/a".utf8).span, payload: Array(#"{"p1":1,"p2":9,"x":"y"}"#.utf8).span, retained: false,
            receivedAt: start, effects: &effects, observe: { shown.append("\($0.value?.description ?? "-")") })
        #expect(outcome?.result == .samples(3) && shown == ["1", "9", "y"])
        #expect(effects.alarmsPending && effects.devicesChanged)
        for second in 1...20 { _ = plant.advance(to: start + Int64(second) * 1_000, raisesUnheard: false) }
        #expect(plant.value(of: try TagPath("plc/a/pump1/p"))?.quality == .stale)
        #expect(plant.value(of: try TagPath("plc/a/pump2/p"))?.quality == .good)
    }
}
