import Plant
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperRecipes

@testable import Gateway

@Suite("RetainedRecords: what a broker has lost comes back")
struct RetainedRecordsTests {
    typealias Bed = AlarmTestBed
    static let prefix = "linekeeper/test/alarms/factory/line1/"

    @Test("when the listening session is lost, the records that differ are published again, without events")
    func sessionLost() async throws {
        try await Bed.with { bed, group in
            let gateway = try await bed.gateway("g1", in: &group)
            for machine in 1...3 { gateway.hear("press\(machine)", 90) }
            gateway.hear("press3", 20)
            try await eventually("announced") { gateway.events.count == 4 }
            // What the first comparison found missing is published, too.
            try await eventually("compared once") {
                gateway.retained.hasCompared && gateway.number("announcementsWaiting") == 0
            }
            let kept = gateway.broker.retained
            gateway.broker.setRetained(Self.prefix + "press1/temperature/hot", nil)
            gateway.broker.setRetained(Self.prefix + "press3/temperature/hot", Array("{}".utf8))
            gateway.broker.setRetained(Self.prefix + "orphan/temperature/hot", Array("{}".utf8))
            let before = gateway.broker.attempts.count
            // The listening connection comes back, and the broker does not know its session any more.
            gateway.session.setConnected(false)
            gateway.session.setConnected(true)
            try await eventually("all back", seen: { "\(gateway.broker.attempts)" }) {
                kept.allSatisfy { gateway.broker.retained[$0.key] == $0.value }
            }
            try await eventually("no reading under way") { gateway.broker.subscriptions.isEmpty }
            let after = gateway.broker.attempts.dropFirst(before).filter { !$0.hasSuffix("echo") }
            #expect(Set(after) == [Self.prefix + "press1/temperature/hot", Self.prefix + "press3/temperature/hot"])
            #expect(after.count == 2 && gateway.events.count == 4)
        }
    }

    /// Given a broker that writes to its disk now and then, when it is killed, then it comes back with the session and with
    /// older records.
    @Test("when the publishing connection has come back, the records that differ are published again")
    func publishingLost() async throws {
        try await Bed.with { bed, group in
            let gateway = try await bed.gateway("g1", in: &group)
            gateway.hear("press1", 90)
            try await eventually("announced") { gateway.events.count == 1 }
            // What the first comparison found missing is published, too.
            try await eventually("compared once") {
                gateway.retained.hasCompared && gateway.number("announcementsWaiting") == 0
            }
            gateway.broker.setRetained(Self.prefix + "press1/temperature/hot", nil)
            gateway.broker.setConnected(false)
            gateway.broker.setConnected(true)
            try await eventually("the record") { gateway.retainedRevision("press1") == 1 }
            #expect(gateway.events.count == 1)
        }
    }

    @Test("a takeover compares; the first connection of a process does not count as a loss")
    func takeover() async throws {
        try await Bed.with { bed, group in
            let first = try await bed.gateway("g1", in: &group)
            first.hear("press1", 90)
            try await eventually("announced") { try await bed.announced() == ["true"] }
            // The successor's broker is a new one.
            let second = try await bed.gateway("g2", in: &group)
            try await bed.tree.operatorClient.delete(try #require(first.processor.lease?.path))
            try await eventually("the record") { second.retainedRevision("press1") == 1 }
            #expect(second.events.isEmpty)
            #expect(second.broker.attempts.filter { $0.hasSuffix("echo") }.count == 1)
        }
    }

    @Test("a broker that does not show what it retains gets every record")
    func unreadable() async throws {
        try await Bed.with { bed, group in
            let broker = ScriptedBroker()
            let gateway = try await bed.gateway("g1", in: &group, broker: broker)
            gateway.hear("press1", 90)
            try await eventually("announced") { gateway.events.count == 1 }
            try await eventually("no reading under way") {
                !broker.attempts.filter { $0.hasSuffix("echo") }.isEmpty && broker.subscriptions.isEmpty
            }
            broker.refuse("linekeeper/test/gateways/")
            broker.forgetRetained()
            gateway.session.setConnected(false)
            gateway.session.setConnected(true)
            try await eventually("the record") { gateway.retainedRevision("press1") == 1 }
        }
    }

    @Test("an alarm that owes an announcement is left to it")
    func owed() async throws {
        try await Bed.with { bed, group in
            let broker = ScriptedBroker()
            broker.refuse("linekeeper/test/alarm-events")
            let gateway = try await bed.gateway("g1", in: &group, broker: broker)
            gateway.hear("press1", 90)
            try await eventually("the record") { gateway.retainedRevision("press1") == 1 }
            gateway.session.setConnected(false)
            gateway.session.setConnected(true)
            try await eventually("compared twice") {
                broker.attempts.filter { $0.hasSuffix("echo") }.count == 2 && broker.subscriptions.isEmpty
            }
            broker.refuse()
            try await eventually("the event") { gateway.events == ["ACT press1 1"] }
            #expect(broker.messages(on: Self.prefix + "press1/temperature/hot").count == 1)
        }
    }
}
