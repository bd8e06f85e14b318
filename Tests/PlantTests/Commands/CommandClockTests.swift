import Plant
import Testing

@Suite("Commands and the gateway's own clock")
struct CommandClockTests {
    typealias Fixture = DeskFixture

    private static let now: Milliseconds = 1_767_225_600_000
    private static let leaps: [Milliseconds] = [-311_040_000_000, -5_000, 5_000, 311_040_000_000]
    private static let day: Milliseconds = 24 * 3_600_000

    private func request(_ id: String, _ command: String) -> CommandRecord {
        Fixture.request(id, command, at: Self.now)
    }

    private func isRefused(_ write: CommandWrite?) -> Bool {
        write?.record.reason == .clock && write?.record.detail?.hasPrefix("clock uncertain") == true
    }

    // MARK: In doubt

    @Test(
        "while the clock is in doubt a request is refused by name, and taken when it is not",
        arguments: [
            "start", "setSpeed",
        ])
    func refused(command: String) throws {
        var desk = Fixture.desk()
        desk.clockDoubt = 311_040_000_000
        let write = try #require(
            desk.seen(request("a", command), shard: 0, czxid: 2_000, version: 0, at: Self.now).write)
        #expect(write.record.state == .rejected && write.isRefusal && isRefused(write))
        #expect(write.record.detail?.contains("311040000.0 s") == true)
        #expect(desk.recorded(write.ticket, version: 1, at: Self.now) == [])
        desk.clockDoubt = nil
        let next = desk.seen(request("b", command), shard: 0, czxid: 2_001, version: 0, at: Self.now)
        #expect(next.write?.record.state == .sent || next.publication != nil)
    }

    @Test("what waits for its turn is refused when that comes")
    func waiting() throws {
        var desk = Fixture.desk()
        let sent = try #require(
            desk.seen(request("a", "start"), shard: 0, czxid: 2_000, version: 0, at: Self.now).write)
        let publication = try #require(desk.recorded(sent.ticket, version: 1, at: Self.now).publication)
        _ = desk.published(publication.ticket, .acknowledged, at: Self.now)
        #expect(desk.seen(request("b", "start"), shard: 0, czxid: 2_001, version: 0, at: Self.now) == [])
        desk.clockDoubt = -5_000
        let end = try #require(
            desk.answerReceived(topic: Fixture.ackTopic(), payload: Fixture.answer("a", "ok"), at: Self.now).write)
        #expect(end.record.state == .succeeded, "what the device did stays true")
        let next = try #require(desk.recorded(end.ticket, version: 2, at: Self.now).write)
        #expect(next.record.id == "b" && next.record.state == .rejected && isRefused(next))
    }

    @Test("what is under judgement when the clock leaps is refused")
    func judging() throws {
        var desk = Fixture.desk()
        let judgement = try #require(
            desk.seen(request("a", "guarded"), shard: 0, czxid: 2_000, version: 0, at: Self.now).judgement)
        desk.clockDoubt = 5_000
        let reading = Interlock.Reading(value: .bool(true), quality: .good, receivedAt: Self.now)
        let write = try #require(desk.judged(judgement.ticket, readings: [reading], at: Self.now).write)
        #expect(write.record.state == .rejected && isRefused(write))
    }

    @Test("an at-most-once command that stands as SENT and has not left does not leave")
    func recordedOnly() throws {
        var desk = Fixture.desk()
        let sent = try #require(
            desk.seen(request("a", "start"), shard: 0, czxid: 2_000, version: 0, at: Self.now).write)
        desk.clockDoubt = 5_000
        let end = try #require(desk.recorded(sent.ticket, version: 1, at: Self.now).write)
        #expect(end.record.state == .failed && isRefused(end))
    }

    @Test("an idempotent command that a former owner sent is not sent again, and its answer is awaited")
    func takenOver() throws {
        var desk = Fixture.desk()
        desk.clockDoubt = 5_000
        var record = request("a", "setSpeed")
        record.state = .sent
        record.attempt = 1
        record.execution = .idempotent
        record.deadline = Self.now + 10_000
        #expect(desk.seen(record, shard: 0, czxid: 500, version: 1, at: Self.now) == [])
        let end = desk.answerReceived(topic: Fixture.ackTopic(), payload: Fixture.answer("a", "ok"), at: Self.now)
        #expect(end.write?.record.state == .succeeded)
    }

    // MARK: When the clock is set

    @Test("an answer is awaited for as long as before, and the deadline stays what it was", arguments: leaps)
    func awaiting(leap: Milliseconds) throws {
        var desk = Fixture.desk()
        let sent = try #require(
            desk.seen(request("a", "start"), shard: 0, czxid: 2_000, version: 0, at: Self.now).write)
        let publication = try #require(desk.recorded(sent.ticket, version: 1, at: Self.now).publication)
        _ = desk.published(publication.ticket, .acknowledged, at: Self.now)
        desk.clockLeapt(by: leap)
        desk.clockDoubt = leap
        #expect(desk.advance(to: Self.now + leap + 9_999) == [])
        #expect(desk.nextDeadline == Self.now + leap + 10_000)
        let end = try #require(desk.advance(to: Self.now + leap + 10_000).write)
        #expect(end.record.state == .timedOut && end.record.deadline == Self.now + 10_000)
    }

    @Test("a pause before the next attempt ends as before", arguments: leaps)
    func pausing(leap: Milliseconds) throws {
        var desk = Fixture.desk()
        let first = try #require(
            desk.seen(request("a", "setSpeed"), shard: 0, czxid: 2_000, version: 0, at: Self.now).publication)
        #expect(desk.published(first.ticket, .notSent("no connection"), at: Self.now) == [])
        desk.clockLeapt(by: leap)
        #expect(desk.advance(to: Self.now + leap + 10) == [])
        #expect(desk.advance(to: Self.now + leap + 100).publication != nil)
    }

    // MARK: Deadlines

    @Test(
        "a deadline may lie a day ahead; without one it is what was asked and the timeout",
        arguments: [
            (nil, nil, nil, now + 10_000), (nil, day, nil, now + day), (now + day, nil, nil, now + day),
            (now + day + 1, nil, CommandState.rejected, now + day + 1), (now, nil, .expired, now),
            (now + 1, 5_000, nil, now + 1),
        ] as [(Milliseconds?, Milliseconds?, CommandState?, Milliseconds)])
    func deadlines(deadline: Milliseconds?, timeout: Milliseconds?, state: CommandState?, ends: Milliseconds) throws {
        var desk = Fixture.desk()
        var record = request("a", "start")
        record.deadline = deadline
        record.timeout = timeout
        let write = try #require(desk.seen(record, shard: 0, czxid: 2_000, version: 0, at: Self.now).write)
        #expect(write.record.state == state ?? .sent)
        #expect(write.record.deadline == ends)
        if state == .rejected { #expect(write.record.reason == .invalid) }
    }

    @Test("an at-most-once request that comes again with its old times comes too late")
    func comesAgain() throws {
        var desk = Fixture.desk()
        let write = try #require(
            desk.seen(request("a", "start"), shard: 0, czxid: 2_000, version: 0, at: Self.now + Self.day).write)
        #expect(write.record.state == .expired)
    }
}
