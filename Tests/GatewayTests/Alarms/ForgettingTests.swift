import JSON
import OrderedCollections
import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@testable import Gateway
@testable import Plant

@Suite("Removing alarms, tags and devices")
struct ForgettingTests {
    typealias Bed = AlarmTestBed

    private static func ask(
        _ bed: Bed, _ subject: AlarmOperation.Subject, onlyIfOrphaned: Bool = false
    ) async throws -> RequestAnswer {
        try await bed.ask(
            AlarmOperation(.forget, subject, onlyIfOrphaned: onlyIfOrphaned, comment: "scrapped"), by: "ann")
    }

    /// The record of an alarm that the configuration does not define.
    private static func orphan() throws -> AlarmRecord {
        AlarmRecord(
            path: AlarmPath(tag: try TagPath("factory/line1/press1/temperature"), alarm: "tooHot"),
            lifeCycle: .init(condition: .high, isAcknowledged: false), priority: .high, eventID: "e1", occurrence: 3,
            value: 99,
            limit: 85, since: 1, epoch: 1, changedAt: 1, sampledAt: 1, revision: 7)
    }

    @Test("an alarm that nothing defines is acknowledged and removed: node, retained record, and for good")
    func orphanedAlarm() async throws {
        try await Bed.with { bed, group in
            let orphan = try Self.orphan()
            let node = AlarmStore.nodePath(of: orphan.path)
            try await bed.tree.operatorClient.ensurePath(String(node.dropLast("/@tooHot".count)))
            try await bed.tree.operatorClient.create(node, data: orphan.serialized())
            let gateway = try await bed.gateway("g1", in: &group)
            let standby = try await bed.gateway("g2", in: &group, broker: gateway.broker)
            try await eventually("it is compared with the broker") {
                gateway.broker.retained["linekeeper/test/alarms/\(orphan.path)"] != nil
            }
            let acknowledgement = AlarmOperation(
                .acknowledge, .alarm("tooHot", tag: orphan.path.tag.text), eventID: "e1")
            #expect(try await bed.ask(acknowledgement, by: "bob").result == .done)
            let answer = try await Self.ask(bed, .alarm("tooHot", tag: orphan.path.tag.text), onlyIfOrphaned: true)
            #expect(answer.result == .done, "\(answer)")
            #expect(try await bed.tree.operatorClient.exists(node) == nil)
            #expect(!gateway.processor.state.withLock { $0.recordsMayHaveGone })
            // Nodes that only led to it go as well.
            try await eventually("the way to it") {
                try await bed.tree.operatorClient.getChildren(TreeLayout.alarms).isEmpty
            }
            try await eventually("the broker has none") {
                gateway.broker.retained["linekeeper/test/alarms/\(orphan.path)"] == nil
            }
            try await eventually("announced", seen: { "\(gateway.events)" }) {
                gateway.events.suffix(2) == ["ACK press1 8", "FORGOTTEN press1 9"]
            }
            let entry = try #require(try await bed.entries().last { $0.transition == "FORGOTTEN" })
            #expect(entry.by?.name == "ann" && entry.details["comment"] == "scrapped")
            #expect(try await Self.ask(bed, .alarm("tooHot", tag: orphan.path.tag.text)).result == .refused)
            // Deleted nodes are written again from memory, but not this one.
            try await eventually("the standby has heard of it") { standby.known.record(of: orphan.path) == nil }
            #expect(gateway.known.record(of: orphan.path) == nil)
        }
    }

    /// Nothing is heard of the gateway's devices for longer than `staleAfter`, which is a second here.
    private static func fallSilent(_ gateway: Bed.TestGateway) async throws {
        try await eventually("the device is stale") {
            _ = gateway.plant.advance(raisesUnheard: false)
            return gateway.plant.value(of: try Bed.alarm("press1").tag)?.quality == .stale
        }
    }

    @Test("an alarm that is defined stays while it stands; a device takes its tags and alarms with it")
    func device() async throws {
        try await Bed.with { bed, group in
            let gateway = try await bed.gateway("g1", in: &group, staleAfter: "1s")
            let client = bed.tree.operatorClient
            gateway.hear("press1", 90)
            try await eventually("the alarm") { try await bed.announced() == ["true"] }
            let alarm = try Bed.alarm("press1")
            let refused = try await Self.ask(bed, .alarm("hot", tag: alarm.tag.text))
            #expect(refused.result == .refused && refused.reason?.contains("its tag is known") == true, "\(refused)")
            let online = try await Self.ask(bed, .device("factory/line1/press1"))
            #expect(online.result == .refused && online.reason?.contains("online") == true, "\(online)")
            #expect(try await Self.ask(bed, .device("factory/line1/nobody")).result == .refused)
            #expect(try await Self.ask(bed, .tag(alarm.tag.text), onlyIfOrphaned: true).result == .refused)

            // It is gone: what stands of it, with another device below it in the tree.
            try await Self.fallSilent(gateway)
            gateway.plant.forget(.device(try TagPath("factory/line1/press1")))
            let record = DeviceRecord(
                device: "factory/line1/press1", route: "machines", firstSeen: 1, state: .stale, since: 1)
            for path in [
                TreeLayout.tags + "/factory/line1/press1", TreeLayout.devices + "/factory/line1/press1",
                TreeLayout.devices + "/factory/line1/press1/spindle",
            ] { try await client.ensurePath(path) }
            try await client.setData(TreeLayout.devices + "/factory/line1/press1", data: record.serialized())
            let tag = TreeLayout.tags + "/" + alarm.tag.znodePath
            try await client.create(
                tag,
                data: TagRecord(
                    value: .integer(90), quality: .stale, sourceTime: 1, receivedTime: 1, unit: nil, delays: [:]
                ).serialized())
            gateway.plant.seedTag(znodePath: alarm.tag.znodePath, data: try await client.getData(tag).data ?? [])
            let answer = try await Self.ask(bed, .device("factory/line1/press1"))
            #expect(answer.result == .done && answer.removed == .init(tags: 1, alarms: 1), "\(answer)")
            #expect(try await client.exists(tag) == nil)
            #expect(try await client.exists(AlarmStore.nodePath(of: alarm)) == nil)
            #expect(try await client.getData(TreeLayout.devices + "/factory/line1/press1").data?.isEmpty ?? true)
            #expect(try await client.exists(TreeLayout.devices + "/factory/line1/press1/spindle") != nil)
            try await eventually("the broker has no record") { gateway.retainedRevision("press1") == nil }
            let entry = try #require(try await bed.entries().first { $0.kind == .operator })
            #expect(try entry.forgotten() == .device(try TagPath("factory/line1/press1")))

            // It speaks again: everything begins from nothing, and the alarm's record is newer than any before.
            gateway.hear("press1", 95)
            try await eventually("the alarm is back", seen: { (try? await bed.journal()).map { "\($0)" } ?? "-" }) {
                try await bed.journal() == ["ACT press1 1", "FORGOTTEN press1 2", "ACT press1 3"]
            }
            #expect(try await bed.record("press1").occurrence == 1)
        }
    }

    @Test(
        "what was removed does not come back from memory, whoever is active next, nor from an entry that is read again")
    func takeover() async throws {
        let known = KnownRecords()
        let record = try Self.orphan()
        known.take(record)
        var last = record
        last.revision = 8
        known.forget(last, at: 5)
        known.take(record)
        #expect(known.record(of: record.path) == nil && known.missing(in: AlarmStandings()).isEmpty)
        var newer = record
        newer.revision = 9
        #expect(known.isCurrent(newer) && !known.isCurrent(record))
        known.take(newer)
        // Late.
        known.forget(last, at: 5)
        #expect(known.record(of: record.path) == newer)
        known.entryRemoved(5)
        #expect(known.isCurrent(record))

        try await Bed.with { bed, group in
            let first = try await bed.gateway("g1", in: &group, staleAfter: "1s")
            let client = bed.tree.operatorClient
            first.hear("press1", 90)
            try await eventually("the alarm") { try await bed.announced() == ["true"] }
            try await Self.fallSilent(first)
            first.plant.forget(.tag(try Bed.alarm("press1").tag))
            let second = try await bed.gateway("g2", in: &group)
            #expect(try await Self.ask(bed, .alarm("hot", tag: try Bed.alarm("press1").tag.text)).result == .done)
            try await eventually("the standby has heard of it") {
                second.known.record(of: try Bed.alarm("press1")) == nil
            }
            first.election.setStanding(false)
            try await eventually("the second one is active") {
                try await bed.entries().contains { $0.gateway == "g2" && $0.transition == "ELECTED" }
            }
            #expect(try await client.exists(AlarmStore.nodePath(of: try Bed.alarm("press1"))) == nil)
            // Its memory has the revision, too.
            second.hear("press1", 95)
            try await eventually("raised again") { try await bed.journal().last == "ACT press1 3" }
        }
    }

    @Test("a device whose route is gone takes what lies below it along, but not what belongs to another device")
    func orphanedDevice() async throws {
        try await Bed.with { bed, group in
            let client = bed.tree.operatorClient
            let value = TagRecord(
                value: .integer(1), quality: .stale, sourceTime: 1, receivedTime: 1, unit: nil, delays: [:]
            ).serialized()
            func device(_ name: String) -> [UInt8] {
                DeviceRecord(device: name, route: "gone", firstSeen: 1, state: .online, since: 1).serialized()
            }
            for (path, data) in [
                ("/devices/q/n1", device("q/n1")), ("/devices/q/n1/x", device("q/n1/x")), ("/tags/q/n1/t", value),
                ("/tags/q/n1/t/u", value), ("/tags/q/n1/x/t", value), ("/tags/q/n1/y/t", value),
                ("/devices/q/n1/y", []),
            ] {
                try await client.ensurePath(path)
                try await client.setData(path, data: data)
            }
            let gateway = try await bed.gateway("g1", in: &group)
            try await eventually("it is active") { gateway.processor.announcingLease != nil }
            let answer = try await Self.ask(bed, .device("q/n1"), onlyIfOrphaned: true)
            #expect(answer.result == .done && answer.removed == .init(tags: 3, alarms: 0), "\(answer)")
            try await eventually("the rest of the tree") {
                try await TreeWalk(client: client).descendants(of: TreeLayout.tags).sorted()
                    == ["/tags/q", "/tags/q/n1", "/tags/q/n1/x", "/tags/q/n1/x/t"]
            }
            #expect(try await client.getData("/devices/q/n1").data?.isEmpty ?? true)
            #expect(try await client.getData("/devices/q/n1/x").data == device("q/n1/x"))
        }
    }

    @Test("a request that the tree cannot grant, or that is too much, is refused and holds nothing up")
    func impossible() async throws {
        try await Bed.with { bed, group in
            let client = bed.tree.operatorClient
            let orphan = try Self.orphan()
            let node = AlarmStore.nodePath(of: orphan.path)
            try await client.ensurePath(node + "/child")
            try await client.setData(node, data: orphan.serialized())
            let wide = DeviceRecord(device: "wide", route: "gone", firstSeen: 1, state: .stale, since: 1)
            try await client.ensurePath("/devices")
            try await client.create("/devices/wide", data: wide.serialized())
            try await client.ensurePath("/tags/wide")
            for start in stride(from: 0, to: 4_100, by: 100) {
                _ = try await client.transaction(
                    (start..<start + 100).map { .create(path: "/tags/wide/\($0)", data: [], mode: .persistent) })
            }
            let gateway = try await bed.gateway("g1", in: &group)
            try await eventually("it is active") { gateway.processor.announcingLease != nil }
            let refused = try await Self.ask(bed, .alarm("tooHot", tag: orphan.path.tag.text))
            #expect(refused.result == .refused && refused.reason?.contains("the tree refuses it") == true, "\(refused)")
            let tooMuch = try await Self.ask(bed, .device("wide"))
            #expect(tooMuch.result == .refused && tooMuch.reason?.contains("one transaction") == true, "\(tooMuch)")
            gateway.hear("press2", 90)
            try await eventually("the next alarm") { try await bed.journal().last == "ACT press2 1" }
        }
    }

    @Test("a broker that comes back with what it had on its disk loses removed alarms again, and no others")
    func brokerFromDisk() async throws {
        try await Bed.with { bed, group in
            let orphan = try Self.orphan()
            let node = AlarmStore.nodePath(of: orphan.path)
            try await bed.tree.operatorClient.ensurePath(String(node.dropLast("/@tooHot".count)))
            try await bed.tree.operatorClient.create(node, data: orphan.serialized())
            let gateway = try await bed.gateway("g1", in: &group)
            let topic = "linekeeper/test/alarms/\(orphan.path)"
            try await eventually("it is compared with the broker") { gateway.broker.retained[topic] != nil }
            #expect(try await Self.ask(bed, .alarm("tooHot", tag: orphan.path.tag.text)).result == .done)
            try await eventually("the broker has none") { gateway.broker.retained[topic] == nil }
            var stranger = orphan
            stranger.path = AlarmPath(tag: orphan.path.tag, alarm: "stranger")
            let strangersTopic = "linekeeper/test/alarms/\(stranger.path)"
            gateway.broker.setRetained(topic, orphan.serialized())
            gateway.broker.setRetained(strangersTopic, stranger.serialized())
            gateway.session.setConnected(false)
            gateway.session.setConnected(true)
            try await eventually("removed again") { gateway.broker.retained[topic] == nil }
            #expect(gateway.broker.retained[strangersTopic] != nil)
        }
    }
}
