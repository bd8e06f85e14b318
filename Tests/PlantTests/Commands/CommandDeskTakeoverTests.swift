import JSON
import OrderedCollections
import Testing

@testable import Plant

@Suite("CommandDesk: commands whose shard changes hands")
struct CommandDeskTakeoverTests {
    typealias Fixture = DeskFixture

    /// A desk that has just taken over shard 0 at the time 1000, and what stands as `SENT` by a former owner.
    private func successor(_ records: CommandRecord..., heard: [UInt8]? = nil) -> (CommandDesk, [CommandAction]) {
        var desk = CommandDesk(gateway: "g2", catalogue: Fixture.catalogue)
        _ = desk.brokerAvailable(true, at: 0)
        for (index, record) in records.enumerated() {
            _ = desk.seen(record, shard: 0, czxid: Int64(10 + index), version: 1, at: 0)
        }
        if let heard { _ = desk.answerReceived(topic: Fixture.ackTopic(), payload: heard, at: 900) }
        let actions = desk.shardGained(0, epoch: 100, at: 1000)
        return (desk, actions)
    }

    private func sent(_ id: String, _ command: String, _ execution: CommandExecution, deadline: Milliseconds = 9000)
        -> CommandRecord
    {
        var record = Fixture.request(id, command)
        record.state = .sent
        record.execution = execution
        record.attempt = 1
        record.deadline = deadline
        record.gateway = "g1"
        record.epoch = 50
        return record
    }

    @Test("takeover, at most once: the answer to what the former owner sent counts, and the next command waits for it")
    func formerAnswer() throws {
        var (desk, actions) = successor(sent("a", "start", .atMostOnce), Fixture.request("b", "start"))
        #expect(actions == [])
        #expect(desk.awaitsAnswer(on: Fixture.ackTopic()))
        #expect(desk.wantsChange(of: "a"))
        #expect(!desk.isUnderway)
        #expect(desk.advance(to: 5000) == [])
        let end = try #require(
            desk.answerReceived(topic: Fixture.ackTopic(), payload: Fixture.answer("a", "ok"), at: 6000).write)
        #expect(end.record.state == .succeeded)
        #expect(end.record.reason == .device)
        #expect(end.record.attempt == 1)
        #expect(end.record.epoch == 100)
        let next = try #require(desk.recorded(end.ticket, version: 2, at: 6001).write)
        #expect(next.ticket.id == "b")
        #expect(next.record.state == .sent)
        #expect(desk.counters.published == 0)
    }

    @Test("takeover, at most once: without an answer it is UNKNOWN at its deadline, not before, and never sent again")
    func noFormerAnswer() throws {
        var (desk, actions) = successor(sent("a", "start", .atMostOnce), Fixture.request("b", "setSpeed"))
        #expect(actions == [])
        #expect(desk.brokerAvailable(false, at: 2000) == [])
        #expect(desk.brokerAvailable(true, at: 3000) == [])
        #expect(desk.advance(to: 8999) == [])
        let end = try #require(desk.advance(to: 9000).write)
        #expect(end.record.state == .unknown)
        #expect(end.record.reason == .takeover)
        #expect(end.record.detail?.contains("g1") == true)
        #expect(desk.recorded(end.ticket, version: 2, at: 9001).publication?.ticket.id == "b")
        #expect(desk.counters.published == 1)
    }

    @Test("takeover, at most once: where no answer can come it is UNKNOWN at once")
    func nothingToHear() throws {
        var (_, actions) = successor(sent("a", "kick", .atMostOnce))
        #expect(try #require(actions.write).record.state == .unknown)
        (_, actions) = successor(sent("a", "renamed", .atMostOnce))
        #expect(try #require(actions.write).record.state == .unknown)
        (_, actions) = successor(sent("a", "start", .atMostOnce, deadline: 1000))
        #expect(try #require(actions.write).record.state == .unknown)
    }

    @Test("takeover: what the device answered before the shard was gained counts", arguments: ["start", "setSpeed"])
    func heardBefore(command: String) throws {
        let execution: CommandExecution = command == "start" ? .atMostOnce : .idempotent
        let (desk, actions) = successor(
            sent("a", command, execution), heard: Fixture.answer("a", "error", message: "stuck"))
        let end = try #require(actions.write)
        #expect(end.record.state == .failed)
        #expect(end.record.detail == "stuck")
        #expect(end.expectedVersion == 1)
        #expect(desk.counters.published == 0)
    }

    @Test("takeover: an answer heard to what was never sent does not keep it from being sent")
    func heardTooEarly() throws {
        let (_, actions) = successor(Fixture.request("a", "start"), heard: Fixture.answer("a", "ok"))
        #expect(try #require(actions.write).record.state == .sent)
    }

    @Test("takeover, at most once: a wish to cancel is too late, an end recorded by somebody else counts")
    func changesWhileListening() throws {
        var wish = sent("a", "start", .atMostOnce)
        var (desk, _) = successor(wish)
        wish.cancelRequestedBy = Principal(claimed: "bob")
        #expect(desk.seen(wish, shard: 0, czxid: 10, version: 2, at: 1100) == [])
        let end = try #require(desk.advance(to: 9000).write)
        #expect(end.record.cancelRequestedBy?.name == "bob")
        #expect(end.expectedVersion == 2)
        (desk, _) = successor(sent("a", "start", .atMostOnce), Fixture.request("b", "setSpeed"))
        var over = wish
        over.state = .succeeded
        #expect(desk.seen(over, shard: 0, czxid: 10, version: 2, at: 1100).publication?.ticket.id == "b")
    }

    @Test("the shard comes back before the end could be recorded: what the device said is not forgotten")
    func answerSurvivesLoss() throws {
        var desk = Fixture.desk()
        let sent = try #require(
            desk.seen(Fixture.request("a", "start"), shard: 0, czxid: 2000, version: 0, at: 0).write)
        _ = desk.recorded(sent.ticket, version: 1, at: 1)
        let end = try #require(
            desk.answerReceived(topic: Fixture.ackTopic(), payload: Fixture.answer("a", "ok"), at: 2).write)
        _ = desk.recordFailed(end.ticket, .unclear, at: 3)
        _ = desk.shardLost(0)
        _ = desk.seen(sent.record, shard: 0, czxid: 2000, version: 1, at: 4)
        let again = try #require(desk.shardGained(0, epoch: 3000, at: 5).write)
        #expect(again.record.state == .succeeded)
        #expect(desk.counters.published == 1)
    }

    @Test("takeover: in flight and at most once becomes UNKNOWN, idempotent is sent again, late ones are TIMED_OUT")
    func takeover() throws {
        var desk = CommandDesk(gateway: "g2", catalogue: Fixture.catalogue)
        _ = desk.brokerAvailable(true, at: 0)
        func sent(
            _ id: String, _ command: String, _ execution: CommandExecution, _ device: String, deadline: Milliseconds
        ) -> CommandRecord {
            var record = Fixture.request(id, command, device: Fixture.device(device))
            record.state = .sent
            record.execution = execution
            record.attempt = 1
            record.sentAt = 5
            record.deadline = deadline
            record.gateway = "g1"
            record.epoch = 50
            return record
        }
        let records = [
            sent("once", "start", .atMostOnce, "f/l/1", deadline: 9000),
            sent("again", "setSpeed", .idempotent, "factory/l/2", deadline: 9000),
            sent("late", "setSpeed", .idempotent, "factory/l/3", deadline: 900),
            sent("gone", "setSpeed", .idempotent, "x/l/4", deadline: 9000),
        ]
        for (index, record) in records.enumerated() {
            #expect(desk.seen(record, shard: 0, czxid: Int64(10 + index), version: 1, at: 0) == [])
        }
        let actions = desk.shardGained(0, epoch: 100, at: 1000)
        #expect(actions.count == 3)
        for action in actions {
            switch action {
            case .record(let write) where write.ticket.id == "once":
                #expect(write.record.state == .unknown)
                #expect(write.record.reason == .takeover)
                #expect(write.record.epoch == 100)
            case .record(let write):
                #expect(write.ticket.id == "late")
                #expect(write.record.state == .timedOut)
            case .publish(let publication):
                #expect(publication.ticket.id == "again")
                #expect(publication.attempt == 2)
                #expect(publication.epoch == 100)
            case .judge, .read, .resync: Issue.record("unexpected \(action)")
            }
        }
        // Its definition is not here: it cannot be sent again, and ends at its deadline.
        #expect(
            desk.advance(to: 9000).contains {
                if case .record(let write) = $0 { write.ticket.id == "gone" } else { false }
            })
    }

    @Test("takeover: the answer to what the former owner sent counts")
    func answerToPredecessor() throws {
        var desk = CommandDesk(gateway: "g2", catalogue: Fixture.catalogue)
        var record = Fixture.request("a", "setSpeed")
        record.state = .sent
        record.execution = .idempotent
        record.attempt = 1
        record.deadline = 9000
        _ = desk.seen(record, shard: 0, czxid: 10, version: 1, at: 0)
        #expect(desk.shardGained(0, epoch: 100, at: 10) == [])
        let end = try #require(
            desk.answerReceived(topic: Fixture.ackTopic(), payload: Fixture.answer("a", "ok"), at: 20).write)
        #expect(end.record.state == .succeeded)
        #expect(end.record.attempt == 1)
    }

    @Test("losing the shard stops everything, and late outcomes change nothing")
    func shardLost() throws {
        var desk = Fixture.desk()
        let sent = try #require(
            desk.seen(Fixture.request("a", "start"), shard: 0, czxid: 2000, version: 0, at: 0).write)
        #expect(desk.shardLost(0) == [])
        #expect(desk.recorded(sent.ticket, version: 1, at: 1) == [])
        #expect(desk.advance(to: 100_000) == [])
        // Seen as it stands now, then gained again: it had been recorded by us, but who knows what came after.
        _ = desk.seen(sent.record, shard: 0, czxid: 2000, version: 1, at: 2)
        #expect(desk.shardGained(0, epoch: 3000, at: 3) == [])
        let end = try #require(desk.advance(to: 10_000).write)
        #expect(end.record.state == .unknown)
        #expect(desk.counters.published == 0)
    }

    @Test("a reading that is older than the command's end does not bring it back")
    func staleReading() throws {
        var desk = Fixture.desk()
        let publication = try #require(
            desk.seen(Fixture.request("a", "setSpeed"), shard: 0, czxid: 2000, version: 0, at: 0).publication)
        let sent = try #require(desk.published(publication.ticket, .acknowledged, at: 1).write)
        _ = desk.recorded(sent.ticket, version: 1, at: 2)
        let end = try #require(
            desk.answerReceived(topic: Fixture.ackTopic(), payload: Fixture.answer("a", "ok"), at: 3).write)
        _ = desk.recorded(end.ticket, version: 2, at: 4)
        #expect(desk.seen(sent.record, shard: 0, czxid: 2000, version: 1, at: 5) == [])
        // Deleted and asked for again, under the same id.
        _ = desk.gone("a", at: 6)
        #expect(
            desk.seen(Fixture.request("a", "setSpeed"), shard: 0, czxid: 3000, version: 0, at: 7).publication != nil)
    }

    @Test("the final record survives an unclear write")
    func finalUnclear() throws {
        var desk = Fixture.desk()
        let end = try #require(desk.seen(Fixture.request("a", "jump"), shard: 0, czxid: 2000, version: 0, at: 0).write)
        #expect(desk.recordFailed(end.ticket, .unclear, at: 1) == [])
        #expect(desk.advance(to: 60) == [.read(id: "a")])
        let again = try #require(
            desk.seen(Fixture.request("a", "jump"), shard: 0, czxid: 2000, version: 0, at: 61).write)
        #expect(again.record.state == .rejected)
        #expect(desk.recordFailed(again.ticket, .unclear, at: 62) == [])
        #expect(desk.advance(to: 120) == [.read(id: "a")])
        #expect(desk.seen(again.record, shard: 0, czxid: 2000, version: 1, at: 121) == [])
        #expect(desk.count == 0)
    }

    @Test("a deleted node lets the next command go")
    func gone() throws {
        var desk = Fixture.desk()
        _ = try #require(
            desk.seen(Fixture.request("a", "setSpeed"), shard: 0, czxid: 2000, version: 0, at: 0).publication)
        #expect(desk.seen(Fixture.request("b", "setSpeed"), shard: 0, czxid: 2001, version: 0, at: 0) == [])
        #expect(desk.gone("a", at: 1).publication?.ticket.id == "b")
        #expect(desk.listed([], at: 2) == [])
        #expect(desk.count == 0)
    }
}
