import OrderedCollections
import Testing

@testable import Plant

@Suite("What nothing defines any more, and what is removed")
struct ForgettingTests {
    typealias Fixture = LivePlantFixture

    private static let device = "factory/l1/m1"

    private static func path(_ text: String) throws -> TagPath { try TagPath(text) }

    private static func record(route: String) -> DeviceRecord {
        DeviceRecord(device: device, route: route, firstSeen: 1, state: .stale, since: 1)
    }

    /// Why something stays; nil when it may go.
    private static func refusal(_ plant: LivePlant, _ forgotten: Forgotten) -> LivePlant.ForgettingRefusal? {
        do throws(LivePlant.ForgettingRefusal) {
            switch forgotten {
            case .alarm(let record): try plant.mayForget(alarm: record.path)
            case .tag(let tag): try plant.mayForget(tag: tag)
            case .device(let device): _ = try plant.tagsToForget(withDevice: device)
            }
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "A tag is defined by a route that makes it, an alarm by its definition on such a tag, a device by a route that makes it"
    )
    func definitions() throws {
        let plant = try Fixture().plant
        #expect(plant.defines(tag: try Self.path(Fixture.temperature)))
        for orphan in ["factory/l1/m1", "factory/l1/m1/temperature/x", "office/lamp", "linekeeper/x"] {
            #expect(!plant.defines(tag: try Self.path(orphan)), "\(orphan)")
        }
        #expect(plant.defines(tag: try Self.path("linekeeper/gateways/g/broker")))
        #expect(plant.defines(alarm: AlarmPath(tag: try Self.path(Fixture.temperature), alarm: "hot")))
        #expect(!plant.defines(alarm: AlarmPath(tag: try Self.path(Fixture.temperature), alarm: "tooHot")))
        #expect(!plant.defines(alarm: AlarmPath(tag: try Self.path("factory/l1/m1/x/temperature"), alarm: "hot")))
        for device in [Self.device, "factory/x/y", "linekeeper/gateways/g"] {
            #expect(plant.defines(device: try Self.path(device)), "\(device)")
        }
        for orphan in ["factory/l1", "factory/l1/m1/x", "factory//m1", "works/l1/m1"] {
            #expect(!plant.defines(device: try Self.path(orphan)), "\(orphan)")
        }
    }

    @Test("A tag of a device that is online goes once it is stale, any other at once, and takes its memory with it")
    func tags() throws {
        var world = try Fixture(staleAfter: 5_000)
        world.hear(20, at: 0)
        _ = world.flush()
        let tag = Forgotten.tag(try Self.path(Fixture.temperature))
        #expect(Self.refusal(world.plant, tag) == .online(device: try Self.path(Self.device)))
        #expect(Self.refusal(world.plant, .tag(try Self.path("office/lamp"))) == nil)
        world.pass(10_000)
        #expect(Self.refusal(world.plant, tag) == nil)
        world.plant.forget(tag, at: world.clock)
        #expect(world.plant.value(of: try Self.path(Fixture.temperature)) == nil)
        var written = world.flush()
        #expect(written.isEmpty)
        // An owner that finds no node writes none.
        world.plant.reconcile(shards: .max, nodes: [], records: [:], at: world.clock)
        written = world.flush()
        #expect(written.isEmpty)
        // Its next sample is its first, whatever its time.
        world.hear(21, at: -1)
        let writes = world.plant.takeChanged(ownedBy: .max, limit: 10)
        #expect(writes.map(\.exists) == [false])
        #expect(writes.map(\.znodePath) == [Fixture.temperature])
    }

    @Test("A device goes while it is not online, or when no route makes it, with all its tags")
    func devices() throws {
        var world = try Fixture(staleAfter: 5_000)
        world.hear(20, at: 0)
        world.hear(30, at: 0, topic: "factory/l1/m1/pressure")
        let path = try Self.path(Self.device)
        #expect(Self.refusal(world.plant, .device(path)) == .online(device: path))
        // As the tree had it last, and no route makes it.
        let orphan = DeviceRecord(device: "works/m1", route: "machines", firstSeen: 1, state: .online, since: 1)
        world.plant.seedDevice(orphan, at: world.clock)
        #expect(Self.refusal(world.plant, .device(try Self.path("works/m1"))) == nil)
        world.pass(10_000)
        let tags = try world.plant.tagsToForget(withDevice: path)
        #expect(Set(tags.map(\.text)) == [Fixture.temperature, "factory/l1/m1/pressure"])
        let taken = world.plant.takeChangedDevices(ownedBy: .max, limit: 10)
        #expect(taken.count == 1)
        world.plant.forget(.device(path), at: world.clock)
        var (tagsWritten, devicesWritten) = (world.flush(), world.plant.takeChangedDevices(ownedBy: .max, limit: 10))
        #expect(tagsWritten.isEmpty && devicesWritten.isEmpty)
        // A write that was under way, or one that the tree had refused, does not bring it back either.
        world.plant.deviceWritesFailed(taken.map(\.device))
        devicesWritten = world.plant.takeChangedDevices(ownedBy: .max, limit: 10)
        #expect(devicesWritten.isEmpty)
        world.plant.shardGained(ShardMap.shard(of: path))
        devicesWritten = world.plant.takeChangedDevices(ownedBy: .max, limit: 10)
        #expect(devicesWritten.isEmpty)
        world.hear(22, at: world.now)
        let back = world.plant.takeChangedDevices(ownedBy: .max, limit: 10).map(\.record)
        #expect(back.map(\.state) == [.online] && back.map(\.firstSeen) == [world.clock])
        tagsWritten = world.flush()
        #expect(tagsWritten.keys.sorted() == [Fixture.temperature])
    }

    @Test("An alarm that is defined goes after its tag only; removed, it is as if it had never been")
    func alarms() throws {
        var world = try Fixture(staleAfter: 5_000)
        world.hear(90, at: 0)
        let first = world.record()
        let raised = try #require(first)
        #expect(Self.refusal(world.plant, .alarm(raised)) == .watched)
        world.pass(10_000)
        #expect(Self.refusal(world.plant, .alarm(raised)) == .watched)
        world.plant.forget(.tag(try Self.path(Fixture.temperature)), at: world.clock)
        #expect(Self.refusal(world.plant, .alarm(raised)) == nil)

        let last = raised.forgetting(at: world.clock, epoch: 2)
        #expect(last.transition == .forgotten && last.record.revision == raised.revision + 1)
        world.plant.forget(.alarm(last.record), at: world.clock)
        #expect(world.steps.isEmpty)
        let standing = try world.standing()
        #expect(standing == .normal)
        // It comes back as a first occurrence whose record is newer than the one that went.
        world.hear(90, at: world.now)
        let second = world.record()
        let again = try #require(second)
        #expect(again.occurrence == 1 && again.revision == last.record.revision + 1 && again.state == .unacknowledged)
        // The same entry read late takes nothing back.
        world.plant.forget(.alarm(last.record), at: world.clock)
        #expect(world.steps.isEmpty)
        let late = try world.standing()
        #expect(late != .normal)
    }

    @Test(
        "What was heard before the entry of the removal is read is kept, and written and raised again",
        arguments: [0, 2_000])
    func heardFirst(onDelay: Milliseconds) throws {
        var world = try Fixture(onDelay: onDelay, staleAfter: 5_000)
        world.hear(90, at: 0)
        world.pass(onDelay + 500)
        world.prove()
        let first = world.record()
        let raised = try #require(first)
        world.pass(10_000)
        _ = world.flush()
        _ = world.plant.takeChangedDevices(ownedBy: .max, limit: 10)
        // The device speaks when another gateway has removed it, and this one has not read of that.
        world.hear(95, at: world.now)
        _ = world.flush()
        world.plant.forget(.device(try Self.path(Self.device)), at: world.clock)
        world.plant.forget(.alarm(raised.forgetting(at: world.clock, epoch: 1).record), at: world.clock)
        let writes = world.plant.takeChanged(ownedBy: .max, limit: 10)
        #expect(writes.map(\.znodePath) == [Fixture.temperature] && writes.map(\.exists) == [false])
        let devices = world.plant.takeChangedDevices(ownedBy: .max, limit: 10).map(\.record)
        #expect(devices.map(\.state) == [.online] && devices.map(\.firstSeen) == [world.clock])
        world.pass(onDelay + 500)
        world.prove()
        world.pass(500)
        world.prove()
        let second = world.record()
        #expect(second?.state == .unacknowledged && second?.value == 95 && second?.occurrence == 1, "\(world.steps)")
    }

    @Test("An alarm of an old name that is removed leaves the delays of the tag's other alarms alone")
    func otherDelays() throws {
        var first = try Fixture(onDelay: 60_000)
        first.hear(90, at: 0)
        first.pass(10_000)
        var second = try first.restarted(nodes: first.flush())
        let old = AlarmRecord(
            path: AlarmPath(tag: try Self.path(Fixture.temperature), alarm: "old"),
            lifeCycle: .init(condition: .high, isAcknowledged: false), priority: .high, eventID: "e", occurrence: 1,
            value: 90, limit: 85, since: 1, epoch: 1,
            changedAt: 1, sampledAt: 1, revision: 1)
        second.plant.forget(.alarm(old), at: second.clock)
        second.prove()
        second.pass(55_000)
        second.prove()
        #expect(second.steps == [Step(.activated, .high, at: 60_000)])
    }

    @Test("A gateway goes, as a device, while it does not run; a tag of it alone does not")
    func gateways() throws {
        var world = try Fixture()
        let status = GatewayStatusRecord(
            gateway: "g", life: nil, at: world.clock, broker: "", problems: [], counters: [:])
        let device = try Self.path("linekeeper/gateways/g")
        _ = world.plant.statusesRead([status], at: world.clock)
        #expect(Self.refusal(world.plant, .device(device)) == .running(gateway: "g"))
        #expect(
            Self.refusal(world.plant, .tag(try Self.path("linekeeper/gateways/g/absent"))) == .ofGateway(device: device)
        )
        _ = world.plant.statusesRead([], at: world.clock)
        #expect(
            try world.plant.tagsToForget(withDevice: device).map(\.text) == ["linekeeper/gateways/g/absent"]
        )
        world.plant.forget(.device(device), at: world.clock)
        for _ in 0..<10 {
            world.pass(20_000)
            _ = world.plant.statusesRead([], at: world.clock)
        }
        let written = world.flush()
        #expect(world.steps.isEmpty && written.isEmpty)
    }

    @Test("A renamed route is written into the device's record with its first message; until then the old name stays")
    func renamedRoute() throws {
        var world = try Fixture()
        world.plant.seedDevice(Self.record(route: "machinery"), at: world.clock)
        world.plant.shardGained(ShardMap.shard(of: try Self.path(Self.device)))
        var written = world.plant.takeChangedDevices(ownedBy: .max, limit: 10)
        #expect(written.map(\.record.route) == ["machinery"])
        world.hear(20, at: 0)
        written = world.plant.takeChangedDevices(ownedBy: .max, limit: 10)
        #expect(written.map(\.record.route) == ["machines"])
    }
}
