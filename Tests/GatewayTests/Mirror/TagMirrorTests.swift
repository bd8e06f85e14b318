import MQTT
import Plant
import PlantClient
import PlantConfiguration
import ServiceLifecycle
import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@testable import Gateway

@Suite("Tags and devices in the tree")
struct TagMirrorTests {
    static let topic = "factory/line1/press1/temperature"
    static let path = TreeLayout.tags + "/" + topic
    static let readOnly = [ACL(permissions: [.read, .admin], scheme: "world", id: "anyone")]

    /// Owns every shard under one lease, unless told otherwise.
    final class Shards: WritableShards {
        private let lease: Lease
        private let state = Mutex((isOwner: true, isIncomplete: false))
        private let look = Mutex((count: 0, next: (@Sendable () -> Void)?.none))

        init(_ lease: Lease) { self.lease = lease }

        func set(isOwner: Bool, isIncomplete: Bool = false) { state.withLock { $0 = (isOwner, isIncomplete) } }

        /// How often it was looked which shards may be written.
        var looks: Int { look.withLock { $0.count } }

        /// Happens during the next look, too late for its outcome.
        func duringNextLook(_ body: @escaping @Sendable () -> Void) { look.withLock { $0.next = body } }

        func writable(among shards: UInt64) -> (leases: [Lease?], mask: UInt64, isIncomplete: Bool) {
            let (isOwner, isIncomplete) = state.withLock { $0 }
            let body = look.withLock { look in
                look.count += 1
                return look.next.take()
            }
            body?()
            return (
                Array(repeating: isOwner ? lease : nil, count: TreeLayout.shardCount), isOwner ? shards : 0,
                isIncomplete
            )
        }

        func catchUpWithRemovals() async throws {}

        func run() async {}
    }

    /// A gateway's writing half at a tree in this process, with a clock that stands still.
    struct Bed: Sendable {
        let tree: TreeBed
        let client: ZooKeeperClient
        let plant: PlantState
        let shards: Shards
        let source = ScriptedSource()
        let gate: AcknowledgementGate
        let wakes = ServiceWakes(deliveries: [])
        let counters = GatewayCounters()
        let plantClock = FakeClock(wall: WallClock.now())
        /// By which failures last.
        let healthClock = FakeClock()
        let health: FailureBoard
        let mirror: TagMirror<Shards>
        let lease: Lease

        init(
            _ tree: TreeBed, _ client: ZooKeeperClient, _ lease: Lease, spacing: Duration = .milliseconds(1),
            clock: GatewayClock = .system
        ) throws {
            self.tree = tree
            self.client = client
            self.lease = lease
            shards = Shards(lease)
            gate = AcknowledgementGate { [source] in source.acknowledge(through: $0) }
            let configuration = try ConfigurationFixture([
                "linekeeper.yaml": soundHead + AlarmTestBed.plantFile
            ]).load()
            plant = try PlantState(
                configuration.plant, limits: configuration.local.limits, answerFilters: [], echoTopic: "",
                clock: GatewayClock(plantClock), logger: tree.logger)
            health = FailureBoard(clock: GatewayClock(healthClock), logger: tree.logger)
            mirror = TagMirror(
                client: client, plant: plant, shards: shards, gate: gate, turns: wakes.mirror,
                spacing: spacing, counters: counters, health: health, clock: clock, logger: tree.logger)
        }

        func hear(
            _ value: Double, at time: Int64 = WallClock.now(), topics: [String] = [TagMirrorTests.topic]
        ) async {
            let number = source.receive(topics.map { ($0, #"{"v":\#(value),"ts":\#(time)}"#) }, at: time)
            for await batch in source.batches {
                _ = plant.take(batch)
                if batch.number == number { break }
            }
            gate.passed(.alarms, through: number)
            wakes.mirror.wake()
        }

        /// Keeps the devices of all shards.
        var keeper: DeviceKeeper {
            DeviceKeeper(
                client: client, gateway: "g", plant: plant,
                owned: { (Array(repeating: lease, count: TreeLayout.shardCount), .max) }, turns: wakes.devices,
                health: health, clock: .system)
        }

        func value(at path: String = TagMirrorTests.path) async throws -> Double? {
            guard let node = try await TreeWalk(client: client).data(of: [path])[0] else { return nil }
            return TagRecord(parsing: node.data ?? [])?.value?.doubleValue
        }
    }

    private func with(
        enforcesQuota: Bool = false,
        _ body: @escaping @Sendable (Bed, inout ThrowingTaskGroup<Void, any Error>) async throws -> Void
    ) async throws {
        try await TreeBed.with(enforcesQuota: enforcesQuota) { tree, group in
            let client = try await tree.client(in: &group)
            let election = LeaderElection(
                client: client, path: TreeLayout.shard(0), identity: Array("g".utf8), logger: tree.logger)
            group.addTask { try await election.run() }
            var lease: Lease?
            for await event in election.events() {
                if case .elected(let won) = event {
                    lease = won
                    break
                }
            }
            try await body(try Bed(tree, client, try #require(lease)), &group)
        }
    }

    @Test("The latest value arrives, and only then may the broker forget the batch")
    func writes() async throws {
        try await with { bed, group in
            await bed.hear(20)
            #expect(bed.source.acknowledged == 0)
            group.addTask { try await bed.mirror.run() }
            try await eventually("the value") { try await bed.value() == 20 }
            try await eventually("the acknowledgement") { bed.source.acknowledged == 1 }
            await bed.hear(21)
            try await eventually("the next") { try await bed.value() == 21 }
        }
    }

    @Test("A lone change is written at once; a further one waits until its time has come, and nothing waits with it")
    func spacing() async throws {
        try await with { bed, group in
            let clock = FakeClock()
            let bed = try Bed(bed.tree, bed.client, bed.lease, spacing: .seconds(1), clock: GatewayClock(clock))
            group.addTask { try await bed.mirror.run() }
            await bed.hear(20)
            try await eventually("the value") { try await bed.value() == 20 }
            try await eventually("the acknowledgement") { bed.source.acknowledged == 1 }
            try await eventually("only the look at what was refused sleeps") { clock.sleeperCount == 1 }
            // It is older than what is known: there is nothing to write, and so nothing to wait for.
            await bed.hear(19, at: WallClock.now() - 60_000)
            try await eventually("the acknowledgement") { bed.source.acknowledged == 2 }
            await bed.hear(21)
            try await eventually("the flush waits for its time") { clock.sleeperCount == 2 }
            await bed.hear(22)
            let (value, acknowledged) = (try await bed.value(), bed.source.acknowledged)
            #expect(value == 20 && acknowledged == 2)
            clock.advance(by: .seconds(1))
            try await eventually("the last value") { try await bed.value() == 22 }
            try await eventually("the acknowledgement") { bed.source.acknowledged == 4 }
            #expect(bed.counters.mirrorFlushes.current == 2)
        }
    }

    @Test("What comes in another shard while it is looked which may be written waits for a flush of its own")
    func cameMeanwhile() async throws {
        try await with { bed, group in
            let shard = ShardMap.shard(of: try TagPath("factory/line1/press1"))
            let other = try #require(
                try (2...99).map { "factory/line1/press\($0)" }.first { try ShardMap.shard(of: TagPath($0)) != shard })
            let (topic, now) = ("\(other)/temperature", WallClock.now())
            await bed.hear(20)
            bed.shards.duringNextLook {
                bed.shards.set(isOwner: false, isIncomplete: true)
                let batch = bed.source.batch(of: [(topic, #"{"v":30,"ts":\#(now)}"#)], at: now)
                _ = bed.plant.take(batch)
                bed.gate.passed(.alarms, through: batch.number)
            }
            group.addTask { try await bed.mirror.run() }
            try await eventually("it is looked again") { bed.shards.looks >= 2 }
            let value = try await bed.value()
            #expect(value == 20 && bed.source.acknowledged == 0)
            bed.shards.set(isOwner: true)
            bed.wakes.all()
            try await eventually("the acknowledgement") { bed.source.acknowledged == 2 }
            #expect(try await bed.value(at: TreeLayout.tags + "/" + topic) == 30)
        }
    }

    @Test("A gateway that does not own a shard writes nothing of it, and goes on once it does")
    func ownership() async throws {
        try await with { bed, group in
            group.addTask { try await bed.mirror.run() }
            bed.shards.set(isOwner: false, isIncomplete: true)
            await bed.hear(20)
            #expect(bed.plant.unwrittenCount(ownedBy: .max) == 1)
            #expect(bed.source.acknowledged == 0, "the shard comes in a moment, and the batch waits for it")
            bed.shards.set(isOwner: true)
            bed.wakes.all()
            try await eventually("the value") { try await bed.value() == 20 }
        }
    }

    @Test("A gateway that was deposed changes nothing, whatever it believes")
    func deposed() async throws {
        try await with { bed, group in
            await bed.hear(20)
            try await bed.tree.operatorClient.delete(bed.lease.path)
            group.addTask { try await bed.mirror.run() }
            try await eventually("the fence") { bed.counters.fencedWrites.current > 0 || !bed.lease.isValid() }
            let value = try await bed.value()
            #expect(value == nil)
            try await eventually("the value waits for the next owner") {
                bed.plant.unwrittenCount(ownedBy: .max) == 1
            }
        }
    }

    @Test("A tag whose node somebody has deleted is made again")
    func deleted() async throws {
        try await with { bed, group in
            group.addTask { try await bed.mirror.run() }
            await bed.hear(20)
            try await eventually("the value") { try await bed.value() == 20 }
            try await bed.tree.deleteAll("/tags/factory")
            await bed.hear(21)
            try await eventually("the value again") { try await bed.value() == 21 }
        }
    }

    @Test("A tag whose node the tree refuses costs itself alone, is said, and is written once it may be")
    func refused() async throws {
        try await with { bed, group in
            group.addTask { try await bed.mirror.run() }
            await bed.hear(20)
            try await eventually("the value") { try await bed.value() == 20 }
            try await bed.tree.operatorClient.setACL(Self.path, acl: Self.readOnly)
            let topics = (2...9).map { "factory/line1/press\($0)/temperature" }
            await bed.hear(21, topics: [Self.topic] + topics)
            try await eventually("the others") {
                try await TreeWalk(client: bed.client).data(of: topics.map { TreeLayout.tags + "/" + $0 })
                    .allSatisfy { $0 != nil }
            }
            let (value, problems) = (try await bed.value(), bed.health.problems)
            #expect(value == 20 && problems.isEmpty, "not for a moment's failure")
            // Others go on without waiting for it, and do not hide that it fails.
            bed.healthClock.advance(by: .seconds(6))
            await bed.hear(31, topics: topics)
            try await eventually("it is said", seen: { "\(bed.health.problems)" }) {
                bed.health.problems.first?.kind == "tags"
                    && bed.health.problems.first?.cause.contains("NoAuth") == true
            }
            await bed.hear(32, topics: topics)
            try await eventually("another") {
                let node = try await bed.client.getData(TreeLayout.tags + "/" + topics[0])
                return TagRecord(parsing: node.data ?? [])?.value?.doubleValue == 32
            }
            #expect(bed.health.problems.count == 1)
            try await bed.tree.operatorClient.setACL(Self.path, acl: ACL.worldAll)
            try await eventually("the value") { try await bed.value() == 21 }
            try await eventually("nothing fails") { bed.health.problems.isEmpty }
        }
    }

    @Test("A tag for which a quota leaves no room costs itself alone")
    func quota() async throws {
        try await with(enforcesQuota: true) { bed, group in
            try await bed.tree.operatorClient.ensurePath(TreeLayout.tags + "/factory/line1/press1")
            let administrator = ZooKeeperClient(
                configuration: try .init(connectString: "127.0.0.1:\(bed.tree.port)"), logger: bed.tree.logger)
            group.addTask { try await administrator.run() }
            _ = try await administrator.waitUntilConnected(timeout: .seconds(10))
            let quota = "/zookeeper/quota/linekeeper/test\(TreeLayout.tags)/factory/line1/press1"
            try await administrator.ensurePath(quota)
            for (name, data) in [
                ("zookeeper_limits", "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=1"),
                ("zookeeper_stats", "count=1,bytes=0"),
            ] {
                _ = try await administrator.create(quota + "/" + name, data: Array(data.utf8))
            }
            group.addTask { try await bed.mirror.run() }
            let topics = (2...9).map { "factory/line1/press\($0)/temperature" }
            await bed.hear(20, topics: [Self.topic] + topics)
            for topic in topics {
                try await eventually(topic) { try await bed.value(at: TreeLayout.tags + "/" + topic) == 20 }
            }
            let value = try await bed.value()
            #expect(value == nil)
            try await administrator.setData(quota + "/zookeeper_limits", data: Array("count=-1,bytes=-1".utf8))
            try await eventually("there is room") { try await bed.value() == 20 }
        }
    }

    @Test("What is handed over is written first")
    func drains() async throws {
        try await with { bed, group in
            bed.shards.set(isOwner: false)
            group.addTask { try await bed.mirror.run() }
            await bed.hear(20)
            await bed.mirror.drain(.max, atMost: .milliseconds(50))
            let before = try await bed.value()
            #expect(before == nil)
            bed.shards.set(isOwner: true)
            await bed.mirror.drain(.max, atMost: .seconds(10))
            let value = try await bed.value()
            #expect(value == 20)
        }
    }

    @Test("A node that may be written and not read is tried now and then, and keeps no gateway from ending")
    func unreadable() async throws {
        try await with { bed, group in
            let operatorClient = bed.tree.operatorClient
            try await operatorClient.ensurePath(String(Self.path.dropLast("/temperature".count)))
            try await operatorClient.create(
                Self.path, data: nil, acl: [ACL(permissions: .write, scheme: "world", id: "anyone")])
            let services = ServiceGroup(
                configuration: .init(services: [.init(service: bed.mirror)], logger: bed.tree.logger))
            let running = Task { try await services.run() }
            await bed.hear(20, topics: [Self.topic, "factory/line1/press2/temperature"])
            try await eventually("the other is written") {
                try await bed.value(at: TreeLayout.tags + "/factory/line1/press2/temperature") == 20
            }
            try await Task.sleep(for: .milliseconds(300))
            let flushes = bed.counters.mirrorFlushes.current
            #expect(flushes < 10, "it is not tried all the time")
            await services.triggerGracefulShutdown()
            try await running.value
        }
    }

    @Test("All last values are written on the way out, however many they are")
    func lastValues() async throws {
        try await with { bed, group in
            bed.shards.set(isOwner: false)
            let count = TagMirror<Shards>.tagsPerFlush + 100
            let services = ServiceGroup(
                configuration: .init(services: [.init(service: bed.mirror)], logger: bed.tree.logger))
            group.addTask { try await services.run() }
            await bed.hear(20, topics: (0..<count).map { "factory/line1/press1/m\($0)" })
            bed.shards.set(isOwner: true)
            await services.triggerGracefulShutdown()
            let folder = TreeLayout.tags + "/factory/line1/press1"
            try await eventually("all are written") {
                try await TreeWalk(client: bed.client).children(of: folder).count == count
            }
        }
    }

    @Test("A device is there while its owner hears it, and its node says since when")
    func devices() async throws {
        try await with { bed, group in
            group.addTask { try await bed.keeper.run() }
            await bed.hear(20)
            bed.wakes.all()
            let path = TreeLayout.devices + "/factory/line1/press1"
            try await eventually("the device") { try await bed.client.exists(path + "/@online") != nil }
            let data = try await bed.client.getData(path).data ?? []
            let record = try #require(DeviceRecord(data: data))
            #expect(record.state == .online && record.route == "machines")
            bed.plantClock.advance(by: .seconds(700))
            _ = bed.plant.advance(raisesUnheard: false)
            bed.wakes.all()
            try await eventually("it falls silent") { try await bed.client.exists(path + "/@online") == nil }
            let later = try await bed.client.getData(path).data ?? []
            #expect(DeviceRecord(data: later)?.state == .stale)
        }
    }

    @Test("A device stays there when the session of its former owner ends")
    func formerOwner() async throws {
        try await with { bed, group in
            let device = "factory/line1/press1"
            let former = try await bed.tree.client(in: &group)
            try await former.ensurePath(TreeLayout.devices + "/" + device)
            let online = TreeLayout.online(device: device)
            _ = try await former.create(online, data: [], mode: .ephemeral)
            group.addTask { try await bed.keeper.run() }
            await bed.hear(20)
            bed.wakes.all()
            try await eventually("the node is the owner's") {
                try await bed.client.exists(online)?.ephemeralOwner == bed.lease.sessionID
            }
        }
    }

    @Test(
        "A flood of devices whose nodes the tree refuses keeps no other waiting, is said, and is written once it may be"
    )
    func refusedDevices() async throws {
        try await with { bed, group in
            let refusing = TreeLayout.devices + "/factory/line1"
            try await bed.tree.operatorClient.ensurePath(refusing)
            try await bed.tree.operatorClient.setACL(refusing, acl: Self.readOnly)
            group.addTask { try await bed.keeper.run() }
            await bed.hear(
                20,
                topics: (1...600).map { "factory/line1/m\($0)/temperature" }
                    + (1...20).map { "factory/line2/m\($0)/temperature" })
            bed.wakes.all()
            try await eventually("the others") {
                (try? await bed.client.getChildren(TreeLayout.devices + "/factory/line2").count) == 20
            }
            let written = try await bed.client.getChildren(refusing)
            #expect(written.isEmpty)
            bed.healthClock.advance(by: .seconds(6))
            try await eventually("it is said", within: .seconds(10), seen: { "\(bed.health.problems)" }) {
                bed.health.problems.first?.kind == "devices"
                    && bed.health.problems.first?.cause.contains("NoAuth") == true
            }
            try await bed.tree.operatorClient.setACL(refusing, acl: ACL.worldAll)
            try await eventually("all", within: .seconds(10)) {
                try await bed.client.getChildren(refusing).count == 600
            }
            try await eventually("nothing fails") { bed.health.problems.isEmpty }
        }
    }
}
