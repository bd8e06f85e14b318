import Plant
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperRecipes

@testable import Gateway

@Suite("Deliveries: a second channel beside MQTT")
struct SecondChannelTests {
    typealias Bed = AlarmTestBed

    private static let pager = Channel(rawValue: "pager")

    @Test("a channel that hangs delays neither recording nor MQTT; both outcomes land in the same entry")
    func hangs() async throws {
        try await Bed.with { bed, group in
            let slow = SlowChannel()
            let gateway = try await bed.gateway("g1", in: &group, channels: [slow], marks: slow.marks)
            gateway.hear("press1", 90)
            gateway.hear("press1", 20)
            try await eventually("announced") { try await bed.announced() == ["true", "true"] }
            #expect(gateway.events == ["ACT press1 1", "RTN press1 2"])
            #expect(try await bed.deliveries(by: Self.pager) == ["owed", "owed"])
            #expect(slow.owed == ["ACT 1", "RTN 2"])

            slow.settleAll()
            try await eventually("the second channel's marks") {
                try await bed.deliveries(by: Self.pager) == ["delivered", "delivered"]
            }
            #expect(try await bed.deliveries(by: .mqtt) == ["delivered", "delivered"])
            try await eventually("nothing is held") { gateway.journal.board.heldSequences.isEmpty }
        }
    }

    @Test("what MQTT owes is not held up by a channel that is quicker, and what that gives up is said")
    func quicker() async throws {
        try await Bed.with { bed, group in
            let log = LogLines()
            let slow = SlowChannel()
            let broker = ScriptedBroker()
            broker.refuse("linekeeper/test/alarm-events")
            let gateway = try await bed.gateway(
                "g1", in: &group, broker: broker, channels: [slow], marks: slow.marks, logger: log.logger)
            gateway.hear("press1", 90)
            try await eventually("owed") { slow.owed == ["ACT 1"] }
            slow.settleAll(as: .givenUp(.refused))
            try await eventually("its mark") { try await bed.deliveries(by: Self.pager) == ["refused"] }
            #expect(try await bed.announced() == ["false"] && gateway.events.isEmpty)
            try await eventually("the log says it") { log.count("error alarm events were given up") == 1 }
            broker.refuse()
            try await eventually("announced") { try await bed.announced() == ["true"] }
            #expect(try await bed.deliveries(by: Self.pager) == ["refused"])
            #expect(gateway.counters.announced.current == 1)
        }
    }

    @Test("the successor continues each channel where the predecessor left it")
    func takeover() async throws {
        try await Bed.with { bed, group in
            let (one, two) = (SlowChannel(), SlowChannel())
            let first = try await bed.gateway("g1", in: &group, channels: [one], marks: one.marks)
            try await eventually("the first is active") { first.processor.announcingLease != nil }
            let second = try await bed.gateway("g2", in: &group, channels: [two], marks: two.marks)
            for gateway in [first, second] { gateway.hear("press1", 90, at: 1_000_000) }
            try await eventually("announced by the first") { try await bed.announced() == ["true"] }
            try await eventually("owed by both") { one.owed == ["ACT 1"] && two.owed == ["ACT 1"] }
            let path = try #require(first.processor.lease?.path)
            try await bed.tree.operatorClient.delete(path)
            try await eventually("the second is active") { second.processor.announcingLease != nil }
            // Too late: the outcome of a gateway that is not active any more does not count.
            one.settleAll(as: .givenUp(.refused))
            two.settleAll()
            try await eventually("its mark") { try await bed.deliveries(by: Self.pager) == ["delivered"] }
            #expect(try await bed.deliveries(by: .mqtt) == ["delivered"])
            #expect(second.events.isEmpty)
        }
    }
}
