import Logging
import MQTT
import Plant
import PlantClient
import PlantConfiguration
import Primitives
import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@testable import Gateway

extension InATree {
    @Suite("ShardCatchUp: what is gained is read before it is written", .timeLimit(.minutes(5)))
    struct ShardCatchUpTests {
        @Test("a gained shard may be written once its nodes have been read, and not before")
        func notBefore() async throws {
            try await Bed.with { bed, group in
                let press1 = try Bed.shard("press1")
                try await bed.own([press1], in: &group)
                let before = bed.catchUp.writable()
                #expect(before.leases[press1] != nil && before.mask == 0 && before.isIncomplete)
                #expect(bed.catchUp.writable(among: 0).isIncomplete, "whatever is to be written now")
                bed.run(in: &group)
                try await eventually("it may be written") { bed.catchUp.writable().mask == 1 << UInt64(press1) }
                #expect(!bed.catchUp.writable().isIncomplete)
                #expect(bed.catchUp.writable(among: ~(1 << UInt64(press1))).mask == 0)
                try await eventually("the mirror hears of it") { bed.caughtUp.all.count > 0 }
            }
        }

        /// Given a predecessor that has heard more of one machine and less of another, then the tree keeps the newer value of
        /// each.
        @Test("a newer value in the tree stays, and an older one is written over")
        func newest() async throws {
            try await Bed.with { bed, group in
                for machine in ["press1", "press2"] { try await bed.stand(machine, 10, age: .seconds(60)) }
                await bed.hear("press1", 20, age: .seconds(30))
                await bed.hear("press2", 21, age: .seconds(30))
                try await bed.write("press1", 30, age: .seconds(20))
                try await bed.write("press2", 31, age: .seconds(40))
                try await bed.own([try Bed.shard("press1"), try Bed.shard("press2")], in: &group)
                bed.run(in: &group)
                try await eventually("both are read") { bed.catchUp.writable().mask.nonzeroBitCount == 2 }
                let mask = bed.catchUp.writable().mask
                let written = bed.plant.takeChanged(ownedBy: mask, limit: .max).writes.map {
                    "\($0.znodePath) \(TagRecord(parsing: $0.data)?.value?.doubleValue ?? -1)"
                }
                #expect(written == [Bed.tag("press2") + " 21.0"])
                #expect(try bed.value("press1") == 30 && bed.value("press2") == 21)
            }
        }

        @Test("a lease that lapses and comes back needs no reading; another lease of the same shard does")
        func sameToken() async throws {
            try await Bed.with { bed, group in
                let press1 = try Bed.shard("press1")
                try await bed.stand("press1", 10, age: .seconds(60))
                try await bed.own([press1], in: &group)
                bed.run(in: &group)
                try await eventually("it is read") { bed.catchUp.writable().mask != 0 }
                // Only by a reading it would be seen.
                try await bed.write("press1", 30, age: .seconds(20))
                bed.lead.set(.seconds(3600))
                #expect(bed.catchUp.writable().leases[press1] == nil, "the deadline has passed")
                bed.lead.set(.zero)
                #expect(bed.catchUp.writable().mask != 0, "at once, without a turn in between")
                let told = bed.caughtUp.all.count
                bed.catchUp.wake()
                try await eventually("a turn") { bed.caughtUp.all.count > told }
                #expect(try bed.value("press1") == 10)

                let lease = try #require(bed.shards.lease(ofShard: press1))
                try await bed.tree.operatorClient.delete(lease.path)
                try await eventually("another lease, read") {
                    let (leases, mask, _) = bed.catchUp.writable()
                    return mask != 0 && leases[press1]?.token != lease.token
                }
                #expect(try bed.value("press1") == 30)
            }
        }

        @Test("a tree that fails meanwhile is asked again")
        func retries() async throws {
            try await Bed.with { bed, group in
                try await bed.stand("press1", 10, age: .seconds(60))
                try await bed.write("press1", 30, age: .seconds(20))
                let press1 = try Bed.shard("press1")
                try await bed.own([press1], in: &group)
                let lease = try #require(bed.shards.lease(ofShard: press1))
                // The request is on its way when its connection goes.
                bed.proxy.recordSent()
                bed.proxy.hold(.toServer)
                bed.run(in: &group)
                try await eventually("the request") { Requests(bed.proxy.sent).all.contains { $0.code == .sync } }
                bed.proxy.cut()
                bed.proxy.heal()
                try await eventually("a failure") { !bed.failures.all.isEmpty }
                // By itself: asking what may be written would wake it.
                try await eventually("it is read", seen: { "\(bed.failures.all.count) failures" }) {
                    try bed.value("press1") == 30
                }
                #expect(bed.shards.lease(ofShard: press1) == lease, "and not because another lease was won")
                #expect(bed.catchUp.writable().mask == 1 << UInt64(press1))
            }
        }

        @Test("who waits for a shard goes on when it may be written, and when it is lost")
        func waits() async throws {
            let fake = FakeClock()
            try await Bed.with(clock: GatewayClock(fake)) { bed, group in
                let (press1, press2) = (try Bed.shard("press1"), try Bed.shard("press2"))
                await bed.catchUp.waitUntilWritable(press1)
                try await bed.own([press1, press2], in: &group)
                let returned = Collected<Int>()
                for shard in [press1, press2] {
                    group.addTask {
                        await bed.catchUp.waitUntilWritable(shard)
                        returned.append(shard)
                    }
                }
                try await eventually("both wait") { fake.sleeperCount == 2 }
                bed.shards.want([press2])
                try await eventually("one is lost") { bed.shards.owned().mask == 1 << UInt64(press2) }
                try await eventually("its waiter returns") {
                    fake.advance(by: ShardCatchUp.look)
                    return !returned.all.isEmpty
                }
                try await eventually("the other waits") { fake.sleeperCount == 1 }
                #expect(returned.all == [press1])
                bed.run(in: &group)
                try await eventually("its waiter returns") {
                    fake.advance(by: ShardCatchUp.look)
                    return returned.all == [press1, press2]
                }
                #expect(bed.catchUp.writable().mask == 1 << UInt64(press2))
            }
        }

        @Test("what is read is at least as new as the election: the reading comes behind a sync")
        func sync() async throws {
            try await Bed.with { bed, group in
                try await bed.stand("press1", 10, age: .seconds(60))
                try await bed.own([try Bed.shard("press1")], in: &group)
                bed.proxy.recordSent()
                bed.run(in: &group)
                try await eventually("it is read") { bed.catchUp.writable().mask != 0 }
                let requests = Requests(bed.proxy.sent).all.filter { $0.path.contains(TreeLayout.tags) }
                #expect(requests.map(\.code) == [.sync, .getData])
            }
        }
    }
}

extension InATree.ShardCatchUpTests {
    /// One gateway's shards and what it has heard, at a tree behind a proxy. It reads nothing before ``run(in:)``.
    final class Bed: Sendable {
        let tree: TreeBed
        let proxy: FaultProxy
        let plant: PlantState
        let shards: ShardOwnership
        let catchUp: ShardCatchUp
        /// Attempts to read that have failed.
        let failures = Collected<Void>()
        /// Said when there are shards that may be written.
        let caughtUp = Collected<Void>()
        /// How far the clock by which leases are judged is ahead.
        let lead = Lead()
        private let now = WallClock.now()
        private let source = ScriptedSource()

        private init(_ tree: TreeBed, _ client: ZooKeeperClient, _ proxy: FaultProxy, clock: GatewayClock) throws {
            self.tree = tree
            self.proxy = proxy
            let configuration = try ConfigurationFixture([
                "linekeeper.yaml": soundHead + AlarmTestBed.plantFile
            ]).load()
            plant = try PlantState(
                configuration.plant, limits: configuration.local.limits, answerFilters: [], echoTopic: "",
                clock: .system, logger: tree.logger)
            let system = GatewayClock.system
            shards = ShardOwnership(
                client: client, gateway: "g",
                clock: GatewayClock(
                    wall: system.wall, now: { [lead] in system.now() + lead.value }, sleep: system.sleep),
                logger: tree.logger)
            // Each failure asks whether it is explained.
            let health = FailureBoard(
                isTreeAway: { [failures] in
                    failures.append(())
                    return false
                }, clock: .system, logger: tree.logger)
            catchUp = ShardCatchUp(
                client: client, plant: plant, shards: shards, health: health, clock: clock,
                caughtUp: { [caughtUp] in caughtUp.append(()) })
        }

        /// - Parameter clock: by which it waits.
        static func with(
            clock: GatewayClock = .system,
            _ body: @escaping @Sendable (Bed, inout ThrowingTaskGroup<Void, any Error>) async throws -> Void
        ) async throws {
            try await TreeBed.with { tree, group in
                let proxy = try FaultProxy(target: tree.port)
                defer { proxy.close() }
                let client = try await tree.client(in: &group, port: proxy.port)
                let bed = try Bed(tree, client, proxy, clock: clock)
                bed.shards.observe { if case .gained = $0 { bed.catchUp.wake() } }
                group.addTask { try await bed.shards.run() }
                try await body(bed, &group)
            }
        }

        static func tag(_ machine: String) -> String { "factory/line1/\(machine)/temperature" }

        static func shard(_ machine: String) throws -> Int {
            ShardMap.shard(of: try TagPath("factory/line1/\(machine)"))
        }

        func run(in group: inout ThrowingTaskGroup<Void, any Error>) {
            group.addTask { await self.catchUp.run() }
        }

        /// Comes to own these shards.
        func own(_ shards: Set<Int>, in group: inout ThrowingTaskGroup<Void, any Error>) async throws {
            self.shards.want(shards)
            try await eventually("the shards") { self.shards.owned().mask.nonzeroBitCount == shards.count }
        }

        /// A tag of which a sample of that age is in the tree and known here.
        func stand(_ machine: String, _ value: Double, age: Duration) async throws {
            let path = TreeLayout.tags + "/" + Self.tag(machine)
            try await tree.operatorClient.ensurePath(path)
            try await write(machine, value, age: age)
            plant.seedTag(
                znodePath: Self.tag(machine), data: try await tree.operatorClient.getData(path).data ?? [])
        }

        /// Another owner writes a sample of that age.
        func write(_ machine: String, _ value: Double, age: Duration) async throws {
            let time = now - age.wholeMilliseconds
            let record = TagRecord(value: .number(value), quality: .good, sourceTime: time, receivedTime: time)
            var data: [UInt8] = []
            record.write(into: &data)
            try await tree.operatorClient.setData(TreeLayout.tags + "/" + Self.tag(machine), data: data)
        }

        /// A sample of that age is heard here.
        func hear(_ machine: String, _ value: Double, age: Duration) async {
            let time = now - age.wholeMilliseconds
            let number = source.receive([(Self.tag(machine), #"{"v":\#(value),"ts":\#(time)}"#)], at: time)
            for await batch in source.batches {
                _ = plant.take(batch)
                if batch.number == number { break }
            }
        }

        func value(_ machine: String) throws -> Double? {
            plant.value(of: try TagPath(Self.tag(machine)))?.value?.doubleValue
        }
    }

    /// How far a clock is ahead.
    final class Lead: Sendable {
        private let lead = Mutex(Duration.zero)
        var value: Duration { lead.withLock { $0 } }
        func set(_ value: Duration) { lead.withLock { $0 = value } }
    }

    /// The requests in what a ZooKeeper client has sent.
    struct Requests {
        private(set) var all: [(code: OperationCode?, path: String)] = []

        init(_ bytes: [UInt8]) {
            var rest = bytes[...]
            while let length = Self.integer(rest, at: 0), rest.count >= 4 + Int(length) {
                // Number, code, and what most begin with: the length of a path and the path.
                let frame = rest.dropFirst(4).prefix(Int(length))
                let path = frame.dropFirst(12).prefix(Int(max(0, Self.integer(frame, at: 8) ?? 0)))
                all.append(
                    (
                        Self.integer(frame, at: 4).flatMap(OperationCode.init(rawValue:)),
                        String(decoding: path, as: UTF8.self)
                    ))
                rest = rest.dropFirst(4 + Int(length))
            }
        }

        private static func integer(_ bytes: ArraySlice<UInt8>, at offset: Int) -> Int32? {
            let field = bytes.dropFirst(offset).prefix(4)
            return field.count == 4 ? field.reduce(0) { $0 << 8 | Int32($1) } : nil
        }
    }
}
