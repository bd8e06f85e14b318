import Testing

@testable import Plant

/// A tag of a device that goes on falls silent: by itself, with its interlock, and with its alarm.
@Suite("Freshness")
struct FreshnessTests {
    /// A machine whose tags have topics of their own (`f/m/<metric>`) or come together (`g/m`, with `a` and `b`).
    struct Machine {
        static let start = LivePlantFixture.start
        var plant: LivePlant
        var now: Milliseconds = 0
        var effects = LivePlant.Effects()

        init(
            _ reporting: RouteDefinition.Reporting?, staleAfter: Milliseconds? = 5_000, hasPresence: Bool = false,
            onDelay: Milliseconds = 0, offDelay: Milliseconds = 0
        ) throws {
            let presence = hasPresence ? RouteDraft.Presence(topic: "{device}/status") : nil
            plant = try LivePlant(
                routes: [
                    try RouteDraft(
                        name: "singles", topic: "f/{machine}/{metric}", device: "f/{machine}", value: "/v", time: "/t",
                        staleAfter: staleAfter, reporting: reporting, presence: presence
                    ).checked(),
                    try RouteDraft(
                        name: "groups", topic: "g/{machine}", device: "f/{machine}",
                        values: [.init("a", "/a"), .init("b", "/b")], staleAfter: staleAfter, reporting: reporting
                    ).checked(),
                    // What goes on.
                    try RouteDraft(
                        name: "others", topic: "o/{machine}", device: "f/{machine}", payload: .number,
                        staleAfter: staleAfter, reporting: staleAfter == nil ? nil : .periodic
                    ).checked(),
                ],
                alarms: [
                    AlarmDefinition(
                        name: "hot", tags: try TopicFilter("f/+/hot"), high: AlarmLimit(limit: 85, priority: .high),
                        deadband: 2, onDelay: onDelay, offDelay: offDelay)
                ])
            // Everything is heard the moment it is said.
            prove()
        }

        var clock: Milliseconds { Self.start + now }

        mutating func prove() { _ = plant.heard(through: clock, at: clock) }

        mutating func hear(_ topic: String, _ payload: String, retained: Bool = false) {
            let (topic, payload) = (Array(topic.utf8), Array(payload.utf8))
            plant.messageReceived(
                topic: topic.span, payload: payload.span, retained: retained, receivedAt: clock, effects: &effects)
        }

        /// The time goes by, and the device goes on.
        mutating func pass(_ time: Milliseconds) {
            let end = now + time
            while now < end {
                now = min(end, now + 500)
                hear("o/m", "1")
                let effects = plant.advance(to: clock)
                if effects.tagsChanged { self.effects.tagsChanged = true }
                prove()
            }
        }

        func quality(_ tag: String) throws -> Quality? { plant.value(of: try TagPath(tag))?.quality }

        func verdict(_ interlock: String, maximumAge: Milliseconds? = nil) throws -> Interlock.Verdict {
            let interlock = try Interlock(interlock)
            let device = try TagPath("f/press")
            return interlock.verdict(
                try interlock.inputs(device: device).map { plant.interlockReading(of: try TagPath($0)) },
                device: device, at: clock, maximumAge: maximumAge)
        }

        mutating func nodes() -> [String: [UInt8]] {
            let writes = plant.takeChanged(ownedBy: .max, limit: 1000)
            plant.written(writes)
            return Dictionary(uniqueKeysWithValues: writes.map { ($0.znodePath, $0.data) })
        }
    }

    @Test(
        "a topic that falls silent",
        arguments: [
            (.periodic, 5_000, .stale), (.onChange, 5_000, .good), (nil, 5_000, .good), (.onChange, nil, .good),
            (nil, nil, .good),
        ] as [(RouteDefinition.Reporting?, Milliseconds?, Quality)])
    func topic(reporting: RouteDefinition.Reporting?, staleAfter: Milliseconds?, expected: Quality) throws {
        var machine = try Machine(reporting, staleAfter: staleAfter)
        machine.hear("f/m/contact", #"{"v":true}"#)
        machine.pass(5_000)
        #expect(try machine.quality("f/m/contact") == .good)
        machine.pass(500)
        #expect(try machine.quality("f/m/contact") == expected)
        #expect(try machine.quality("o/m") == .good, "its device goes on")
        #expect(machine.effects.tagsChanged == (expected == .stale))
        if expected == .stale {
            let node = try #require(machine.nodes()["f/m/contact"])
            #expect(TagRecord(parsing: node)?.quality == .stale && TagRecord(parsing: node)?.value == .bool(true))
        }
        machine.hear("f/m/contact", #"{"v":false}"#)
        #expect(try machine.quality("f/m/contact") == .good)
        machine.pass(60_000)
        #expect(try machine.quality("f/m/contact") == expected)
    }

    @Test(
        "a member that is left out, while its sibling goes on",
        arguments: [.periodic, .onChange, nil] as [RouteDefinition.Reporting?])
    func member(reporting: RouteDefinition.Reporting?) throws {
        var machine = try Machine(reporting)
        machine.hear("g/m", #"{"a":1,"b":2}"#)
        for _ in 0..<4 {
            machine.pass(1_000)
            machine.hear("g/m", #"{"a":1}"#)
        }
        #expect(try machine.quality("g/m/b") == .good)
        for _ in 0..<4 {
            machine.pass(1_000)
            machine.hear("g/m", #"{"a":1}"#)
        }
        #expect(try machine.quality("g/m/b") == .stale)
        #expect(try machine.quality("g/m/a") == .good)
        // Its own word for having no value is a word.
        machine.hear("g/m", #"{"a":1,"b":null}"#)
        #expect(try machine.quality("g/m/b") == .bad)
        machine.hear("g/m", #"{"a":1,"b":3}"#)
        #expect(try machine.quality("g/m/b") == .good)
    }

    @Test("members in turn, each often enough, stay good")
    func inTurn() throws {
        var machine = try Machine(.onChange)
        for _ in 0..<20 {
            machine.hear("g/m", #"{"a":1}"#)
            machine.pass(2_000)
            machine.hear("g/m", #"{"b":1}"#)
            machine.pass(2_000)
            #expect(try machine.quality("g/m/a") == .good)
            #expect(try machine.quality("g/m/b") == .good)
        }
    }

    @Test("without staleAfter a member that is left out stays")
    func memberForEver() throws {
        var machine = try Machine(nil, staleAfter: nil)
        machine.hear("g/m", #"{"a":1,"b":2}"#)
        machine.hear("g/m", #"{"a":1}"#)
        machine.pass(600_000)
        #expect(try machine.quality("g/m/b") == .good)
    }

    /// Given a gateway that is killed, when the next one starts from the tree, then what was good has its whole time to
    /// speak, and what was stale stays stale until it is heard.
    @Test("A restart, and a standby that has heard the same")
    func restart() throws {
        var first = try Machine(.periodic)
        var standby = first
        for topic in ["f/m/early", "g/m"] {
            first.hear(topic, #"{"v":1,"a":1,"b":2}"#)
            standby.hear(topic, #"{"v":1,"a":1,"b":2}"#)
        }
        first.pass(5_500)
        standby.pass(5_500)
        first.hear("f/m/late", #"{"v":1}"#)
        let nodes = first.nodes()
        for tag in ["f/m/early", "g/m/a", "g/m/b"] {
            #expect(try first.quality(tag) == .stale)
            #expect(try standby.quality(tag) == .stale)
        }
        var second = try Machine(.periodic)
        second.now = first.now
        for (path, data) in nodes { second.plant.seedTag(znodePath: path, data: data, at: second.clock) }
        second.pass(5_000)
        #expect(try second.quality("f/m/late") == .good)
        #expect(try second.quality("f/m/early") == .stale)
        second.pass(500)
        #expect(try second.quality("f/m/late") == .stale)
        second.hear("f/m/early", #"{"v":1}"#)
        second.hear("g/m", #"{"b":1}"#)
        #expect(try second.quality("f/m/early") == .good)
        #expect(try second.quality("g/m/b") == .good)
        #expect(try second.quality("g/m/a") == .stale)
    }

    @Test("Neither a pause of the process nor a leap of its clock is silence")
    func pauseAndLeap() throws {
        var machine = try Machine(.periodic)
        machine.hear("f/m/contact", #"{"v":true}"#)
        machine.now += 600_000
        machine.plant.wasPaused(for: 600_000, at: machine.clock)
        machine.pass(500)
        #expect(try machine.quality("f/m/contact") == .good)
        machine.hear("f/m/contact", #"{"v":true}"#)
        machine.now += 3_600_000
        machine.plant.clockLeapt(by: 3_600_000, at: machine.clock)
        machine.pass(4_000)
        #expect(try machine.quality("f/m/contact") == .good)
        machine.pass(2_000)
        #expect(try machine.quality("f/m/contact") == .stale)
    }

    @Test("What the broker had kept is no sign of life")
    func retained() throws {
        var machine = try Machine(.periodic)
        machine.hear("f/m/contact", #"{"v":true,"t":\#(machine.clock)}"#)
        machine.pass(3_000)
        machine.hear("f/m/contact", #"{"v":true,"t":\#(machine.clock)}"#, retained: true)
        machine.pass(2_500)
        #expect(try machine.quality("f/m/contact") == .stale)
    }

    // MARK: Interlocks

    @Test(
        "An interlock refuses on a tag that has fallen silent",
        arguments: [RouteDefinition.Reporting.periodic, .onChange])
    func silentInput(reporting: RouteDefinition.Reporting) throws {
        var machine = try Machine(reporting)
        machine.hear("f/m/closed", #"{"v":true}"#)
        machine.hear("g/m", #"{"a":1,"b":1}"#)
        machine.pass(500)
        #expect(try machine.verdict("f/m/closed == true and g/m/b == 1") == .satisfied)
        for _ in 0..<12 {
            machine.pass(1_000)
            machine.hear("g/m", #"{"a":1}"#)
        }
        #expect(try machine.verdict("g/m/b == 1") == .refused("interlock: g/m/b is stale"))
        #expect(
            try machine.verdict("f/m/closed == true")
                == (reporting == .periodic ? .refused("interlock: f/m/closed is stale") : .satisfied))
        // The device falls silent as a whole.
        machine.now += 6_000
        _ = machine.plant.advance(to: machine.clock)
        #expect(try machine.verdict("f/m/closed == true") == .refused("interlock: f/m/closed is stale"))
    }

    @Test(
        "An interlock refuses where nobody vouches for its input",
        arguments: [
            (nil, 5_000, false, nil, false), (nil, nil, false, nil, false), (.onChange, nil, false, nil, false),
            (.onChange, 5_000, false, nil, true), (.periodic, 5_000, false, nil, true), (nil, nil, true, nil, true),
            (nil, 5_000, true, nil, true), (nil, nil, false, 1_000, true),
        ] as [(RouteDefinition.Reporting?, Milliseconds?, Bool, Milliseconds?, Bool)])
    func vouching(
        reporting: RouteDefinition.Reporting?, staleAfter: Milliseconds?, hasPresence: Bool, maximumAge: Milliseconds?,
        passes: Bool
    ) throws {
        var machine = try Machine(reporting, staleAfter: staleAfter, hasPresence: hasPresence)
        machine.hear("f/m/closed", #"{"v":true}"#)
        let verdict = try machine.verdict("f/m/closed == true", maximumAge: maximumAge)
        #expect((verdict == .satisfied) == passes, "\(verdict)")
    }

    @Test("An interlock refuses on what the broker had kept of a device that nobody has heard")
    func unheardDevice() throws {
        var machine = try Machine(.onChange, hasPresence: true)
        machine.hear("f/m/closed", #"{"v":true,"t":\#(machine.clock)}"#, retained: true)
        #expect(try machine.quality("f/m/closed") == .good)
        #expect(
            try machine.verdict("f/m/closed == true") == .refused("interlock: the device of f/m/closed is stale"))
        machine.hear("f/m/status", "online", retained: true)
        #expect(try machine.verdict("f/m/closed == true") == .satisfied)
    }

    // MARK: Alarms

    @Test("Silence ends no off-delay, and stops no on-delay")
    func alarm() throws {
        var machine = try Machine(.periodic, onDelay: 8_000, offDelay: 8_000)
        func conditions() -> [AlarmCondition] {
            machine.plant.proposals(limit: .max, epoch: 1).map(\.record.condition)
        }
        machine.hear("f/m/hot", #"{"v":90}"#)
        machine.pass(6_000)
        #expect(try machine.quality("f/m/hot") == .stale)
        #expect(conditions() == [])
        machine.pass(3_000)
        #expect(conditions() == [.high])
        machine.hear("f/m/hot", #"{"v":20}"#)
        machine.pass(60_000)
        #expect(try machine.quality("f/m/hot") == .stale)
        #expect(conditions() == [.high])
        for _ in 0..<4 {
            machine.hear("f/m/hot", #"{"v":20}"#)
            machine.pass(1_000)
        }
        #expect(conditions() == [.high, .normal])
    }
}

/// A tag that two topics give is silent when both are.
@Suite("Freshness of a tag with two topics")
struct SharedFreshnessTests {
    @Test("One topic falls silent while the other speaks, then the other one as well")
    func bothTopics() throws {
        func route(_ topic: String) throws -> RouteDefinition {
            try RouteDraft(
                name: topic, topic: "\(topic)/{name}", device: "d/{name}", tag: "d/{name}", payload: .number,
                staleAfter: 5_000, reporting: .periodic
            ).checked()
        }
        let others = try RouteDraft(
            name: "o", topic: "o/{name}", device: "d/{name}", payload: .number, staleAfter: 5_000, reporting: .periodic
        ).checked()
        var plant = try LivePlant(routes: [route("a"), route("b"), others])
        let start = LivePlantFixture.start
        var effects = LivePlant.Effects()
        func hear(_ topic: String, at now: Milliseconds) {
            plant.messageReceived(
                topic: Array(topic.utf8).span, payload: Array("1".utf8).span, retained: false, receivedAt: start + now,
                effects: &effects)
        }
        func quality(at now: Milliseconds) throws -> Quality? {
            hear("o/1", at: now)
            _ = plant.heard(through: start + now, at: start + now)
            _ = plant.advance(to: start + now)
            return plant.value(of: try TagPath("d/1"))?.quality
        }
        hear("a/1", at: 0)
        for now in stride(from: Milliseconds(1_000), through: 12_000, by: 1_000) {
            hear("b/1", at: now)
            #expect(try quality(at: now) == .good, "a has been silent for \(now) ms, and b speaks")
        }
        for now in stride(from: Milliseconds(13_000), through: 17_000, by: 1_000) {
            #expect(try quality(at: now) == .good)
        }
        for now in stride(from: Milliseconds(18_000), through: 20_000, by: 1_000) { _ = try quality(at: now) }
        #expect(try quality(at: 21_000) == .stale)
        hear("a/1", at: 22_000)
        #expect(try quality(at: 22_000) == .good)
    }
}
