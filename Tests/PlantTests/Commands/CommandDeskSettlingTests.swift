import Testing

@testable import Plant

@Suite("CommandDesk: commands of a shard that is about to be handed over")
struct CommandDeskSettlingTests {
    typealias Fixture = DeskFixture

    /// What a desk does with a new command.
    private func seen(_ desk: inout CommandDesk, _ id: String, _ command: String, czxid: Int64 = 2_000)
        -> [CommandAction]
    {
        desk.seen(Fixture.request(id, command), shard: 0, czxid: czxid, version: 0, at: 10)
    }

    @Test(
        "at most once: while SENT is being recorded the shard must not go; the command is published, and its answer ends it"
    )
    func betweenSentAndPublication() throws {
        var desk = Fixture.desk()
        let sent = try #require(seen(&desk, "a", "start").write)
        desk.settle(0)
        #expect(desk.settlement(of: 0) == .sending)
        let publication = try #require(desk.recorded(sent.ticket, version: 1, at: 20).publication)
        #expect(desk.settlement(of: 0) == .sending)
        #expect(desk.published(publication.ticket, .acknowledged, at: 30) == [])
        #expect(desk.settlement(of: 0) == .awaiting)
        let end = try #require(
            desk.answerReceived(topic: Fixture.ackTopic(), payload: Fixture.answer("a", "ok"), at: 40).write)
        #expect(end.record.state == .succeeded && desk.settlement(of: 0) == .awaiting)
        #expect(desk.recorded(end.ticket, version: 2, at: 50) == [])
        #expect(desk.settlement(of: 0) == .settled)
    }

    @Test("at most once: when it is not known whether SENT stands, the shard must not go before that is known")
    func unclear() throws {
        var desk = Fixture.desk()
        let sent = try #require(seen(&desk, "a", "start").write)
        desk.settle(0)
        #expect(desk.recordFailed(sent.ticket, .unclear, at: 20) == [])
        #expect(desk.settlement(of: 0) == .sending)
        #expect(desk.advance(to: 1_000) == [.read(id: "a")])
        // It does not stand: the next owner begins with it.
        #expect(desk.seen(Fixture.request("a", "start"), shard: 0, czxid: 2_000, version: 0, at: 1_000) == [])
        #expect(desk.settlement(of: 0) == .settled)
    }

    @Test("a record that the tree refuses holds nothing up")
    func refused() throws {
        var desk = Fixture.desk()
        let sent = try #require(seen(&desk, "a", "start").write)
        desk.settle(0)
        #expect(desk.recordFailed(sent.ticket, .refused, at: 20) == [])
        #expect(desk.settlement(of: 0) == .settled)
    }

    @Test("idempotent: published and recorded as sent before the shard may go")
    func idempotent() throws {
        var desk = Fixture.desk()
        let publication = try #require(seen(&desk, "a", "setSpeed").publication)
        desk.settle(0)
        #expect(desk.settlement(of: 0) == .sending)
        let sent = try #require(desk.published(publication.ticket, .acknowledged, at: 20).write)
        #expect(sent.record.state == .sent && desk.settlement(of: 0) == .sending)
        #expect(desk.recorded(sent.ticket, version: 1, at: 30) == [])
        #expect(desk.settlement(of: 0) == .awaiting)
    }

    @Test("nothing new is sent: no new command, none that waits for its turn, its broker or its interlock")
    func startsNothing() throws {
        var desk = Fixture.desk()
        let sent = try #require(seen(&desk, "a", "start").write)
        #expect(seen(&desk, "b", "start", czxid: 2_001) == [])
        let other = desk.seen(
            Fixture.request("g", "guarded", device: Fixture.press2), shard: 0, czxid: 2_002, version: 0, at: 10)
        let judgement = try #require(other.judgement)
        desk.settle(0)
        #expect(desk.judged(judgement.ticket, readings: [nil], at: 15) == [])
        let publication = try #require(desk.recorded(sent.ticket, version: 1, at: 20).publication)
        let end = try #require(
            desk.published(publication.ticket, .noSubscribers, at: 30).write)
        #expect(desk.recorded(end.ticket, version: 2, at: 40) == [], "b is not sent")
        #expect(desk.brokerAvailable(true, at: 50) == [])
        #expect(desk.settlement(of: 0) == .settled)
        // Lost and gained again, all of it has its turn.
        #expect(desk.shardLost(0) == [])
        #expect(desk.shardGained(0, epoch: Fixture.epoch + 5_000, at: 60).count == 2)
    }

    @Test("other shards go their way")
    func otherShards() {
        var desk = Fixture.desk()
        desk.settle(1)
        #expect(seen(&desk, "a", "start").write != nil)
        #expect(desk.settlement(of: 1) == .settled && desk.settlement(of: 0) == .sending)
    }
}
