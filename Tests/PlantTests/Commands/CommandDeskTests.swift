import JSON
import OrderedCollections
import Testing

@testable import Plant

@Suite("CommandDesk: every way that a command can go")
struct CommandDeskTests {
    typealias Fixture = DeskFixture

    // MARK: At most once

    @Test("at most once: SENT is recorded, then published, then the answer is recorded")
    func atMostOnceSucceeds() throws {
        var desk = Fixture.desk()
        let sent = try #require(
            desk.seen(Fixture.request("a", "start"), shard: 0, czxid: 2000, version: 0, at: 10).write)
        #expect(sent.record.state == .sent)
        #expect(sent.from == .requested)
        #expect(sent.expectedVersion == 0)
        #expect(sent.epoch == Fixture.epoch)
        #expect(sent.record.epoch == Fixture.epoch)
        #expect(sent.record.gateway == "g1")
        #expect(sent.record.attempt == 1)
        #expect(sent.record.sentAt == 10)
        #expect(sent.record.deadline == 10_000)
        #expect(sent.record.execution == .atMostOnce)
        #expect(!desk.awaitsAnswer(on: Fixture.ackTopic()))

        let publication = try #require(desk.recorded(sent.ticket, version: 1, at: 20).publication)
        #expect(publication.message.topic == "factory/line1/press1/cmd/start")
        #expect(publication.message.answerTopic == "factory/line1/press1/ack")
        #expect(publication.message.qos == .atLeastOnce)
        #expect(publication.message.form == .json)
        #expect(publication.correlation == Array("a".utf8))
        #expect(publication.expirySeconds(at: 20) == 10)
        let payload = try JSONValue(parsing: publication.message.payload)
        #expect(
            payload == [
                "id": "a", "command": "start", "parameters": ["rpm": 700], "by": "ada", "deadline": 10_000,
                "epoch": 1000,
            ])
        #expect(desk.awaitsAnswer(on: Fixture.ackTopic()))

        #expect(desk.published(publication.ticket, .acknowledged, at: 30) == [])
        let end = try #require(
            desk.answerReceived(topic: Fixture.ackTopic(), payload: Fixture.answer("a", "ok"), at: 40).write)
        #expect(end.record.state == .succeeded)
        #expect(end.from == .sent)
        #expect(end.expectedVersion == 1)
        #expect(end.record.result?["status"] == "ok")
        #expect(end.record.finishedAt == 40)
        #expect(desk.recorded(end.ticket, version: 2, at: 50) == [])
        #expect(desk.count == 0)
        #expect(desk.isOver("a"))
        #expect(!desk.awaitsAnswer(on: Fixture.ackTopic()))
    }

    @Test("an answer that overtakes the broker's acknowledgement counts", arguments: ["start", "setSpeed"])
    func answerOvertakes(command: String) throws {
        var desk = Fixture.desk()
        var actions = desk.seen(Fixture.request("a", command), shard: 0, czxid: 2000, version: 0, at: 0)
        if let sent = actions.write { actions = desk.recorded(sent.ticket, version: 1, at: 0) }
        let publication = try #require(actions.publication)
        let end = try #require(
            desk.answerReceived(topic: Fixture.ackTopic(), payload: Fixture.answer("a", "ok"), at: 5).write)
        #expect(end.record.state == .succeeded)
        #expect(end.record.attempt == 1)
        #expect(end.record.sentAt != nil)
        #expect(desk.published(publication.ticket, .acknowledged, at: 6) == [])
        #expect(desk.published(publication.ticket, .unclear("late"), at: 6) == [])
        #expect(desk.recorded(end.ticket, version: 9, at: 7) == [])
        #expect(desk.count == 0)
    }

    @Test(
        "at most once: what the broker says decides",
        arguments: [
            (CommandPublishOutcome.noSubscribers, CommandState.failed, CommandReason.nobodyListens),
            (.refused("0x87"), .failed, .brokerRefused), (.notSent("no connection"), .failed, .notSent),
            (.unclear("reset"), .unknown, .connectionLost),
        ])
    func atMostOncePublishFails(outcome: CommandPublishOutcome, state: CommandState, reason: CommandReason) throws {
        var desk = Fixture.desk()
        let sent = try #require(
            desk.seen(Fixture.request("a", "start"), shard: 0, czxid: 2000, version: 0, at: 0).write)
        let publication = try #require(desk.recorded(sent.ticket, version: 1, at: 0).publication)
        let end = try #require(desk.published(publication.ticket, outcome, at: 5).write)
        #expect(end.record.state == state)
        #expect(end.record.reason == reason)
        #expect(end.record.detail != nil)
    }

    @Test("at most once: nothing is published when the record of SENT fails; what the tree says decides")
    func atMostOnceRecordUnclear() throws {
        var desk = Fixture.desk()
        let request = Fixture.request("a", "start")
        let sent = try #require(desk.seen(request, shard: 0, czxid: 2000, version: 0, at: 0).write)
        #expect(desk.recordFailed(sent.ticket, .unclear, at: 1) == [])
        #expect(desk.advance(to: 51) == [.read(id: "a")])
        // It had been written.
        var written = desk
        #expect(written.seen(sent.record, shard: 0, czxid: 2000, version: 1, at: 60).publication?.attempt == 1)
        // It had not.
        var unwritten = desk
        let again = try #require(unwritten.seen(request, shard: 0, czxid: 2000, version: 0, at: 60).write)
        #expect(again.record.state == .sent)
        #expect(again.expectedVersion == 0)
        // A former owner's write came through in the meantime.
        var former = sent.record
        former.epoch = 500
        former.gateway = "g0"
        #expect(desk.seen(former, shard: 0, czxid: 2000, version: 1, at: 60) == [])
        #expect(desk.awaitsAnswer(on: Fixture.ackTopic()))
        let end = try #require(desk.advance(to: 10_000).write)
        #expect(end.record.state == .unknown)
        #expect(end.record.detail?.contains("g0") == true)
        #expect(desk.counters.published == 0)
    }

    @Test("at most once: when the tree refuses SENT the others wait until its deadline, and no longer")
    func atMostOnceRecordRefused() throws {
        var desk = Fixture.desk()
        let request = Fixture.request("a", "start")
        let later = Fixture.request("b", "start", at: 5_000)
        let sent = try #require(desk.seen(request, shard: 0, czxid: 2000, version: 0, at: 0).write)
        #expect(desk.seen(later, shard: 0, czxid: 2001, version: 0, at: 5_000) == [])
        #expect(desk.recordFailed(sent.ticket, .refused, at: 5_001) == [])
        // It may be taken now.
        #expect(desk.advance(to: 7_000) == [])
        #expect(desk.advance(to: 7_001) == [.read(id: "a")])
        let again = try #require(desk.seen(request, shard: 0, czxid: 2000, version: 0, at: 7_002).write)
        var taken = desk
        #expect(taken.recorded(again.ticket, version: 1, at: 7_003).publication?.ticket.id == "a")
        // Or not.
        #expect(desk.recordFailed(again.ticket, .refused, at: 9_000) == [])
        #expect(desk.advance(to: 10_000) == [.read(id: "a")])
        let end = try #require(desk.seen(request, shard: 0, czxid: 2000, version: 0, at: 10_001).write)
        #expect(end.record.state == .expired)
        let next = try #require(desk.recordFailed(end.ticket, .refused, at: 10_002).write)
        #expect(next.record.id == "b" && next.record.state == .sent)
        #expect(desk.recorded(next.ticket, version: 1, at: 10_003).publication?.ticket.id == "b")
        // Its end is still to be recorded.
        #expect(desk.advance(to: 12_002) == [.read(id: "a")])
        let last = try #require(desk.seen(request, shard: 0, czxid: 2000, version: 0, at: 12_003).write)
        #expect(last.record.state == .expired)
        #expect(desk.recorded(last.ticket, version: 1, at: 12_004) == [])
        #expect(desk.isOver("a"))
    }

    @Test("idempotent: when the tree refuses SENT the others wait until its deadline; its answer counts all the same")
    func idempotentRecordRefused() throws {
        for answers in [true, false] {
            var desk = Fixture.desk()
            let request = Fixture.request("a", "setSpeed")
            let published = try #require(desk.seen(request, shard: 0, czxid: 2000, version: 0, at: 0).publication)
            let later = Fixture.request("b", "setSpeed", at: 5_000)
            #expect(desk.seen(later, shard: 0, czxid: 2001, version: 0, at: 5_000) == [])
            let sent = try #require(desk.published(published.ticket, .acknowledged, at: 5_001).write)
            #expect(desk.recordFailed(sent.ticket, .refused, at: 5_002) == [])
            if answers {
                let answer = Fixture.answer("a", "ok")
                #expect(desk.answerReceived(topic: Fixture.ackTopic(), payload: answer, at: 5_003) == [])
            }
            var now: Milliseconds = answers ? 7_002 : 10_000
            #expect(desk.advance(to: now).contains(.read(id: "a")))
            var end = try #require(desk.seen(request, shard: 0, czxid: 2000, version: 0, at: now).write)
            #expect(end.record.state == (answers ? .succeeded : .timedOut))
            if answers {
                // Another owner could write it, and would send it again.
                #expect(desk.recordFailed(end.ticket, .refused, at: now) == [])
                now = 10_000
                #expect(desk.advance(to: now).contains(.read(id: "a")))
                end = try #require(desk.seen(request, shard: 0, czxid: 2000, version: 0, at: now).write)
            }
            #expect(desk.recordFailed(end.ticket, .refused, at: now).publication?.ticket.id == "b")
        }
    }

    @Test("at most once: a deadline that passes while SENT is recorded keeps it from being sent")
    func atMostOnceDeadlineWhileRecording() throws {
        var desk = Fixture.desk()
        let sent = try #require(
            desk.seen(Fixture.request("a", "start"), shard: 0, czxid: 2000, version: 0, at: 0).write)
        #expect(desk.advance(to: 10_000) == [])
        let end = try #require(desk.recorded(sent.ticket, version: 1, at: 10_001).write)
        #expect(end.record.state == .expired)
    }

    // MARK: Idempotent

    @Test("idempotent: published first, SENT is recorded after")
    func idempotentSucceeds() throws {
        var desk = Fixture.desk()
        let publication = try #require(
            desk.seen(Fixture.request("a", "setSpeed"), shard: 0, czxid: 2000, version: 0, at: 0).publication)
        let sent = try #require(desk.published(publication.ticket, .acknowledged, at: 5).write)
        #expect(sent.record.state == .sent)
        #expect(sent.record.attempt == 1)
        // The answer is there before the record.
        #expect(
            desk.answerReceived(topic: Fixture.ackTopic(), payload: Fixture.answer("a", "bad", message: "stuck"), at: 6)
                == [])
        let end = try #require(desk.recorded(sent.ticket, version: 1, at: 7).write)
        #expect(end.record.state == .failed)
        #expect(end.record.detail == "stuck")
        #expect(end.record.attempt == 1)
        #expect(end.expectedVersion == 1)
    }

    @Test("idempotent: after a lost connection it is sent again, under the same id, until the deadline")
    func idempotentSentAgain() throws {
        var desk = Fixture.desk()
        let first = try #require(
            desk.seen(Fixture.request("a", "setSpeed"), shard: 0, czxid: 2000, version: 0, at: 0).publication)
        #expect(desk.brokerAvailable(false, at: 4) == [])
        let sent = try #require(desk.published(first.ticket, .unclear("reset"), at: 5).write)
        #expect(sent.record.attempt == 1)
        #expect(desk.recorded(sent.ticket, version: 1, at: 6) == [])
        #expect(desk.advance(to: 100) == [])
        let second = try #require(desk.brokerAvailable(true, at: 200).publication)
        #expect(second.ticket.id == "a")
        #expect(second.attempt == 2)
        let again = try #require(desk.published(second.ticket, .noSubscribers, at: 210).write)
        #expect(again.record.attempt == 2)
        #expect(desk.recorded(again.ticket, version: 2, at: 220) == [])
        let end = try #require(desk.advance(to: 10_000).write)
        #expect(end.record.state == .timedOut)
    }

    @Test("idempotent: what certainly did not leave is tried again, and expires")
    func idempotentNotSent() throws {
        var desk = Fixture.desk()
        var publication = try #require(
            desk.seen(Fixture.request("a", "setSpeed"), shard: 0, czxid: 2000, version: 0, at: 0).publication)
        for round in 1...3 {
            let now = Milliseconds(round) * 1000
            #expect(desk.published(publication.ticket, .notSent("no connection"), at: now) == [])
            publication = try #require(desk.advance(to: now + 100).publication)
            #expect(publication.attempt == 1)
        }
        #expect(desk.published(publication.ticket, .notSent("no connection"), at: 9_999) == [])
        let end = try #require(desk.advance(to: 10_000).write)
        #expect(end.record.state == .expired)
        #expect(end.record.attempt == 0)
    }

    @Test("idempotent: nobody listens")
    func idempotentNobodyListens() throws {
        var desk = Fixture.desk()
        let publication = try #require(
            desk.seen(Fixture.request("a", "setSpeed"), shard: 0, czxid: 2000, version: 0, at: 0).publication)
        let end = try #require(desk.published(publication.ticket, .noSubscribers, at: 5).write)
        #expect(end.record.state == .failed)
        #expect(end.record.reason == .nobodyListens)
    }

    @Test("a command without an answer ends with the broker's acknowledgement", arguments: ["tell", "kick"])
    func noAnswer(command: String) throws {
        var desk = Fixture.desk()
        var actions = desk.seen(Fixture.request("a", command), shard: 0, czxid: 2000, version: 0, at: 0)
        if let sent = actions.write { actions = desk.recorded(sent.ticket, version: 1, at: 0) }
        let publication = try #require(actions.publication)
        #expect(publication.message.answerTopic == nil)
        let end = try #require(desk.published(publication.ticket, .acknowledged, at: 5).write)
        #expect(end.record.state == .published)
        #expect(end.record.reason == .noAnswerDefined)
        #expect(end.record.detail?.contains("does not answer") == true)
    }

    @Test("answers: progress is waited past, strangers and rubbish are ignored, the first conclusive one counts")
    func answers() throws {
        var desk = Fixture.desk()
        let publication = try #require(
            desk.seen(Fixture.request("a", "slow"), shard: 0, czxid: 2000, version: 0, at: 0).publication)
        let sent = try #require(desk.published(publication.ticket, .acknowledged, at: 5).write)
        #expect(desk.recorded(sent.ticket, version: 1, at: 6) == [])
        let topic = Fixture.ackTopic()
        #expect(desk.answerReceived(topic: topic, payload: Fixture.answer("a", "executing"), at: 7) == [])
        #expect(desk.answerReceived(topic: topic, payload: Fixture.answer("b", "ok"), at: 7) == [])
        #expect(desk.answerReceived(topic: topic, payload: Array("{".utf8), at: 7) == [])
        #expect(desk.answerReceived(topic: topic, payload: [UInt8](repeating: 0x20, count: 5_000_000), at: 7) == [])
        #expect(desk.answerReceived(topic: topic, payload: Array("[1]".utf8), at: 7) == [])
        #expect(
            desk.answerReceived(topic: Fixture.ackTopic(Fixture.press2), payload: Fixture.answer("a", "ok"), at: 7)
                == [])
        let end = try #require(desk.answerReceived(topic: topic, payload: Fixture.answer("a", "error"), at: 8).write)
        #expect(end.record.state == .failed)
        #expect(desk.answerReceived(topic: topic, payload: Fixture.answer("a", "ok"), at: 9) == [])
        #expect(desk.counters.unreadableAnswers == 2)
    }

    @Test(
        "an answer counts with bytes around it and with a part broken that no rule looks at",
        arguments: [
            ("\u{FEFF}{\"id\":\"a\",\"status\":\"ok\"}\r\n\0", .succeeded),
            (#"{"id":"a","status":"ok","temperature":nan}"#, .succeeded),
            (#"{"id":"a","status":"error","x":}"#, .failed),
            // What the rule looks at is broken: that is no failure.
            (#"{"id":"a","status":nan}"#, nil), (#"{"id":"a","status":"ok"#, nil), (#"{"id":a,"status":"ok"}"#, nil),
        ] as [(String, CommandState?)])
    func damagedAnswers(payload: String, state: CommandState?) throws {
        var desk = Fixture.desk()
        let publication = try #require(
            desk.seen(Fixture.request("a", "slow"), shard: 0, czxid: 2000, version: 0, at: 0).publication)
        let sent = try #require(desk.published(publication.ticket, .acknowledged, at: 5).write)
        #expect(desk.recorded(sent.ticket, version: 1, at: 6) == [])
        let end = desk.answerReceived(topic: Fixture.ackTopic(), payload: Array(payload.utf8), at: 7).write
        #expect(end?.record.state == state)
    }

    @Test("no answer by the deadline", arguments: ["start", "setSpeed"])
    func timesOut(command: String) throws {
        var desk = Fixture.desk()
        var actions = desk.seen(Fixture.request("a", command, timeout: 500), shard: 0, czxid: 2000, version: 0, at: 0)
        if let sent = actions.write { actions = desk.recorded(sent.ticket, version: 1, at: 0) }
        _ = try #require(actions.publication)
        #expect(desk.nextDeadline == 500)
        #expect(desk.advance(to: 499) == [])
        let end = try #require(desk.advance(to: 500).write)
        #expect(end.record.state == .timedOut)
        #expect(end.record.detail?.contains("not known") == true)
        #expect(end.record.attempt == 1)
    }

    // MARK: Not sent at all

    @Test("a command that cannot be is rejected with the reason")
    func rejected() throws {
        var desk = Fixture.desk()
        func state(_ record: CommandRecord) throws -> CommandRecord {
            try #require(desk.seen(record, shard: 0, czxid: 2000, version: 0, at: 0).write).record
        }
        #expect(try state(Fixture.request("a", "jump")).reason == .unknownCommand)
        #expect(
            try state(Fixture.request("b", "start", device: Fixture.device("office/lamp"))).reason == .unknownDevice)
        var wrong = Fixture.request("c", "start")
        wrong.parameters = ["rpm": 5000]
        let record = try state(wrong)
        #expect(record.state == .rejected)
        #expect(record.reason == .parameters)
        #expect(record.detail == "parameter rpm is 5000, must be at most 1800 rpm")
        wrong = Fixture.request("d", "start", timeout: -5)
        #expect(try state(wrong).reason == .invalid)
        wrong = Fixture.request("e", "start", at: .max)
        #expect(try state(wrong).reason == .invalid)
        wrong = Fixture.request("f", "start")
        wrong.by = Principal(claimed: "")
        #expect(try state(wrong).reason == .invalid)
        #expect(desk.counters.published == 0)
    }

    @Test("defaults are filled in")
    func defaults() throws {
        var desk = Fixture.desk()
        var request = Fixture.request("a", "start")
        request.parameters = [:]
        let sent = try #require(desk.seen(request, shard: 0, czxid: 2000, version: 0, at: 0).write)
        #expect(sent.record.parameters == ["rpm": 100])
    }

    @Test("without a broker commands wait and expire", arguments: ["start", "setSpeed"])
    func expires(command: String) throws {
        var desk = Fixture.desk()
        _ = desk.brokerAvailable(false, at: 0)
        #expect(desk.seen(Fixture.request("a", command), shard: 0, czxid: 2000, version: 0, at: 0) == [])
        let end = try #require(desk.advance(to: 10_000).write)
        #expect(end.record.state == .expired)
        #expect(end.record.attempt == 0)
        #expect(end.record.detail == "its deadline passed before it was sent; the broker could not be reached")
    }

    @Test("a command whose deadline had passed before anyone owned it expires")
    func expiresUnowned() throws {
        var desk = CommandDesk(gateway: "g1", catalogue: Fixture.catalogue)
        _ = desk.brokerAvailable(true, at: 0)
        #expect(desk.seen(Fixture.request("a", "start"), shard: 0, czxid: 2, version: 0, at: 0) == [])
        #expect(desk.seen(Fixture.request("b", "setSpeed"), shard: 0, czxid: 3, version: 0, at: 0) == [])
        let actions = desk.shardGained(0, epoch: 100, at: 20_000)
        let records = actions.compactMap { if case .record(let write) = $0 { write.record } else { nil } }
        #expect(records.map(\.state) == [.expired, .expired])
        // For an idempotent one the former owner may have sent it and died before it could say so.
        #expect(records.map { $0.detail?.contains("former owner") } == [false, true])
    }

    @Test("a wish to cancel counts while the command waits, and is too late when it has been sent")
    func cancelled() throws {
        var desk = Fixture.desk()
        _ = try #require(desk.seen(Fixture.request("a", "start"), shard: 0, czxid: 2000, version: 0, at: 0).write)
        #expect(desk.seen(Fixture.request("b", "start"), shard: 0, czxid: 2001, version: 0, at: 0) == [])
        var wish = Fixture.request("b", "start")
        wish.cancelRequestedBy = Principal(claimed: "bob")
        let end = try #require(desk.seen(wish, shard: 0, czxid: 2001, version: 1, at: 5).write)
        #expect(end.record.state == .cancelled)
        #expect(end.record.cancelRequestedBy?.name == "bob")
        #expect(end.expectedVersion == 1)
        // Stale readings of it change nothing.
        #expect(desk.recorded(end.ticket, version: 2, at: 6) == [])
        #expect(desk.seen(wish, shard: 0, czxid: 2001, version: 1, at: 7) == [])
    }

    @Test("a wish to cancel that beats the record of SENT wins, since nothing has been published")
    func cancelBeatsSent() throws {
        var desk = Fixture.desk()
        let sent = try #require(
            desk.seen(Fixture.request("a", "start"), shard: 0, czxid: 2000, version: 0, at: 0).write)
        #expect(desk.recordFailed(sent.ticket, .outdated, at: 1) == [.read(id: "a")])
        var wish = Fixture.request("a", "start")
        wish.cancelRequestedBy = Principal(claimed: "bob")
        let end = try #require(desk.seen(wish, shard: 0, czxid: 2000, version: 1, at: 2).write)
        #expect(end.record.state == .cancelled)
        #expect(desk.counters.published == 0)
    }

    @Test("a wish to cancel that comes while an idempotent command is being sent is kept in the record, no more")
    func cancelTooLate() throws {
        var desk = Fixture.desk()
        let publication = try #require(
            desk.seen(Fixture.request("a", "setSpeed"), shard: 0, czxid: 2000, version: 0, at: 0).publication)
        let sent = try #require(desk.published(publication.ticket, .acknowledged, at: 1).write)
        #expect(desk.recordFailed(sent.ticket, .outdated, at: 2) == [.read(id: "a")])
        var wish = Fixture.request("a", "setSpeed")
        wish.cancelRequestedBy = Principal(claimed: "bob")
        let again = try #require(desk.seen(wish, shard: 0, czxid: 2000, version: 1, at: 3).write)
        #expect(again.record.state == .sent)
        #expect(again.record.cancelRequestedBy?.name == "bob")
        #expect(again.expectedVersion == 1)
    }

    // MARK: Interlocks

    @Test("interlocks are judged when the command is sent")
    func interlock() throws {
        var desk = Fixture.desk()
        let first = try #require(
            desk.seen(Fixture.request("a", "guarded"), shard: 0, czxid: 2000, version: 0, at: 0).judgement)
        #expect(first.tags == ["factory/line1/press1/guard"])
        let open = Interlock.Reading(value: .bool(false), quality: .good, receivedAt: 0)
        let end = try #require(desk.judged(first.ticket, readings: [open], at: 1).write)
        #expect(end.record.state == .rejected)
        #expect(end.record.reason == .interlock)
        #expect(end.record.detail?.contains("factory/line1/press1/guard is false") == true)
        _ = desk.recorded(end.ticket, version: 1, at: 2)

        let second = try #require(
            desk.seen(Fixture.request("b", "guarded"), shard: 0, czxid: 2001, version: 0, at: 3).judgement)
        let closed = Interlock.Reading(value: .bool(true), quality: .good, receivedAt: 0)
        #expect(desk.judged(second.ticket, readings: [closed], at: 4).write?.record.state == .sent)
    }

    @Test("an idempotent command is not sent again into an open interlock, but its answer is awaited")
    func interlockAtRepetition() throws {
        var desk = Fixture.desk()
        var sent = Fixture.request("a", "guardedSpeed")
        sent.state = .sent
        sent.execution = .idempotent
        sent.attempt = 1
        sent.deadline = 10_000
        let question = try #require(desk.seen(sent, shard: 0, czxid: 10, version: 1, at: 0).judgement)
        #expect(desk.judged(question.ticket, readings: [nil], at: 1) == [])
        #expect(desk.advance(to: 10_000).write?.record.state == .timedOut)
    }

    // MARK: Order and limits

    @Test("one device's commands go one by one in the order of creation, devices in parallel")
    func order() throws {
        var desk = Fixture.desk()
        _ = desk.brokerAvailable(false, at: 0)
        for (id, czxid, device) in [
            ("c", 2002, Fixture.press1), ("a", 2000, Fixture.press1), ("b", 2001, Fixture.press1),
            ("x", 2003, Fixture.press2),
        ] {
            #expect(
                desk.seen(Fixture.request(id, "tell", device: device), shard: 0, czxid: Int64(czxid), version: 0, at: 0)
                    == [])
        }
        var actions = desk.brokerAvailable(true, at: 1)
        var published: [String] = []
        while let action = actions.first {
            actions.removeFirst()
            switch action {
            case .publish(let publication):
                published.append(publication.ticket.id)
                actions += desk.published(publication.ticket, .acknowledged, at: 2)
            case .record(let write): actions += desk.recorded(write.ticket, version: 1, at: 3)
            case .judge, .read, .resync: Issue.record("unexpected \(action)")
            }
        }
        #expect(published == ["a", "x", "b", "c"])
    }

    @Test("limits: a full queue rejects, a full desk leaves commands in the tree and asks for them later")
    func limits() throws {
        var limits = CommandDesk.Limits()
        limits.commandsPerDevice = 2
        limits.commands = 4
        var desk = Fixture.desk(limits)
        let first = try #require(
            desk.seen(Fixture.request("a", "tell"), shard: 0, czxid: 1, version: 0, at: 0).publication)
        #expect(desk.seen(Fixture.request("b", "tell"), shard: 0, czxid: 2, version: 0, at: 0) == [])
        let rejected = try #require(
            desk.seen(Fixture.request("c", "tell"), shard: 0, czxid: 3, version: 0, at: 0).write)
        #expect(rejected.record.reason == .queueFull)
        _ = try #require(
            desk.seen(Fixture.request("x", "tell", device: Fixture.press2), shard: 0, czxid: 4, version: 0, at: 0)
                .publication)
        #expect(desk.seen(Fixture.request("d", "tell"), shard: 0, czxid: 5, version: 0, at: 0) == [])
        #expect(desk.counters.overflowed == 1)
        #expect(desk.recorded(rejected.ticket, version: 1, at: 1) == [])
        let end = try #require(desk.published(first.ticket, .acknowledged, at: 1).write)
        let actions = desk.recorded(end.ticket, version: 1, at: 1)
        #expect(actions.contains(.resync))
    }
}
