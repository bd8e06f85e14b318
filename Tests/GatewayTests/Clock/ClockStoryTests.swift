import MQTT
import Plant
import PlantClient
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@testable import Gateway
@testable import MQTT

/// The gateway's clock leaps to 2036 for seventy seconds and comes back: longer than it is doubted.
@Suite("A gateway whose clock leaps to 2036 and back")
struct ClockStoryTests {
    private static let leap: Milliseconds = 311_040_000_000

    /// Given an alarm that is raised while the clock shows 2036, when the clock is back, then its dates are corrected in a
    /// member of their own, and what follows is dated as it happens.
    @Test("an alarm is not dated in 2036 for ever")
    func alarm() async throws {
        try await AlarmTestBed.with { bed, group in
            let clock = FakeClock(wall: WallClock.now())
            let gateway = try await bed.gateway("g1", in: &group, clock: GatewayClock(clock))
            gateway.hearUndated("press1", 20, at: clock.wall)
            try await eventually("it is active") { gateway.processor.announcingLease != nil }
            let start = clock.wall
            clock.setWall(start + Self.leap)
            clock.advance(by: .seconds(70))
            gateway.hearUndated("press1", 97, at: clock.wall)
            try await eventually("the alarm") { gateway.events == ["ACT press1 1"] }
            let before = try await bed.record("press1")
            #expect(before.since == start + Self.leap + 70_000 && before.corrected.isEmpty)

            clock.setWall(clock.wall - Self.leap)
            gateway.hearUndated("press1", 97, at: clock.wall)
            try await eventually("the correction", seen: { (try? await bed.journal()).map { "\($0)" } ?? "-" }) {
                try await bed.record("press1").revision == 2
            }
            let after = try await bed.record("press1")
            #expect(after.eventID == before.eventID && after.state == before.state)
            #expect(after.since == before.since && after.changedAt == before.changedAt)
            #expect(after.sampledAt == before.sampledAt)
            #expect(after.corrected.since == start + 70_000 && after.corrected.sampledAt == start + 70_000)
            try await eventually("the broker has it") { gateway.retainedRevision("press1") == 2 }

            clock.advance(by: .seconds(1))
            gateway.hearUndated("press1", 20, at: clock.wall)
            try await eventually("the return") { gateway.events == ["ACT press1 1", "RTN press1 3"] }
            let end = try await bed.record("press1")
            #expect(end.changedAt == start + 71_000 && end.corrected.changedAt == nil)
            #expect(end.corrected.since == start + 70_000)
            #expect(try await bed.journal() == ["ACT press1 1", "CORRECTED press1 2", "RTN press1 3"])
        }
    }

    /// Given an alarm that is raised while the clock shows 2036, and whose transaction goes through without an answer, when the
    /// clock is back, then its dates are corrected all the same.
    @Test("an alarm whose record nobody has confirmed is not dated in 2036 for ever either")
    func unconfirmed() async throws {
        try await AlarmTestBed.with { bed, group in
            let proxy = try FaultProxy(target: bed.tree.port)
            defer { proxy.close() }
            let clock = FakeClock(wall: WallClock.now())
            let gateway = try await bed.gateway("g1", in: &group, port: proxy.port, clock: GatewayClock(clock))
            // Its node is there, so that the transaction is all that is asked for.
            for value in [97.0, 20] {
                gateway.hearUndated("press1", value, at: clock.wall)
                clock.advance(by: .seconds(1))
            }
            try await eventually("an alarm before") { gateway.events == ["ACT press1 1", "RTN press1 2"] }
            let start = clock.wall
            clock.setWall(start + Self.leap)
            clock.advance(by: .seconds(70))
            proxy.discard(.toClient)
            gateway.hearUndated("press1", 97, at: clock.wall)
            try await eventually("the commit") { try await bed.journal().last == "ACT press1 3" }
            clock.setWall(clock.wall - Self.leap)
            proxy.cut()
            proxy.heal()
            gateway.wakes.alarms.wake()
            try await eventually("the correction", seen: { (try? await bed.journal()).map { "\($0)" } ?? "-" }) {
                clock.advance(by: .seconds(1))
                return try await bed.journal().dropFirst(2) == ["ACT press1 3", "CORRECTED press1 4"]
            }
            #expect(try await bed.record("press1").corrected.since == start + 70_000)
        }
    }

    /// Given an at-most-once command that was carried out, when the clock leaps and everything is trimmed that is old by it,
    /// then the command is still known; and while the clock is in doubt no other one leaves.
    @Test(
        "a command is not repeated under its id, the journal stays, and commands are refused while the clock is in doubt"
    )
    func commands() async throws {
        typealias Bed = CommandTestBed
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                // The same leap on both; time passes for the one who trims, and the gateway keeps its session.
                let clock = FakeClock(wall: WallClock.now())
                let trimming = FakeClock(wall: clock.wall)
                let gateway = try await bed.gateway("g1", in: &group, clock: GatewayClock(clock))
                let lease = try await gateway.own(Bed.press, in: &group)
                let trimmer = HistoryTrimmer(
                    client: bed.operatorClient, channels: [.mqtt], clock: GatewayClock(trimming), logger: bed.logger)
                func pass(_ seconds: Int) async throws {
                    for _ in stride(from: 0, to: seconds, by: 10) {
                        trimming.advance(by: .seconds(10))
                        _ = try await trimmer.step(lease: lease)
                    }
                }
                @Sendable func sent() -> [String] {
                    gateway.published("start").map {
                        String(decoding: $0.properties.correlationData ?? [], as: UTF8.self)
                    }
                }
                func ask(_ id: String) async throws -> CommandRecord {
                    var request = Bed.request(id, "start")
                    request.requestedAt = clock.wall
                    try await bed.submit(request)
                    try await eventually("\(id) leaves or is refused") {
                        let isOver = try await bed.record(id)?.state.isFinal == true
                        return isOver || sent().contains(id)
                    }
                    gateway.answer(id)
                    return try await bed.finish(id)
                }
                _ = try await trimmer.step(lease: lease)
                try await bed.submit(Bed.request("order-1", "start"))
                try await eventually("it leaves") { sent() == ["order-1"] }
                gateway.answer("order-1")
                #expect(try await bed.finish("order-1").state == .succeeded)
                let journal = try await bed.operatorClient.getChildren(TreeLayout.journal).count
                #expect(journal >= 3)

                clock.setWall(clock.wall + Self.leap)
                trimming.setWall(trimming.wall + Self.leap)
                let refused = try await ask("order-2")
                #expect(refused.state == .rejected && refused.reason == .clock)
                #expect(refused.detail?.hasPrefix("clock uncertain") == true)
                try await pass(70)
                clock.setWall(clock.wall - Self.leap)
                trimming.setWall(trimming.wall - Self.leap)
                #expect(try await ask("order-3").reason == .clock)
                try await pass(60)

                #expect(try await bed.operatorClient.getChildren(TreeLayout.journal).count >= journal)
                // Its id is not forgotten.
                await #expect(throws: ZooKeeperError.self) { try await bed.submit(Bed.request("order-1", "start")) }
                #expect(try await bed.record("order-1")?.state == .succeeded)
                #expect(sent() == ["order-1"])
                group.cancelAll()
            }
        }
    }
}

extension AlarmTestBed.TestGateway {
    /// A machine that has no clock says how hot it is.
    fileprivate func hearUndated(_ machine: String, _ value: Double, at time: Int64) {
        var batch = BatchBuilder(reservingMessages: 1, bytes: 64)
        let topic = Array("factory/line1/\(machine)/temperature".utf8)
        let payload = Array(#"{"v":\#(value)}"#.utf8)
        topic.withUnsafeBytes { topic in
            payload.withUnsafeBytes { payload in
                _ = batch.append(
                    topic: topic, payload: payload, qos: .atLeastOnce, retain: false, properties: nil,
                    receivedAtMs: time)
            }
        }
        _ = plant.take(batch.finish())
        wakes.alarms.wake()
    }
}
