import OrderedCollections
import Testing

@testable import Plant

@Suite("The gateways' own faults")
struct GatewayFaultTests {
    private static let start: Milliseconds = 1_767_225_600_000

    /// One gateway's plant that reads the statuses of all.
    private struct Reader {
        var plant: LivePlant
        var now: Milliseconds = 0

        init(limits: IngestLimits = IngestLimits()) throws {
            let route = RouteDraft(
                name: "all", topic: "{line}/{machine}/{metric}", device: "linekeeper/{line}/{machine}", value: "/v")
            plant = try LivePlant(
                routes: [try route.checked()], alarms: GatewayFault.alarms, limits: limits)
        }

        mutating func read(_ statuses: GatewayStatusRecord...) {
            _ = plant.statusesRead(statuses, at: GatewayFaultTests.start + now)
        }

        /// A second passes between two looks.
        mutating func read(_ statuses: GatewayStatusRecord..., for time: Milliseconds) {
            let end = now + time
            while now < end {
                now += 1_000
                _ = plant.statusesRead(statuses, at: GatewayFaultTests.start + now)
            }
        }

        func value(_ kind: String, of gateway: String = "g") throws -> LatestValues.Entry? {
            plant.value(of: try TagPath("linekeeper/gateways/\(gateway)/\(kind)"))
        }

        func number(_ kind: String, of gateway: String = "g") throws -> Double? {
            try value(kind, of: gateway)?.value?.doubleValue
        }

        /// What is pending of one kind: transition, priority, time after the start.
        func steps(_ kind: String, of gateway: String = "g") throws -> [String] {
            let tag = try TagPath("linekeeper/gateways/\(gateway)/\(kind)")
            return plant.proposals(limit: .max, epoch: 1).filter { $0.record.path.tag == tag }.map {
                "\($0.transition) \($0.record.condition) \($0.at - GatewayFaultTests.start)"
            }
        }

        mutating func record() {
            for proposal in plant.proposals(limit: .max, epoch: 1) {
                plant.transitionRecorded(proposal.record, isOurs: true, at: GatewayFaultTests.start + now)
            }
        }
    }

    private func status(
        _ gateway: String = "g", failing: [String: Milliseconds] = [:], untried: [String: Milliseconds] = [:],
        recovered: [String: (since: Milliseconds, until: Milliseconds)] = [:]
    ) -> GatewayStatusRecord {
        GatewayStatusRecord(
            gateway: gateway, life: nil, at: Self.start, broker: "",
            problems: failing.map {
                GatewayProblem(kind: $0.key, since: Self.start.addingClamped($0.value), text: "", cause: "")
            },
            untried: untried.map {
                GatewayProblem(kind: $0.key, since: Self.start.addingClamped($0.value), text: "", cause: "")
            },
            recovered: recovered.map {
                GatewayProblem(
                    kind: $0.key, since: Self.start + $0.value.since, until: Self.start + $0.value.until, text: "",
                    cause: "")
            }, counters: [:])
    }

    @Test("a fault is an alarm since it began and until it ended, by its gateway's clock, with a priority by its kind")
    func lifetime() throws {
        var reader = try Reader()
        reader.read(status())
        #expect(try reader.number("absent") == 0 && reader.value("broker") == nil)
        reader.now = 8_000
        reader.read(status(failing: ["broker": 2_000, "trimming": 1_000]))
        #expect(try reader.number("broker") == 2 && reader.number("trimming") == 1)
        #expect(try reader.steps("broker") == ["ACT highHigh 2000"])
        #expect(try reader.steps("trimming") == ["ACT high 1000"])
        reader.record()
        reader.now = 20_000
        reader.read(status(failing: ["trimming": 1_000], recovered: ["broker": (2_000, 19_000)]))
        #expect(try reader.steps("broker") == ["RTN normal 19000"])
        #expect(try reader.steps("trimming").isEmpty)
        reader.record()
        reader.now = 22_000
        reader.read(status(failing: ["trimming": 1_000], recovered: ["broker": (2_000, 19_000)]))
        #expect(try reader.steps("broker").isEmpty, "told once")
    }

    @Test("what is not tried again for a while has not ended: nobody knows, and its alarm stands until it works")
    func untried() throws {
        var reader = try Reader()
        reader.read(status(failing: ["answers": 0]))
        reader.record()
        reader.now = 70_000
        reader.read(status(untried: ["answers": 0, "tags": 0]))
        #expect(try reader.value("answers")?.quality == .bad && reader.steps("answers").isEmpty)
        #expect(try reader.value("tags") == nil)
        // It is tried again, and fails as before.
        reader.read(status(failing: ["answers": 0]), for: 5_000)
        #expect(try reader.number("answers") == 1 && reader.steps("answers").isEmpty)
        reader.read(status(untried: ["answers": 0], recovered: ["answers": (-9_000, -5_000)]), for: 5_000)
        reader.read(status(recovered: ["answers": (0, 79_000)]), for: 1_000)
        #expect(try reader.steps("answers") == ["RTN normal 79000"])
    }

    @Test("what began and ended while nobody could look is told with both its times, by all readers alike")
    func pulse() throws {
        var readers = [try Reader(), try Reader()]
        for index in readers.indices {
            readers[index].now = 100_000 + 700 * Int64(index)
            readers[index].read(status(recovered: ["tree": (30_000, 90_000)]))
            #expect(try readers[index].steps("tree") == ["ACT highHigh 30000", "RTN normal 90000"])
        }
        let ids = readers.map { $0.plant.proposals(limit: .max, epoch: 1).map(\.record.eventID) }
        #expect(ids[0] == ids[1] && !ids[0].isEmpty)
    }

    @Test("a gateway that has started anew without its fault has none; one that came back with it goes on with it")
    func restart() throws {
        var reader = try Reader()
        reader.read(status(failing: ["tags": 0]))
        reader.record()
        reader.now = 5_000
        reader.read(status(failing: ["tags": 0, "trimming": 4_000]))
        #expect(try reader.steps("trimming") == ["ACT high 4000"])
        reader.record()
        reader.read(status(failing: ["trimming": 4_000]))
        #expect(try reader.steps("tags") == ["RTN normal 5000"])
    }

    @Test(
        "a gateway away for a minute is absent, and what was wrong with it is nobody's knowledge; time in which nobody looked does not count"
    )
    func absence() throws {
        var reader = try Reader()
        reader.read(status("g"), status("h", failing: ["tags": 0]))
        reader.record()
        reader.read(status("g"), for: 59_000)
        #expect(try reader.number("absent", of: "h") == 0)
        reader.now += 3_600_000
        reader.read(status("g"), for: 59_000)
        #expect(try reader.number("absent", of: "h") == 0, "an hour without looking")
        reader.read(status("g"), for: 5_000)
        #expect(try reader.number("absent", of: "h") == 1 && reader.number("absent", of: "g") == 0)
        #expect(try reader.steps("absent", of: "h").count == 1)
        #expect(try reader.value("tags", of: "h")?.quality == .bad && reader.steps("tags", of: "h").isEmpty)
        reader.record()
        reader.read(status("g"), status("h"), for: 1_000)
        #expect(try reader.steps("absent", of: "h").count == 1 && reader.steps("tags", of: "h").count == 1)
        #expect(try reader.value("tags", of: "h")?.quality == .good && reader.number("tags", of: "h") == 0)
    }

    @Test("what the tree has of them is known after a start: an absent gateway is missed by one that never met it")
    func seeded() throws {
        var first = try Reader()
        first.read(status("g", failing: ["broker": 0]), status("h"))
        var second = try Reader()
        for write in first.plant.takeChanged(ownedBy: .max, limit: 100) {
            second.plant.seedTag(znodePath: write.znodePath, data: write.data, at: Self.start)
        }
        #expect(try second.number("broker") == 2 && second.number("absent", of: "h") == 0)
        second.read(status("g"), for: 61_000)
        #expect(try second.number("broker") == 0 && second.number("absent", of: "h") == 1)
        second.plant.seedTag(
            znodePath: "linekeeper/other/x/y", data: Array(#"{"v":1,"q":"good","t":1,"r":1}"#.utf8), at: Self.start)
        #expect(second.plant.tags.id(of: try TagPath("linekeeper/other/x/y")) == nil)
    }

    @Test(
        "times that no clock near ours shows are ours, and a tag's time never goes back",
        arguments: [Int64.min, -3_700_000, 3_700_000, .max])
    func times(_ since: Milliseconds) throws {
        var reader = try Reader()
        reader.now = 10_000
        reader.read(status(failing: ["broker": since]))
        #expect(try reader.steps("broker") == ["ACT highHigh 10000"])
        reader.record()
        reader.now = 12_000
        reader.read(status(recovered: ["broker": (11_000, 9_000)]))
        #expect(try reader.number("broker") == 0)
        reader.record()
        // Set back by half an hour between beginning and end.
        reader.read(status(failing: ["tags": 9_000]))
        reader.record()
        reader.read(status(recovered: ["tags": (9_000, -1_800_000)]))
        #expect(try reader.number("tags") == 0 && reader.value("tags")?.sourceTime == Self.start + 9_001)
    }

    @Test(
        "a problem that is over is told once, by whatever clock it is dated",
        arguments: ["tags", "clock"], [Int64.min, -3_700_000, -5_000, 3_700_000, 315_360_000_000, .max])
    func once(_ kind: String, _ since: Milliseconds) throws {
        var reader = try Reader()
        reader.now = 10_000
        reader.read(status())
        var problem = GatewayProblem(kind: kind, since: Self.start.addingClamped(since), text: "", cause: "")
        problem.until = Self.start + 9_000
        var over = status()
        over.recovered = [problem]
        var steps = 0
        for _ in 0..<60 {
            reader.now += 1_000
            reader.read(over)
            steps += try reader.steps(kind).count
            reader.record()
        }
        #expect(steps <= 2)
        #expect(try reader.number(kind) == 0)
        // The next one is another.
        problem.since = Self.start + reader.now - 2_000
        problem.until = Self.start + reader.now - 1_000
        over.recovered = [problem]
        reader.read(over)
        #expect(try reader.steps(kind).count == 2)
    }

    @Test("the alarm about a clock that was set is dated by who reads of it, and put right with his")
    func clockFault() throws {
        var reader = try Reader()
        reader.read(status())
        reader.now = 4_000
        reader.read(status(failing: ["clock": 1_000]))
        #expect(try reader.steps("clock") == ["ACT high 4000"])
        #expect(try reader.value("clock")?.hasSourceTime == false)
    }

    @Test("names that are none, too many gateways and too many kinds make no tags, and take no room from the plant's")
    func bounds() throws {
        var limits = IngestLimits()
        limits.tags = 1
        limits.devices = 1
        var reader = try Reader(limits: limits)
        for name in ["", "a/b", "+", "#", "\0"] { reader.read(status(name, failing: ["tags": 0])) }
        reader.read(status(failing: ["a/b": 0, "": 0, "é": 0, String(repeating: "x", count: 33): 0]))
        #expect(reader.plant.tags.count == 1, "only that it is there")
        for number in 0..<1_000 { reader.read(status("g\(number)")) }
        #expect(reader.plant.tags.count == GatewayFault.mostGateways)
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ").map(String.init)
        reader.read(status(failing: Dictionary(uniqueKeysWithValues: letters.map { ($0, 0) })))
        #expect(reader.plant.tags.count == GatewayFault.mostGateways + GatewayFault.mostKinds - 1)
        #expect(reader.plant.fullTables.isEmpty)
    }

    @Test("no message from outside becomes a tag or a device of Linekeeper's own")
    func outsiders() throws {
        var reader = try Reader()
        var effects = LivePlant.Effects()
        for topic in ["linekeeper/gateways/g", "line1/m1/t"] {
            let outcome = reader.plant.messageReceived(
                topic: Array(topic.utf8).span, payload: Array(#"{"v":2}"#.utf8).span, retained: false,
                receivedAt: Self.start, effects: &effects)
            #expect(outcome?.result == .refused(.own), "\(topic)")
        }
        #expect(reader.plant.tags.count == 0)
    }

    @Test(
        "a tag is good again only after its gateway has spoken, and a wrong leap of our own clock makes nobody absent")
    func leap() throws {
        var reader = try Reader()
        reader.read(status("g"), status("h"))
        reader.read(status("g"), for: 3_000)
        reader.plant.clockLeapt(by: 10 * 365 * 86_400_000, at: Self.start + reader.now + 10 * 365 * 86_400_000)
        reader.now += 10 * 365 * 86_400_000
        reader.read(status("g"), for: 30_000)
        #expect(try reader.number("absent", of: "h") == 0)
        reader.read(status("g"), for: 30_000)
        #expect(try reader.number("absent", of: "h") == 1)
    }
}
