import Primitives
import Testing

@testable import Plant

/// What flapping means to tags, alarms, interlocks and records.
@Suite("A plant with a device that flaps")
struct FlappingPlantTests {
    typealias Pump = HeartbeatTests.Pump

    /// A pump that has been lost five times within half a minute.
    private static func flapping() throws -> Pump {
        var pump = try Pump()
        for _ in 0..<5 {
            pump.beat()
            pump.hear("f/pump/v/closed", "1")
            pump.pass(2_000)
            pump.beat("offline")
            pump.pass(2_000)
        }
        return pump
    }

    @Test("the record says since when it flaps, and no further one is written until that is over")
    func record() throws {
        var pump = try Self.flapping()
        let begun = pump.clock - 2_000
        var records = pump.written()
        #expect(records.map(\.state) == [.offline] && records.first?.flapping == begun && records.first?.since == begun)
        #expect(pump.effects.flapping == [.init(device: try TagPath("f/pump"), hasBegun: true, state: .offline)])
        #expect(pump.plant.numbers.contains { $0.name == "flappings" && $0.value == 1 })
        pump.effects = LivePlant.Effects()
        for _ in 0..<10 {
            pump.beat()
            pump.pass(5_000)
            pump.beat("offline")
            pump.pass(5_000)
        }
        #expect(pump.written() == [] && !pump.effects.devicesChanged)
        pump.beat()
        for _ in 0..<3 {
            pump.pass(20_000)
            pump.beat()
        }
        pump.pass(500)
        records = pump.written()
        #expect(records.map(\.state) == [.online] && records.first?.flapping == nil)
    }

    @Test("a record with and without it is read, and one that no gateway wrote is none")
    func serialized() {
        var record = DeviceRecord(device: "d", route: "r", firstSeen: 1, state: .stale, since: 2)
        #expect(String(decoding: record.serialized(), as: UTF8.self).contains("flapping") == false)
        #expect(DeviceRecord(data: record.serialized()) == record)
        record.flapping = 3
        #expect(DeviceRecord(data: record.serialized()) == record)
        let wrong = #"{"device":"d","route":"r","firstSeen":1,"state":"stale","since":2,"flapping":"yes"}"#
        #expect(DeviceRecord(data: Array(wrong.utf8)) == nil)
    }

    @Test("its values are good when they come, and stale when it is lost, as often as that happens and no more")
    func tags() throws {
        var pump = try Self.flapping()
        #expect(try pump.quality("closed") == .stale)
        pump.hear("f/pump/v/closed", "1")
        #expect(try pump.state() == .offline, "it is there, and not for long")
        #expect(try pump.quality("closed") == .good)
        #expect(try pump.verdict() == .refused("interlock: the device of f/pump/v/closed is offline"))
        for _ in 0..<4 {
            pump.pass(5_000)
            pump.beat()
            #expect(try pump.quality("closed") == .good, "nothing but a loss makes it stale")
        }
        pump.effects = LivePlant.Effects()
        pump.beat("offline")
        #expect(try pump.quality("closed") == .stale)
        #expect(pump.effects.tagsChanged && !pump.effects.devicesChanged)
        pump.beat()
        #expect(try pump.quality("closed") == .stale, "it has not said its value since")
        pump.hear("f/pump/v/closed", "1")
        for _ in 0..<3 {
            pump.pass(20_000)
            pump.beat()
        }
        pump.pass(500)
        #expect(try pump.verdict() == .satisfied)
    }

    @Test("missed heartbeats of a device that flaps make its tags stale")
    func missedBeats() throws {
        var pump = try Self.flapping()
        pump.hear("f/pump/v/closed", "1")
        pump.effects = LivePlant.Effects()
        pump.pass(30_000)
        #expect(try pump.quality("closed") == .good)
        pump.pass(500)
        #expect(try pump.quality("closed") == .stale)
    }

    @Test("alarms see every sample of a device that flaps at the moment when it comes")
    func alarms() throws {
        var damped = try Self.flapping()
        var plain = try Pump()
        for value in [90, 20, 95, 10] {
            damped.hear("f/pump/v/t", "\(value)")
            plain.hear("f/pump/v/t", "\(value)")
            let expected = plain.plant.proposals(limit: .max, epoch: 1).map(\.record.condition)
            #expect(damped.plant.proposals(limit: .max, epoch: 1).map(\.record.condition) == expected)
            #expect(try damped.state() == .offline)
        }
    }

    /// Given two plants that hear the same, of which one damps, then no tag and no alarm tells them apart.
    @Test("damping changes no quality of a tag and no alarm, whatever happens when", arguments: 0..<40)
    func sameSamples(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let delay: Milliseconds = seed % 2 == 0 ? 0 : 1_500
        let staleAfter: Milliseconds? = seed % 3 == 0 ? nil : 4_000
        func pump(_ flapping: FlappingDamping) throws -> Pump {
            try Pump(
                heartbeat: 6_000, staleAfter: staleAfter, reporting: seed % 3 == 1 ? .periodic : .onChange,
                flapping: flapping, onDelay: delay)
        }
        var damped = try pump(.rule(FlappingRule(losses: 2, within: 60_000, steadyFor: 20_000)))
        var plain = try pump(.off)
        func seen(_ pump: Pump) throws -> [String] {
            let steps = pump.plant.proposals(limit: .max, epoch: 1).map {
                "\($0.transition) \($0.record.condition) \($0.at)"
            }
            return steps + [
                "\(try pump.quality("t").map { "\($0)" } ?? "-")",
                "\(try pump.quality("closed").map { "\($0)" } ?? "-")",
            ]
        }
        var differed = 0
        for step in 0..<600 {
            let event = Int.random(in: 0..<8, using: &random)
            let value = Int.random(in: 60...110, using: &random)
            let time = Milliseconds.random(in: 1...4, using: &random) * 500
            func play(_ pump: inout Pump) {
                switch event {
                case 0: pump.beat()
                case 1: pump.beat("offline")
                case 2...3: pump.hear("f/pump/v/t", "\(value)")
                case 4: pump.hear("f/pump/v/closed", "\(value % 2)")
                case 5: pump.beat("offline", retained: true)
                default: pump.pass(time)
                }
            }
            play(&damped)
            play(&plain)
            let (one, other) = (try seen(damped), try seen(plain))
            #expect(one == other, "seed \(seed), step \(step)")
            if try damped.state() != plain.state() { differed += 1 }
        }
        #expect(differed > 0, "the device has flapped")
    }

    /// Given a device that flaps, when its gateway dies, then the next one learns from the record that it flaps, and takes it for
    /// online only once it has heard it steadily itself.
    @Test("A takeover")
    func takeover() throws {
        var first = try Self.flapping()
        let record = try #require(first.written().first)
        var next = try Pump()
        next.now = first.now
        next.plant.seedDevice(record, at: next.clock)
        next.pass(1_000)
        for _ in 0..<3 {
            next.beat()
            next.pass(19_500)
            #expect(try next.state() == .offline)
        }
        #expect(next.written() == [])
        next.plant.shardGained(ShardMap.shard(of: try TagPath("f/pump")))
        #expect(next.written() == [record])
        next.beat()
        next.pass(1_500)
        #expect(try next.state() == .online)
        #expect(next.written().map(\.flapping) == [nil])
    }

    @Test("outages of the broker make no device flap")
    func outages() throws {
        var pump = try Pump()
        for _ in 0..<20 {
            pump.plant.brokerConnected(at: pump.clock)
            pump.beat()
            pump.pass(1_000)
            pump.plant.brokerLost(at: pump.clock)
            pump.pass(31_000)
            #expect(try pump.state() == .offline)
        }
        pump.plant.brokerConnected(at: pump.clock)
        pump.beat()
        #expect(try pump.state() == .online)
        #expect(pump.written().map(\.flapping) == [nil])
    }

    @Test("a device that flaps and is there stays, one that is away may be removed")
    func forgetting() throws {
        var pump = try Self.flapping()
        let path = try TagPath("f/pump")
        #expect(throws: Never.self) { try pump.plant.tagsToForget(withDevice: path) }
        pump.beat()
        #expect(throws: LivePlant.ForgettingRefusal.flapping(device: path)) {
            try pump.plant.tagsToForget(withDevice: path)
        }
        let tag = try TagPath("f/pump/v/closed")
        #expect(throws: Never.self) { try pump.plant.mayForget(tag: tag) }
        pump.hear("f/pump/v/closed", "1")
        #expect(throws: LivePlant.ForgettingRefusal.flapping(device: path)) { try pump.plant.mayForget(tag: tag) }
        pump.beat("offline")
        pump.plant.forget(.device(path), at: pump.clock)
        #expect(pump.written() == [])
        pump.beat()
        #expect(pump.written().map(\.state) == [.online])
    }
}
