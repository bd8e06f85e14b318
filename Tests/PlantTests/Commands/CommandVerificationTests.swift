import JSON
import OrderedCollections
import Testing

@testable import Plant

@Suite("Verification: what a tag says of a command")
struct CommandVerificationTests {
    typealias Fixture = DeskFixture

    private static let tag = "factory/line1/press1/rpm"

    private static func reading(
        _ value: TagValue?, at received: Milliseconds, quality: Quality = .good, source: Milliseconds? = nil,
        isRetained: Bool = false
    ) -> Interlock.Reading {
        .init(value: value, quality: quality, receivedAt: received, sourceTime: source, isRetained: isRetained)
    }

    // MARK: Judging

    @Test("which samples count")
    func sights() throws {
        let rule = CommandVerification(tag: try DeviceTemplate("{device}/rpm"), wanted: .constant(700))
        func sight(_ reading: Interlock.Reading?) -> CommandVerification.Sight {
            rule.sight(reading, wanted: 700, since: 10_000, at: 20_000)
        }
        func isSilent(_ reading: Interlock.Reading?) -> Bool {
            if case .silent = sight(reading) { true } else { false }
        }
        #expect(sight(Self.reading(700, at: 10_000)) == .shown)
        #expect(sight(Self.reading(700.0, at: 20_000)) == .shown)
        #expect(sight(Self.reading(701, at: 15_000)) == .other(701))
        #expect(isSilent(nil))
        #expect(isSilent(Self.reading(nil, at: 15_000)))
        #expect(isSilent(Self.reading(700, at: 9_999)), "before it was sent")
        #expect(isSilent(Self.reading(700, at: 20_001)), "from before the clock was set back")
        var unheard = Self.reading(700, at: 15_000)
        unheard.isHeard = false
        #expect(isSilent(unheard), "read from the tree, or queued by the broker")
        var born = Self.reading(700, at: 15_000)
        born.isFromBirth = true
        #expect(isSilent(born), "told by a birth")
        for quality in [Quality.bad, .stale, .uncertain] {
            #expect(isSilent(Self.reading(700, at: 15_000, quality: quality)))
        }
        #expect(sight(Self.reading(700, at: 15_000, source: 5_000)) == .shown)
        #expect(isSilent(Self.reading(700, at: 15_000, source: 4_999)), "measured long before")
        #expect(isSilent(Self.reading(700, at: 15_000, isRetained: true)), "kept by the broker")
        #expect(isSilent(Self.reading(700, at: 15_000, source: 9_999, isRetained: true)))
        #expect(sight(Self.reading(700, at: 15_000, source: 10_000, isRetained: true)) == .shown)
    }

    @Test(
        "values are compared by their kind",
        arguments: [
            (TagValue.bool(true), TagValue.bool(true), nil, true), (.bool(true), .bool(false), nil, false),
            (.bool(true), .text("true"), nil, false), (.bool(true), .integer(1), nil, false),
            (.text("on"), .text("on"), nil, true), (.text("on"), .text("ON"), nil, false),
            (.text("1"), .integer(1), nil, false),
            (.integer(1), .number(1), nil, true), (.number(1.25), .integer(1), 0.25, true),
            (.number(1.26), .integer(1), 0.25, false), (.integer(.max), .integer(.max - 1), nil, false),
            (.integer(.max), .integer(.max), nil, true), (.integer(3), .integer(1), 2, true),
            (.number(.nan), .integer(1), 5, false),
        ] as [(TagValue, TagValue, Double?, Bool)])
    func comparing(value: TagValue, wanted: TagValue, tolerance: Double?, isSame: Bool) throws {
        let rule = CommandVerification(
            tag: try DeviceTemplate("{device}/x"), wanted: .constant(wanted), tolerance: tolerance)
        let sight = rule.sight(Self.reading(value, at: 5), wanted: wanted, since: 0, at: 9)
        #expect((sight == .shown) == isSame)
    }

    // MARK: At the desk

    /// A desk with the command published and acknowledged at 100; what it asks next.
    private static func sent(_ command: String, timeout: Milliseconds = 10_000) throws -> (CommandDesk, [CommandAction])
    {
        var desk = Fixture.desk()
        var actions = desk.seen(
            Fixture.request("a", command, timeout: timeout), shard: 0, czxid: 2000, version: 0, at: 0)
        var version: Int32 = 0
        if let sent = actions.write {
            version += 1
            actions = desk.recorded(sent.ticket, version: version, at: 50)
        }
        let publication = try #require(actions.publication)
        actions = desk.published(publication.ticket, .acknowledged, at: 100)
        if let sent = actions.write {
            #expect(sent.record.state == .sent)
            version += 1
            actions = desk.recorded(sent.ticket, version: version, at: 100)
        }
        return (desk, actions)
    }

    @Test("verified only: the tag shows it, and the command has succeeded", arguments: ["shown", "shownOnce"])
    func shown(command: String) throws {
        var (desk, actions) = try Self.sent(command)
        var look = try #require(actions.judgement)
        #expect(look.tags == [Self.tag])
        // What it showed before it was sent does not count, however right it is.
        #expect(desk.judged(look.ticket, readings: [Self.reading(700, at: -1)], at: 101) == [])
        #expect(desk.advance(to: 150) == [])
        look = try #require(desk.advance(to: 151).judgement)
        #expect(desk.judged(look.ticket, readings: [nil], at: 151) == [])
        look = try #require(desk.advance(to: 201).judgement)
        #expect(desk.judged(look.ticket, readings: [Self.reading(500, at: 190)], at: 201) == [])
        look = try #require(desk.advance(to: 251).judgement)
        #expect(desk.isUnderway)
        let end = try #require(desk.judged(look.ticket, readings: [Self.reading(700, at: 240)], at: 251).write)
        #expect(end.record.state == .succeeded && end.record.reason == .verified)
        #expect(end.record.verification == .verified)
        #expect(end.record.detail == "factory/line1/press1/rpm shows 700")
        #expect(end.record.result == nil)
        #expect(desk.recorded(end.ticket, version: 9, at: 252) == [])
        #expect(desk.isOver("a"))
    }

    @Test(
        "verified only: not shown in time is an unknown outcome, never success",
        arguments: ["shown", "shownOnce"], [TagValue?.some(500), nil])
    func notShown(command: String, value: TagValue?) throws {
        var (desk, actions) = try Self.sent(command)
        let reading = value.map { Self.reading($0, at: 500) }
        var end: CommandWrite?
        var now: Milliseconds = 101
        var looks = 0
        while end == nil, now < 20_000 {
            if let look = actions.judgement {
                looks += 1
                actions = desk.judged(look.ticket, readings: [reading], at: now)
            } else {
                now = try #require(desk.nextDeadline)
                actions = desk.advance(to: now)
            }
            end = actions.write
        }
        let record = try #require(end?.record)
        #expect(now == 10_000 && (190...205).contains(looks))
        #expect(record.state == .timedOut && record.reason == .notVerified)
        #expect(record.verification == (value == nil ? nil : .mismatch))
        #expect(
            record.detail?.hasPrefix(
                value == nil
                    ? "factory/line1/press1/rpm does not tell: it has no value"
                    : "factory/line1/press1/rpm shows 500, wanted was 700") == true)
    }

    @Test("within counts from the sending, and ends before the deadline")
    func within() throws {
        var (desk, actions) = try Self.sent("shownSoon")
        let look = try #require(actions.judgement)
        actions = desk.judged(look.ticket, readings: [nil], at: 990)
        #expect(actions == [])
        // Published at 0 (idempotent), so it ends at 1,000.
        let last = try #require(desk.advance(to: 1_000).judgement)
        #expect(desk.judged(last.ticket, readings: [nil], at: 1_000).write?.record.state == .timedOut)
    }

    @Test("with an answer: success is verified, and both are told apart", arguments: ["both", "bothOnce"])
    func answered(command: String) throws {
        var (desk, actions) = try Self.sent(command)
        #expect(actions == [] && desk.awaitsAnswer(on: Fixture.ackTopic()))
        let look = try #require(
            desk.answerReceived(
                topic: Fixture.ackTopic(), payload: Fixture.answer("a", "ok", message: "done"), at: 200
            ).judgement)
        let waiting = desk
        // Seen already.
        actions = desk.judged(look.ticket, readings: [Self.reading(700, at: 150)], at: 200)
        var end = try #require(actions.write)
        #expect(end.record.state == .succeeded && end.record.verification == .verified)
        #expect(end.record.reason == .device && end.record.detail == "done")
        #expect(end.record.result?["status"] == "ok")
        // Seen later, or never, while a second answer changes nothing.
        desk = waiting
        #expect(desk.judged(look.ticket, readings: [nil], at: 200) == [])
        #expect(
            desk.answerReceived(topic: Fixture.ackTopic(), payload: Fixture.answer("a", "error"), at: 210) == [])
        for (value, verdict) in [(TagValue?.some(1), CommandVerdict?.some(.mismatch)), (nil, nil), (700, .verified)] {
            var desk = desk
            let last = try #require(desk.advance(to: 10_000).judgement)
            end = try #require(
                desk.judged(last.ticket, readings: [value.map { Self.reading($0, at: 900) }], at: 10_000).write)
            #expect(end.record.state == .succeeded && end.record.verification == verdict)
            #expect(end.record.detail?.hasPrefix("done") == true)
            #expect((end.record.detail?.contains("; factory/line1/press1/rpm ") == true) == (verdict != .verified))
        }
    }

    @Test("with an answer: failure ends it at once, silence is no verification", arguments: ["both", "bothOnce"])
    func failed(command: String) throws {
        let (desk, _) = try Self.sent(command)
        var answering = desk
        let end = try #require(
            answering.answerReceived(topic: Fixture.ackTopic(), payload: Fixture.answer("a", "error"), at: 200).write)
        #expect(end.record.state == .failed && end.record.verification == nil)
        var silent = desk
        let late = try #require(silent.advance(to: 10_000).write)
        #expect(late.record.state == .timedOut && late.record.verification == nil && late.record.reason == .deadline)
    }

    @Test(
        "an answer that overtakes the broker's acknowledgement is verified once that is there",
        arguments: ["both", "bothOnce"], [0, 1, 2])
    func overtaken(command: String, outcome: Int) throws {
        var desk = Fixture.desk()
        var actions = desk.seen(Fixture.request("a", command), shard: 0, czxid: 2000, version: 0, at: 0)
        if let sent = actions.write { actions = desk.recorded(sent.ticket, version: 1, at: 0) }
        let publication = try #require(actions.publication)
        #expect(desk.answerReceived(topic: Fixture.ackTopic(), payload: Fixture.answer("a", "ok"), at: 5) == [])
        let said: [CommandPublishOutcome] = [.acknowledged, .unclear("reset"), .noSubscribers]
        actions = desk.published(publication.ticket, said[outcome], at: 6)
        if let sent = actions.write {
            #expect(sent.record.state == .sent && sent.record.attempt == 1)
            actions = desk.recorded(sent.ticket, version: 2, at: 6)
        }
        let look = try #require(actions.judgement)
        let end = try #require(desk.judged(look.ticket, readings: [Self.reading(700, at: 5)], at: 7).write)
        #expect(end.record.state == .succeeded && end.record.verification == .verified && end.record.attempt == 1)
        #expect(desk.counters.published == 1)
    }

    @Test(
        "an answer before an acknowledgement that never comes is verified at the deadline",
        arguments: ["both", "bothOnce"])
    func neverAcknowledged(command: String) throws {
        var desk = Fixture.desk()
        var actions = desk.seen(Fixture.request("a", command), shard: 0, czxid: 2000, version: 0, at: 0)
        if let sent = actions.write { actions = desk.recorded(sent.ticket, version: 1, at: 0) }
        let publication = try #require(actions.publication)
        #expect(desk.answerReceived(topic: Fixture.ackTopic(), payload: Fixture.answer("a", "ok"), at: 5) == [])
        let look = try #require(desk.advance(to: 10_000).judgement)
        let end = try #require(desk.judged(look.ticket, readings: [nil], at: 10_000).write)
        #expect(end.record.state == .succeeded && end.record.attempt == 1 && end.record.verification == nil)
        #expect(desk.published(publication.ticket, .acknowledged, at: 10_001) == [])
    }

    @Test("what a tag says between an attempt that did not leave and the one that did shows nothing")
    func notSent() throws {
        var desk = Fixture.desk()
        let first = try #require(
            desk.seen(Fixture.request("a", "shown"), shard: 0, czxid: 2000, version: 0, at: 0).publication)
        #expect(desk.published(first.ticket, .notSent("no connection"), at: 10) == [])
        let second = try #require(desk.advance(to: 60).publication)
        let sent = try #require(desk.published(second.ticket, .acknowledged, at: 70).write)
        let look = try #require(desk.recorded(sent.ticket, version: 1, at: 80).judgement)
        var other = desk
        #expect(desk.judged(look.ticket, readings: [Self.reading(700, at: 59)], at: 80) == [])
        #expect(
            other.judged(look.ticket, readings: [Self.reading(700, at: 60)], at: 80).write?.record.state == .succeeded)
    }

    @Test("the device's next command waits for the verification")
    func order() throws {
        var (desk, actions) = try Self.sent("shownOnce")
        #expect(desk.seen(Fixture.request("b", "tell"), shard: 0, czxid: 2001, version: 0, at: 101) == [])
        let look = try #require(actions.judgement)
        let end = try #require(desk.judged(look.ticket, readings: [Self.reading(700, at: 102)], at: 103).write)
        #expect(desk.recorded(end.ticket, version: 5, at: 104).publication?.ticket.id == "b")
    }

    @Test(
        "what cannot be told of a publication is not told by a tag that says nothing yet",
        arguments: ["shown", "shownOnce"])
    func unclear(command: String) throws {
        var desk = Fixture.desk()
        var actions = desk.seen(Fixture.request("a", command), shard: 0, czxid: 2000, version: 0, at: 0)
        if let sent = actions.write { actions = desk.recorded(sent.ticket, version: 1, at: 0) }
        let publication = try #require(actions.publication)
        let write = try #require(desk.published(publication.ticket, .unclear("reset"), at: 5).write)
        // At most once: nobody knows. Idempotent: it is sent again.
        #expect(write.record.state == (command == "shown" ? .sent : .unknown))
    }

    // MARK: After a takeover

    private static func former(_ command: String, _ execution: CommandExecution) -> CommandRecord {
        var record = Fixture.request("a", command)
        record.state = .sent
        record.execution = execution
        record.attempt = 1
        record.sentAt = 500
        record.deadline = 10_000
        record.epoch = 500
        record.gateway = "g0"
        return record
    }

    @Test("at most once: the successor looks at what it has heard itself, and never sends")
    func formerOnce() throws {
        for (value, state, verdict) in [
            (TagValue?.some(700), CommandState.succeeded, CommandVerdict?.some(.verified)),
            (500, .unknown, .mismatch), (nil, .unknown, nil),
        ] {
            var desk = Fixture.desk()
            var actions = desk.seen(
                Self.former("shownOnce", .atMostOnce), shard: 0, czxid: 10, version: 1, at: 1_000)
            var end: CommandWrite?
            var now: Milliseconds = 1_000
            for _ in 0..<1_000 where end == nil {
                if let look = actions.judgement {
                    actions = desk.judged(look.ticket, readings: [value.map { Self.reading($0, at: 700) }], at: now)
                } else {
                    now = try #require(desk.nextDeadline)
                    actions = desk.advance(to: now)
                }
                end = actions.write
            }
            let record = try #require(end?.record)
            #expect(record.state == state && record.verification == verdict)
            #expect(now == (state == .succeeded ? 1_000 : 10_000))
            if state == .unknown {
                #expect(record.reason == .takeover)
                #expect(record.detail?.contains("g0") == true && record.detail?.contains(Self.tag) == true)
            }
            #expect(desk.counters.published == 0)
        }
    }

    @Test(
        "past the deadline there is one look",
        arguments: [("shownOnce", CommandExecution.atMostOnce), ("shown", .idempotent)])
    func formerLate(command: String, execution: CommandExecution) throws {
        for value in [700, 500] as [TagValue] {
            var desk = Fixture.desk()
            let look = try #require(
                desk.seen(Self.former(command, execution), shard: 0, czxid: 10, version: 1, at: 11_000).judgement)
            let end = try #require(
                desk.judged(look.ticket, readings: [Self.reading(value, at: 10_500)], at: 11_000).write)
            #expect(
                end.record.state == (value == 700 ? .succeeded : execution == .atMostOnce ? .unknown : .timedOut))
            #expect(desk.counters.published == 0)
        }
    }

    @Test("idempotent: it is sent again, and what came since the first sending counts")
    func formerIdempotent() throws {
        var desk = Fixture.desk()
        let publication = try #require(
            desk.seen(Self.former("shown", .idempotent), shard: 0, czxid: 10, version: 1, at: 1_000).publication)
        #expect(publication.attempt == 2)
        let sent = try #require(desk.published(publication.ticket, .acknowledged, at: 1_010).write)
        let look = try #require(desk.recorded(sent.ticket, version: 2, at: 1_020).judgement)
        let end = try #require(desk.judged(look.ticket, readings: [Self.reading(700, at: 600)], at: 1_020).write)
        #expect(end.record.verification == .verified)
    }

    @Test(
        "a success that the successor has heard as well is verified by it",
        arguments: [("bothOnce", CommandExecution.atMostOnce), ("both", .idempotent)])
    func formerSuccess(command: String, execution: CommandExecution) throws {
        var desk = CommandDesk(gateway: "g1", catalogue: Fixture.catalogue)
        _ = desk.brokerAvailable(true, at: 0)
        _ = desk.seen(Self.former(command, execution), shard: 0, czxid: 10, version: 1, at: 600)
        #expect(desk.answerReceived(topic: Fixture.ackTopic(), payload: Fixture.answer("a", "ok"), at: 700) == [])
        let look = try #require(desk.shardGained(0, epoch: 900, at: 1_000).judgement)
        // The shard goes and comes: the device's word stays.
        #expect(desk.shardLost(0) == [])
        let again = try #require(desk.shardGained(0, epoch: 950, at: 1_100).judgement)
        #expect(desk.judged(look.ticket, readings: [Self.reading(700, at: 800)], at: 1_100) == [])
        let end = try #require(desk.judged(again.ticket, readings: [Self.reading(700, at: 800)], at: 1_100).write)
        #expect(end.record.state == .succeeded && end.record.verification == .verified)
        #expect(desk.counters.published == 0)
    }

    @Test("when the clock is set, the verification takes as long as before")
    func clock() throws {
        var (desk, actions) = try Self.sent("shownSoon")
        let look = try #require(actions.judgement)
        #expect(desk.judged(look.ticket, readings: [nil], at: 110) == [])
        desk.clockLeapt(by: 50_000)
        actions = desk.advance(to: 50_990)
        let next = try #require(actions.judgement)
        #expect(desk.judged(next.ticket, readings: [nil], at: 50_999) == [])
        let last = try #require(desk.advance(to: 51_000).judgement)
        #expect(desk.judged(last.ticket, readings: [nil], at: 51_000).write?.record.state == .timedOut)
    }

    @Test(
        "what was heard before the sending is no evidence after the clock has been set, what comes after it is",
        arguments: [-60_000, -5_000, 5_000, 60_000] as [Milliseconds])
    func leapt(by leap: Milliseconds) throws {
        for (received, isEvidence) in [(-100, false), (105, true)] as [(Milliseconds, Bool)] {
            var (desk, actions) = try Self.sent("shownSoon")
            let look = try #require(actions.judgement)
            #expect(desk.judged(look.ticket, readings: [nil], at: 110) == [])
            desk.clockLeapt(by: leap)
            actions = desk.advance(to: 200 + leap)
            let next = try #require(actions.judgement)
            // Values that are held move along.
            let reading = Self.reading(700, at: received + leap)
            let end = desk.judged(next.ticket, readings: [reading], at: 200 + leap).write
            #expect((end?.record.verification == .verified) == isEvidence)
        }
    }

    @Test(
        "after a takeover the former owner's clock is not believed: what came long before its record did is no evidence"
    )
    func formerClock() throws {
        for (received, isEvidence) in [(40_000, false), (59_500, true)] as [(Milliseconds, Bool)] {
            var record = Self.former("shownOnce", .atMostOnce)
            record.deadline = 100_000
            var desk = Fixture.desk()
            let look = try #require(desk.seen(record, shard: 0, czxid: 10, version: 1, at: 60_000).judgement)
            let end = desk.judged(look.ticket, readings: [Self.reading(700, at: received)], at: 60_000).write
            #expect((end?.record.state == .succeeded) == isEvidence)
        }
    }

    // MARK: Without templates' help

    @Test("answers by correlation data")
    func correlation() throws {
        var (desk, actions) = try Self.sent("correlated")
        #expect(actions == [])
        let topic = Fixture.ackTopic()
        let payload = Array(#"{"result":null}"#.utf8)
        for stranger in [nil, [], Array("b".utf8), [0xFF]] as [[UInt8]?] {
            #expect(desk.answerReceived(topic: topic, payload: payload, correlation: stranger, at: 200) == [])
        }
        #expect(desk.counters.strayAnswers == 4)
        // Neither result nor error: nothing is said yet.
        #expect(
            desk.answerReceived(topic: topic, payload: Array("{}".utf8), correlation: Array("a".utf8), at: 200) == [])
        var failing = desk
        let error = Array(#"{"error":{"code":-103}}"#.utf8)
        #expect(
            failing.answerReceived(topic: topic, payload: error, correlation: Array("a".utf8), at: 200).write?.record
                .state
                == .failed)
        actions = desk.answerReceived(topic: topic, payload: payload, correlation: Array("a".utf8), at: 200)
        #expect(actions.write?.record.state == .succeeded)
    }

    @Test("a parameter that cannot stand in the topic is refused when it is asked for, naming it")
    func refused() throws {
        var desk = Fixture.desk()
        // Not its turn yet.
        _ = desk.brokerAvailable(false, at: 0)
        var request = Fixture.request("a", "chosen")
        request.parameters = ["output": "a/b"]
        let end = try #require(desk.seen(request, shard: 0, czxid: 2000, version: 0, at: 0).write)
        #expect(end.record.state == .rejected && end.record.reason == .parameters && end.isRefusal)
        #expect(end.record.detail?.contains("parameter output") == true)
        #expect(desk.recorded(end.ticket, version: 1, at: 0) == [])
        var right = Fixture.request("b", "chosen")
        right.parameters = ["output": "POWER1"]
        #expect(desk.seen(right, shard: 0, czxid: 2001, version: 0, at: 0) == [])
        let publication = try #require(desk.brokerAvailable(true, at: 1).publication)
        #expect(publication.message.topic == "factory/line1/press1/cmnd/POWER1")
        #expect(publication.message.payload == [] && publication.message.qos == .atLeastOnce)
    }

    @Test("published at QoS 0, the record says that nobody has confirmed it")
    func publishedUnconfirmed() throws {
        var desk = Fixture.desk()
        let sent = try #require(
            desk.seen(Fixture.request("a", "toggle"), shard: 0, czxid: 2000, version: 0, at: 0).write)
        let publication = try #require(desk.recorded(sent.ticket, version: 1, at: 0).publication)
        #expect(publication.message.qos == .atMostOnce)
        let record = try #require(desk.published(publication.ticket, .acknowledged, at: 1).write?.record)
        #expect(record.state == .published && record.reason == .noAnswerDefined)
        #expect(record.detail?.contains("QoS 0") == true)
    }

    @Test("the record keeps what the tag said, and takes a word that it does not know for none")
    func record() throws {
        var record = Fixture.request("a", "shown")
        record.state = .published
        record.verification = .mismatch
        #expect(record.json["verification"] == "MISMATCH")
        #expect(try CommandRecord(json: record.json, id: "a") == record)
        guard case .object(var members) = record.json else { return }
        members["verification"] = "PERHAPS"
        #expect(try CommandRecord(json: .object(members), id: "a").verification == nil)
        let entry = record.journalEntry(from: .sent, at: 1)
        #expect(entry.details["verification"] == "MISMATCH")
    }
}
