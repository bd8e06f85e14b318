import JSON
import Logging
import Plant
import TestFixtures
import Testing

@testable import Gateway

@Suite("CommandAnnouncer: with a clock of the test's own")
struct CommandAnnouncerTests {
    private func announcer(_ broker: ScriptedBroker, _ clock: FakeClock, limit: Int = 10) -> CommandAnnouncer {
        CommandAnnouncer(
            publisher: broker, topics: CommandTopics(plant: "test"), limit: limit,
            health: FailureBoard(clock: GatewayClock(clock), logger: Logger(label: "test")), clock: GatewayClock(clock))
    }

    @Test("while the broker is away it tries again; what is too old is dropped, and counted")
    func lifetime() async throws {
        let (broker, clock) = (ScriptedBroker(), FakeClock())
        let announcer = announcer(broker, clock)
        broker.setConnected(false)
        announcer.answer("first", on: "a", correlation: nil)
        let running = Task { await announcer.run() }
        try await eventually("an attempt that failed") { clock.sleeperCount == 1 }
        clock.advance(by: CommandAnnouncer.lifetime / 2)
        try await eventually("another one") { clock.sleeperCount == 1 }
        announcer.answer("second", on: "b", correlation: nil)
        broker.setConnected(true)
        clock.advance(by: CommandAnnouncer.lifetime / 2)
        try await eventually("the younger one") { broker.messages(on: "b").count == 1 }
        #expect(broker.messages(on: "a").isEmpty)
        try await eventually("idle") { announcer.isIdle }
        #expect(announcer.dropped == 1 && announcer.announced == 1)
        running.cancel()
        await running.value
    }

    @Test("that the broker refused what became of commands is no problem any more when nobody has asked for long")
    func idle() async throws {
        let (broker, clock) = (ScriptedBroker(), FakeClock())
        let board = FailureBoard(clock: GatewayClock(clock), logger: Logger(label: "test"))
        let announcer = CommandAnnouncer(
            publisher: broker, topics: CommandTopics(plant: "test"), limit: 10, health: board,
            clock: GatewayClock(clock))
        broker.refuse("a")
        let running = Task { await announcer.run() }
        for count in 1...2 {
            announcer.answer("no", on: "a", correlation: nil)
            try await eventually("a refusal") { announcer.dropped == count && announcer.isIdle }
            clock.advance(by: .seconds(6))
        }
        try await eventually("the problem") { board.problems.map(\.kind) == ["answers"] }
        clock.advance(by: CommandAnnouncer.idleTime - .seconds(7))
        announcer.withdrawIfIdle()
        #expect(board.untried.count == 1)
        clock.advance(by: .seconds(2))
        announcer.withdrawIfIdle()
        #expect(board.problems.isEmpty && board.untried.isEmpty && board.recovered.count == 1)
        running.cancel()
        await running.value
    }

    @Test("what waits is bounded: the oldest goes")
    func bound() async throws {
        let (broker, clock) = (ScriptedBroker(), FakeClock())
        let announcer = announcer(broker, clock, limit: 3)
        for number in 0..<5 { announcer.answer(.integer(Int64(number)), on: "a", correlation: nil) }
        #expect(announcer.dropped == 2)
        let running = Task { await announcer.run() }
        try await eventually("the rest") { announcer.announced == 3 }
        #expect(broker.messages(on: "a").map(\.text) == ["2", "3", "4"])
        running.cancel()
        await running.value
    }
}
