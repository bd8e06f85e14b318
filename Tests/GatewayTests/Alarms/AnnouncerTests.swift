import JSON
import Plant
import PlantClient
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperRecipes

@testable import Gateway

@Suite("Announcer: a refusal is not an outcome")
struct AnnouncerTests {
    typealias Bed = AlarmTestBed

    @Test(
        "what the broker refuses is tried again until it is taken; recording does not wait, and the journal says the truth"
    )
    func refused() async throws {
        try await Bed.with { bed, group in
            let clock = FakeClock(wall: WallClock.now())
            let log = LogLines()
            let broker = ScriptedBroker()
            broker.refuse("linekeeper/test/alarm")
            let gateway = try await bed.gateway(
                "g1", in: &group, broker: broker, clock: GatewayClock(clock), logger: log.logger)
            gateway.hear("press1", 90)
            gateway.hear("press1", 20)
            gateway.hear("press2", 90)
            try await eventually("three recorded") { try await bed.journal().count == 3 }
            try await eventually("refusals") { broker.attempts.count { $0.hasPrefix("linekeeper/test/alarm") } >= 3 }
            for _ in 0..<80 {
                clock.advance(by: .milliseconds(100))
                try await Task.sleep(for: .milliseconds(2))
            }
            try await eventually("the warning", seen: { "\(log.all)" }) {
                clock.advance(by: .milliseconds(100))
                return log.count("warning alarm announcements do not reach the broker") == 1
            }
            #expect(try await bed.announced() == ["false", "false", "false"])
            #expect(gateway.number("announcementsWaiting") == 3)
            #expect((gateway.number("announcementsRefused") ?? 0) > 0)
            broker.refuse()
            try await eventually("all of them", seen: { "\(gateway.events)" }) {
                clock.advance(by: .seconds(1))
                return gateway.events.count == 3
            }
            #expect(gateway.events.filter { $0.contains("press1") } == ["ACT press1 1", "RTN press1 2"])
            try await eventually("the newest records") {
                clock.advance(by: .seconds(1))
                return gateway.retainedRevision("press1") == 2 && gateway.retainedRevision("press2") == 1
            }
            try await eventually("the truth") {
                clock.advance(by: .milliseconds(100))
                return try await bed.announced() == ["true", "true", "true"]
            }
            try await eventually("the end of it", seen: { "\(log.all)" }) {
                clock.advance(by: .milliseconds(100))
                return log.count("notice alarm announcements reach the broker again") == 1
            }
            #expect(gateway.number("announcementsWaiting") == 0 && gateway.number("announcementsRefused") == 0)
        }
    }

    @Test("a refused record does not hold back its event, nor other alarms")
    func oneRefused() async throws {
        try await Bed.with { bed, group in
            let broker = ScriptedBroker()
            broker.refuse("linekeeper/test/alarms/factory/line1/press1")
            let gateway = try await bed.gateway("g1", in: &group, broker: broker)
            gateway.hear("press1", 90)
            gateway.hear("press2", 90)
            try await eventually("both events") { Set(gateway.events) == ["ACT press1 1", "ACT press2 1"] }
            try await eventually("one mark") { Set(try await bed.announced()) == ["false", "true"] }
            broker.refuse()
            try await eventually("the record") { gateway.retainedRevision("press1") == 1 }
            try await eventually("both marks") { try await bed.announced() == ["true", "true"] }
            #expect(gateway.events.count == 2)
        }
    }

    @Test("the successor goes on with what is owed, under the same eventId")
    func takeover() async throws {
        try await Bed.with { bed, group in
            let refusing = ScriptedBroker()
            refusing.refuse("linekeeper/test/alarm")
            let first = try await bed.gateway("g1", in: &group, broker: refusing)
            try await eventually("the first is active") { first.processor.announcingLease != nil }
            let second = try await bed.gateway("g2", in: &group)
            for gateway in [first, second] { gateway.hear("press1", 90, at: 1_000_000) }
            try await eventually("recorded, seen by both") {
                try await bed.journal() == ["ACT press1 1"] && !second.plant.pendingTransitions.isWaiting
            }
            let eventID = try await bed.record("press1").eventID
            let path = try #require(first.processor.lease?.path)
            try await bed.tree.operatorClient.delete(path)
            try await eventually("the event") { second.events == ["ACT press1 1"] }
            let event = try #require(second.broker.messages(on: "linekeeper/test/alarm-events").first)
            #expect(try JSONValue(parsing: event.payload)["eventId"]?.stringValue == eventID)
            #expect(second.retainedRevision("press1") == 1)
            try await eventually("the mark") { try await bed.announced() == ["true"] }
            #expect(first.events.isEmpty)
        }
    }

    @Test(
        "after a day it is given up, and the journal says why; the record goes out in the end",
        arguments: [true, false])
    func givenUp(isConnected: Bool) async throws {
        try await Bed.with { bed, group in
            let clock = FakeClock(wall: WallClock.now())
            let log = LogLines()
            let broker = ScriptedBroker()
            broker.refuse("linekeeper/test/alarm")
            let gateway = try await bed.gateway(
                "g1", in: &group, broker: broker, clock: GatewayClock(clock), logger: log.logger)
            if !isConnected { broker.setConnected(false) }
            gateway.hear("press1", 90)
            try await eventually("recorded") { try await bed.announced() == ["false"] }
            if isConnected {
                try await eventually("both messages refused") { gateway.number("announcementsRefused") == 2 }
            }
            clock.advance(by: .seconds(25 * 3600))
            try await eventually("given up", seen: { (try? await bed.announced()).map { "\($0)" } ?? "-" }) {
                clock.advance(by: .milliseconds(100))
                return try await bed.announced() == [isConnected ? "refused" : "unannounced"]
            }
            #expect(gateway.number("announcementsGivenUp") == 1)
            try await eventually("the log says it", seen: { "\(log.all)" }) {
                log.count("error alarm events were given up") == 1
            }
            broker.refuse()
            broker.setConnected(true)
            try await eventually("the record") {
                clock.advance(by: .seconds(1))
                return gateway.retainedRevision("press1") == 1
            }
            #expect(gateway.events.isEmpty)
        }
    }

    @Test("announcing waits for the broker to come back")
    func away() async throws {
        try await Bed.with { bed, group in
            let broker = ScriptedBroker()
            broker.setConnected(false)
            let gateway = try await bed.gateway("g1", in: &group, broker: broker)
            gateway.hear("press1", 90)
            try await eventually("recorded") { try await bed.journal() == ["ACT press1 1"] }
            #expect(gateway.events.isEmpty)
            broker.setConnected(true)
            try await eventually("announced") { gateway.events == ["ACT press1 1"] }
        }
    }

    @Test("an entry that is trimmed while it is owed does not hold back the marks of others")
    func trimmedMeanwhile() async throws {
        try await Bed.with { bed, group in
            let broker = ScriptedBroker()
            broker.refuse("linekeeper/test/alarm-events")
            let gateway = try await bed.gateway("g1", in: &group, broker: broker)
            for machine in 1...5 { gateway.hear("press\(machine)", 90) }
            try await eventually("recorded") { try await bed.journal().count == 5 }
            let first = try await bed.tree.operatorClient.getChildren(TreeLayout.journal).sorted()[1]
            try await bed.tree.operatorClient.delete(TreeLayout.journal + "/" + first)
            broker.refuse()
            try await eventually("the others", seen: { "\((try? await bed.announced()) ?? [])" }) {
                try await bed.announced() == ["true", "true", "true", "true"]
            }
        }
    }
}
