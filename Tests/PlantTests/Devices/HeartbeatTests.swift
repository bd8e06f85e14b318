import Testing

@testable import Plant

/// A device that promises to be heard often, and keeps the promise or breaks it.
@Suite("Heartbeats")
struct HeartbeatTests {
    /// A pump that beats on `f/pump/beat`, and says its values on `f/pump/v/<metric>`.
    struct Pump {
        static let start = LivePlantFixture.start
        var plant: LivePlant
        var now: Milliseconds = 0
        var effects = LivePlant.Effects()

        init(
            online: String? = nil, offline: String = "offline", value: String? = nil, heartbeat: Milliseconds = 30_000,
            staleAfter: Milliseconds? = nil, reporting: RouteDefinition.Reporting? = .onChange,
            flapping: FlappingDamping? = nil, onDelay: Milliseconds = 0
        ) throws {
            plant = try LivePlant(
                routes: [
                    try RouteDraft(
                        name: "pumps", topic: "f/{pump}/v/{metric}", device: "f/{pump}", payload: .number,
                        staleAfter: staleAfter, reporting: reporting,
                        presence: .init(
                            topic: "{device}/beat", online: online, offline: offline, value: value, heartbeat: heartbeat
                        ), flapping: flapping
                    ).checked()
                ],
                alarms: [
                    AlarmDefinition(
                        name: "hot", tags: try TopicFilter("f/+/v/t"), high: AlarmLimit(limit: 85, priority: .high),
                        deadband: 2, onDelay: onDelay, offDelay: onDelay)
                ])
        }

        var clock: Milliseconds { Self.start + now }

        @discardableResult
        mutating func hear(_ topic: String, _ payload: String, retained: Bool = false) -> MessageOutcome? {
            let (topic, payload) = (Array(topic.utf8), Array(payload.utf8))
            let outcome = plant.messageReceived(
                topic: topic.span, payload: payload.span, retained: retained, receivedAt: clock, effects: &effects)
            _ = plant.heard(through: clock, at: clock)
            return outcome
        }

        @discardableResult
        mutating func beat(_ payload: String = "", retained: Bool = false) -> MessageOutcome.Result? {
            hear("f/pump/beat", payload, retained: retained)?.result
        }

        mutating func pass(_ time: Milliseconds) {
            let end = now + time
            while now < end {
                now = min(end, now + 500)
                let effects = plant.advance(to: clock)
                if effects.devicesChanged { self.effects.devicesChanged = true }
            }
        }

        func state() throws -> DeviceState? {
            plant.ingest.devices.id(of: try TagPath("f/pump")).map { plant.ingest.devices.state(of: $0).state }
        }

        func quality(_ metric: String) throws -> Quality? {
            plant.value(of: try TagPath("f/pump/v/\(metric)"))?.quality
        }

        func verdict() throws -> Interlock.Verdict {
            try Interlock("f/pump/v/closed == 1").verdict(
                [plant.interlockReading(of: try TagPath("f/pump/v/closed"))], device: try TagPath("f/pump"), at: clock)
        }

        mutating func written() -> [DeviceRecord] {
            plant.takeChangedDevices(ownedBy: .max, limit: 100).map(\.record)
        }
    }

    @Test("any payload is a heartbeat, even none, and the first one makes the device known")
    func anyPayload() throws {
        for payload in ["", "17", #"{"uptime":5}"#, "1700000000", "alive", "\u{0}"] {
            var pump = try Pump()
            #expect(pump.beat(payload) == .presence(isOnline: true), "\(payload)")
            #expect(try pump.state() == .online)
            #expect(pump.written().map(\.state) == [.online])
        }
    }

    @Test("beats keep a device online; the limit itself is the time, and the tags go with the device")
    func missed() throws {
        var pump = try Pump()
        pump.hear("f/pump/v/closed", "1")
        for _ in 0..<10 {
            pump.pass(29_500)
            pump.beat()
        }
        #expect(try pump.state() == .online)
        #expect(try pump.quality("closed") == .good, "it speaks when it changes, and its device beats")
        #expect(try pump.verdict() == .satisfied)
        pump.pass(30_000)
        #expect(try pump.state() == .online)
        pump.pass(500)
        #expect(try pump.state() == .offline)
        #expect(try pump.quality("closed") == .stale)
        #expect(try pump.verdict() == .refused("interlock: f/pump/v/closed is stale"))
        #expect(pump.effects.devicesChanged && pump.written().map(\.state) == [.offline])
        // Nobody knows whether it has changed meanwhile.
        pump.beat()
        #expect(try pump.state() == .online)
        #expect(try pump.quality("closed") == .stale)
        pump.hear("f/pump/v/closed", "1")
        #expect(try pump.verdict() == .satisfied)
    }

    @Test("a live value is a sign of life, and ends a silence that beats have broken")
    func valuesCount() throws {
        var pump = try Pump()
        pump.beat()
        for _ in 0..<10 {
            pump.pass(20_000)
            pump.hear("f/pump/v/t", "20")
        }
        #expect(try pump.state() == .online, "no beat has come for 200 s")
        pump.pass(40_000)
        #expect(try pump.state() == .offline)
        pump.hear("f/pump/v/t", "rubbish")
        #expect(try pump.state() == .online)
    }

    @Test("a last will on the same topic says at once what silence would say later")
    func lastWill() throws {
        var pump = try Pump()
        pump.beat("1")
        #expect(pump.beat("offline") == .presence(isOnline: false))
        #expect(try pump.state() == .offline)
        pump.beat("2")
        #expect(try pump.state() == .online)
        #expect(pump.beat("offline", retained: true) == .presence(isOnline: false))
        #expect(try pump.state() == .offline)
    }

    @Test("where the route names the word of a heartbeat, other words are mistakes and no payload is none")
    func word() throws {
        var pump = try Pump(online: "alive")
        #expect(pump.beat("") == .empty)
        #expect(try pump.state() == nil, "a cleared message is no reason to know a device")
        pump.beat("alive")
        pump.pass(20_000)
        #expect(pump.beat("17") == .undecodable(.unknownPresence))
        #expect(pump.beat("") == .empty)
        pump.pass(10_500)
        #expect(try pump.state() == .offline)
        #expect(pump.beat("alive") == .presence(isOnline: true))
    }

    @Test("a word within a document; a document without it is a heartbeat where any payload is one")
    func wordInDocument() throws {
        var any = try Pump(offline: "false", value: "/up")
        #expect(any.beat(#"{"up":true}"#) == .presence(isOnline: true))
        #expect(any.beat(#"{"up":false}"#) == .presence(isOnline: false))
        #expect(any.beat(#"{"n":7}"#) == .presence(isOnline: true))
        #expect(any.beat("{") == .presence(isOnline: true))
        var named = try Pump(online: "true", offline: "false", value: "/up")
        #expect(named.beat(#"{"up":true}"#) == .presence(isOnline: true))
        #expect(named.beat(#"{"n":7}"#) == .undecodable(.unknownPresence))
    }

    @Test(
        "what the broker had kept is no heartbeat: it neither brings a device back nor keeps it",
        arguments: [true, false])
    func kept(isFirst: Bool) throws {
        var pump = try Pump()
        if !isFirst { pump.beat() }
        pump.pass(20_000)
        #expect(pump.beat("17", retained: true) == .keptHeartbeat)
        #expect(try pump.state() == (isFirst ? .stale : .online))
        pump.pass(10_500)
        #expect(try pump.state() == (isFirst ? .stale : .offline))
        pump.pass(20_000)
        #expect(try pump.state() == .offline, "a device that is known only from what the broker had kept has its time")
        pump.beat("18", retained: true)
        #expect(try pump.state() == .offline)
        pump.beat("19")
        #expect(try pump.state() == .online)
    }

    @Test("without a heartbeat, a birth message that the broker had kept counts as before")
    func keptBirth() throws {
        var world = try IngestHarness([
            RouteDraft(name: "r", topic: "f/{d}/{m}", device: "f/{d}", presence: .init(topic: "{device}/status"))
        ])
        #expect(world.send("f/d/status", "online", retained: true).deviceState == .online)
    }

    @Test("beside staleAfter, the shorter one decides first, and a stale device can become offline")
    func besideStaleAfter() throws {
        var early = try Pump(staleAfter: 10_000)
        early.beat()
        early.pass(10_500)
        #expect(try early.state() == .stale)
        early.pass(19_500)
        #expect(try early.state() == .stale)
        early.pass(500)
        #expect(try early.state() == .offline)
        var late = try Pump(heartbeat: 10_000, staleAfter: 30_000)
        late.hear("f/pump/v/t", "1")
        late.pass(10_500)
        #expect(try late.state() == .offline)
        late.pass(30_000)
        #expect(try late.state() == .offline)
        #expect(try late.quality("t") == .stale)
    }

    @Test("reporting: periodic makes a silent topic stale by itself, while beats keep the device")
    func periodicTopic() throws {
        var pump = try Pump(staleAfter: 60_000, reporting: .periodic)
        pump.hear("f/pump/v/t", "1")
        for _ in 0..<7 {
            pump.pass(10_000)
            pump.beat()
        }
        #expect(try pump.state() == .online)
        #expect(try pump.quality("t") == .stale)
    }

    @Test("a pause of the process and a leap of its clock are no silence")
    func pauseAndLeap() throws {
        var pump = try Pump()
        pump.beat()
        pump.now += 600_000
        pump.plant.wasPaused(for: 600_000, at: pump.clock)
        pump.pass(25_000)
        #expect(try pump.state() == .online)
        pump.beat()
        pump.now += 3_600_000
        pump.plant.clockLeapt(by: 3_600_000, at: pump.clock)
        pump.pass(25_000)
        #expect(try pump.state() == .online)
        pump.now -= 7_200_000
        pump.plant.clockLeapt(by: -7_200_000, at: pump.clock)
        pump.pass(5_000)
        #expect(try pump.state() == .online)
        pump.pass(1_000)
        #expect(try pump.state() == .offline)
    }

    /// Given a gateway that starts from the tree, when the device says nothing, then it has its whole time to beat, although no
    /// tag of it is known.
    @Test(
        "A start from the tree",
        arguments: [
            ("pumps", DeviceState.online, DeviceState.offline), ("pumps", .stale, .offline),
            ("pumps", .offline, .offline),
            // A route that was renamed, or does not make the device any more: another one does.
            ("gone", .online, .offline),
        ])
    func seed(route: String, before: DeviceState, after: DeviceState) throws {
        var pump = try Pump()
        let record = DeviceRecord(device: "f/pump", route: route, firstSeen: 1, state: before, since: 2)
        pump.plant.seedDevice(record, at: pump.clock)
        pump.pass(30_000)
        #expect(try pump.state() == before)
        #expect(pump.written() == [])
        pump.pass(500)
        #expect(try pump.state() == after)
        #expect(pump.written().map(\.state) == (before == after ? [] : [after]))
        pump.beat()
        #expect(try pump.state() == .online)
        #expect(pump.written().allSatisfy { $0.route == "pumps" && $0.firstSeen == 1 })
    }

    @Test("a device that was removed stays so until it is heard")
    func forgotten() throws {
        var pump = try Pump()
        pump.beat()
        pump.pass(30_500)
        _ = pump.written()
        pump.plant.forget(.device(try TagPath("f/pump")), at: pump.clock)
        pump.pass(120_000)
        pump.beat("1", retained: true)
        pump.pass(120_000)
        #expect(pump.written() == [])
        pump.beat()
        #expect(pump.written().map(\.state) == [.online])
    }

    @Test("an alarm keeps its condition while its device is missing, and sees the value that ends it")
    func alarm() throws {
        var pump = try Pump()
        pump.hear("f/pump/v/t", "90")
        pump.pass(31_000)
        #expect(try pump.state() == .offline)
        pump.hear("f/pump/v/t", "20")
        #expect(pump.plant.proposals(limit: .max, epoch: 1).map(\.record.condition) == [.high, .normal])
    }

    @Test("of several routes the shortest promise counts, whichever is heard first", arguments: [false, true])
    func severalRoutes(isReversed: Bool) throws {
        var table = DeviceTable()
        let rules = [DeviceRules(heartbeat: 30_000), DeviceRules(staleAfter: 10_000), DeviceRules(heartbeat: 20_000)]
        var device: DeviceID?
        for rules in isReversed ? rules.reversed() : rules {
            device = table.intern(try TagPath("m"), route: "r", rules: rules, at: 0)?.id
        }
        let id = try #require(device)
        #expect(table[id].rules == DeviceRules(staleAfter: 10_000, heartbeat: 20_000))
        _ = table.heard(id, at: 0)
        var expired: [(device: DeviceID, turn: DeviceTurn)] = []
        for now in stride(from: Milliseconds(0), through: 30_000, by: 500) { table.expire(at: now, into: &expired) }
        #expect(expired.map(\.turn) == [.counts(as: .stale), .counts(as: .offline)])
        #expect(table.state(of: id).state == .offline && table.state(of: id).since == 20_500)
    }
}
