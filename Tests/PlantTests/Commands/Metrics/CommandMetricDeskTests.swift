import JSON
import OrderedCollections
import SparkplugB
import Testing

@testable import Plant

@Suite("Commands that write a metric of Sparkplug B, at the desk")
struct CommandMetricDeskTests {
    typealias Fixture = DeskFixture

    private static let tag = Fixture.device("factory/line1/press1/Outputs/Speed")

    /// The metric as a birth has named it, and what its tag shows.
    private static func named(
        _ type: SparkplugDataType = .double, _ value: TagValue? = nil, at received: Milliseconds = 0,
        isFromBirth: Bool = false, measured: Milliseconds? = nil,
        quality: Quality = .good, isTimeInDoubt: Bool = false
    ) -> MetricSight {
        MetricSight(.named(type, tag: tag)) { path in
            guard path == tag, let value else { return nil }
            return Interlock.Reading(
                value: value, quality: quality, isTimeInDoubt: isTimeInDoubt, receivedAt: received,
                sourceTime: measured,
                isFromBirth: isFromBirth)
        }
    }

    private static func known(_ metric: KnownMetric) -> MetricSight { MetricSight(metric) { _ in nil } }

    /// A desk that asks for the metric of the command.
    private static func asked(
        _ command: String, rpm: Int64 = 700, timeout: Milliseconds = 10_000
    ) throws -> (CommandDesk, CommandTicket) {
        var desk = Fixture.desk()
        let question = try #require(
            desk.seen(
                Fixture.request("a", command, timeout: timeout, rpm: rpm), shard: 0, czxid: 2000, version: 0, at: 0
            ).metricJudgement)
        #expect(question.metric == MetricAddress(topic: "spBv1.0/factory/DCMD/line1/press1", name: "Outputs/Speed"))
        return (desk, question.ticket)
    }

    /// A desk that has published the command at 0 and looks for the echo at 100.
    private static func sent(
        _ command: String, _ sight: MetricSight = named(), rpm: Int64 = 700
    ) throws -> (desk: CommandDesk, look: CommandTicket, publication: CommandPublication) {
        var (desk, ticket) = try asked(command, rpm: rpm)
        var version: Int32 = 0
        var actions = desk.judged(ticket, readings: [], metric: sight, at: 0)
        if let write = actions.write {
            version += 1
            #expect(write.record.state == .sent)
            actions = desk.recorded(write.ticket, version: version, at: 0)
        }
        let publication = try #require(actions.publication)
        actions = desk.published(publication.ticket, .acknowledged, at: 100)
        if let write = actions.write {
            version += 1
            actions = desk.recorded(write.ticket, version: version, at: 100)
        }
        return (desk, try #require(actions.metricJudgement).ticket, publication)
    }

    // MARK: Sending

    // Assertions: operational-behavior-data-commands-dcmd-verb, operational-behavior-data-commands-dcmd-metric-name,
    // operational-behavior-data-commands-dcmd-metric-value, payloads-dcmd-seq, topics-dcmd-timestamp,
    // topics-dcmd-payload
    @Test(
        "what is published is the metric in the type of its birth, with the time of publishing",
        arguments: ["written", "writtenOnce"])
    func message(command: String) throws {
        let (_, _, publication) = try Self.sent(command, Self.named(.int32))
        #expect(publication.message.topic == "spBv1.0/factory/DCMD/line1/press1")
        #expect(publication.message.qos == .atMostOnce && publication.message.form == .sparkplug)
        let known = KnownMetric.named(.int32, alias: 9, tag: nil)
        let bytes = try #require(publication.payload(at: 5) { $0.name == "Outputs/Speed" ? known : .unnamed })
        let payload = try SparkplugPayload(bytes.span)
        #expect(payload.sequence == nil && payload.timestamp == 5)
        #expect(
            payload.metrics == [
                SparkplugMetric(name: "Outputs/Speed", alias: 9, timestamp: 5, type: .int32, value: .int(700))
            ])
        // What has become of the birth since it was decided: nothing leaves in a type that does not hold, or to the dead.
        for other in [KnownMetric.named(.float, tag: nil), .dead, .unborn, .unnamed, .untagged] {
            #expect(publication.payload(at: 5) { _ in other } == nil)
        }
    }

    @Test(
        "what the birth does not name, what is dead, and what the type cannot have is refused, and nothing is sent",
        arguments: [
            (KnownMetric.unnamed, "the birth on spBv1.0/factory/DBIRTH/line1/press1 names no metric Outputs/Speed"),
            (.dead, "its device is dead: no birth on spBv1.0/factory/DBIRTH/line1/press1 has come since"),
            (.untagged, "the metric Outputs/Speed of the birth on"),
            (.named(.double, tag: nil), "the metric Outputs/Speed has no tag here"),
            (.named(.int8, tag: tag), "the metric Outputs/Speed: the value is out of the range"),
            (.named(.boolean, tag: tag), "the metric Outputs/Speed: the value is of another kind"),
            (.named(.unknown, tag: tag), "the metric Outputs/Speed: a metric of type Unknown cannot be written"),
        ])
    func refused(metric: KnownMetric, detail: String) throws {
        for command in ["written", "writtenOnce"] {
            var (desk, ticket) = try Self.asked(command)
            let end = try #require(desk.judged(ticket, readings: [], metric: Self.known(metric), at: 1).write)
            #expect(end.record.state == .rejected && end.record.reason == .metric && end.isRefusal)
            #expect(end.record.detail?.hasPrefix(detail) == true, "\(end.record.detail ?? "")")
            #expect(desk.counters.published == 0)
        }
    }

    @Test("a number with a fraction is rounded to a Float, and not to an integer")
    func fraction() throws {
        for (type, isSent) in [(SparkplugDataType.float, true), (.int32, false)] {
            var desk = Fixture.desk()
            var request = Fixture.request("a", "written")
            request.parameters = ["rpm": 0.1]
            let question = try #require(
                desk.seen(request, shard: 0, czxid: 2000, version: 0, at: 0).metricJudgement)
            let actions = desk.judged(question.ticket, readings: [], metric: Self.named(type), at: 1)
            #expect((actions.publication != nil) == isSent)
            #expect(isSent || actions.write?.record.reason == .metric)
        }
    }

    @Test("without a birth it waits for one, and the device's next command waits behind it", arguments: [true, false])
    func waits(isHeard: Bool) throws {
        var (desk, ticket) = try Self.asked("writtenOnce")
        #expect(
            desk.seen(Fixture.request("b", "toggle", timeout: 60_000), shard: 0, czxid: 2001, version: 0, at: 1) == [])
        for time in stride(from: Milliseconds(1), to: 9_801, by: 200) {
            #expect(desk.judged(ticket, readings: [], metric: Self.known(.unborn), at: time) == [])
            #expect(desk.advance(to: time + 199) == [] && desk.settlement(of: "a") == .settled)
            ticket = try #require(desk.advance(to: time + 200).metricJudgement).ticket
        }
        if isHeard {
            #expect(
                desk.judged(ticket, readings: [], metric: Self.named(), at: 9_801).write?.record.state == .sent)
            return
        }
        #expect(desk.judged(ticket, readings: [], metric: Self.known(.unborn), at: 9_801) == [])
        let end = try #require(desk.advance(to: 10_000).write)
        #expect(end.record.state == .expired && end.record.reason == .deadline)
        #expect(
            end.record.detail
                == "its deadline passed before it was sent; no birth on spBv1.0/factory/DBIRTH/line1/press1 has been heard here that holds"
        )
        #expect(desk.counters.published == 0)
        // Now it is the other one's turn.
        #expect(desk.recorded(end.ticket, version: 1, at: 10_001).write?.record.id == "b")
    }

    @Test("what waits for a birth is told by the same words when the broker is away as well")
    func broker() throws {
        var (desk, ticket) = try Self.asked("written")
        #expect(desk.judged(ticket, readings: [], metric: Self.known(.unborn), at: 1) == [])
        #expect(desk.brokerAvailable(false, at: 2) == [] && desk.advance(to: 500) == [])
        let end = try #require(desk.advance(to: 10_000).write)
        #expect(end.record.detail?.contains("the broker could not be reached; no birth on") == true)
    }

    @Test("an interlock is judged when there is a birth, with the metric")
    func interlock() throws {
        var desk = Fixture.desk()
        var question = try #require(
            desk.seen(Fixture.request("a", "writtenGuarded"), shard: 0, czxid: 2000, version: 0, at: 0)
                .metricJudgement)
        #expect(question.tags == ["factory/line1/press1/guard"])
        // As long as nothing can be sent, the guard may be open.
        #expect(desk.judged(question.ticket, readings: [nil], metric: Self.known(.unborn), at: 1) == [])
        question = try #require(desk.advance(to: 201).metricJudgement)
        var open = desk
        let end = try #require(open.judged(question.ticket, readings: [nil], metric: Self.named(), at: 202).write)
        #expect(end.record.state == .rejected && end.record.reason == .interlock)
        let closed = Interlock.Reading(value: true, quality: .good, receivedAt: 0)
        #expect(desk.judged(question.ticket, readings: [closed], metric: Self.named(), at: 202).publication != nil)
    }

    @Test("a command that did not leave asks for the birth again before it is sent")
    func notSent() throws {
        var (desk, ticket) = try Self.asked("written")
        let first = try #require(desk.judged(ticket, readings: [], metric: Self.named(), at: 0).publication)
        #expect(desk.published(first.ticket, .notSent("no connection"), at: 10) == [])
        let question = try #require(desk.advance(to: 60).metricJudgement)
        let second = try #require(
            desk.judged(question.ticket, readings: [], metric: Self.named(.int16), at: 61).publication)
        #expect(second.metricWrite?.type == .int16)
    }

    @Test("without verification its end is that it was published")
    func blind() throws {
        var (desk, ticket) = try Self.asked("writtenBlind")
        // Nothing needs a tag then.
        let publication = try #require(
            desk.judged(ticket, readings: [], metric: Self.known(.named(.double, tag: nil)), at: 0).publication)
        let end = try #require(desk.published(publication.ticket, .acknowledged, at: 1).write)
        #expect(end.record.state == .published && end.record.verification == nil)
    }

    // MARK: The echo

    @Test("the echo is the answer", arguments: ["written", "writtenOnce"])
    func echo(command: String) throws {
        var (desk, look, _) = try Self.sent(command)
        // What it showed before, and what a birth repeats, confirms nothing.
        for sight in [
            Self.named(.double, 700.0, at: -1), Self.named(.double, 700.0, at: 50, isFromBirth: true),
            Self.known(.unborn), Self.known(.dead), Self.known(.unnamed), Self.named(.double, 500.0, at: 50),
            // A birth that has changed the type.
            Self.named(.boolean, true, at: 50),
        ] {
            var other = desk
            #expect(other.judged(look, readings: [], metric: sight, at: 101) == [])
            #expect(other.advance(to: 151).metricJudgement != nil)
        }
        let end = try #require(
            desk.judged(look, readings: [], metric: Self.named(.double, 700.0, at: 50), at: 101).write)
        #expect(end.record.state == .succeeded && end.record.reason == .verified)
        #expect(end.record.verification == .verified)
        #expect(end.record.detail == "factory/line1/press1/Outputs/Speed shows 700.0")
    }

    @Test("an echo is about the present, whatever time an edge node gives to its metrics")
    func measuredLongAgo() throws {
        let (desk, look, _) = try Self.sent("written")
        for sight in [
            Self.named(.double, 700.0, at: 50, measured: -3_600_000),
            Self.named(.double, 700.0, at: 50, measured: -3_600_000, quality: .uncertain, isTimeInDoubt: true),
        ] {
            var obeyed = desk
            #expect(obeyed.judged(look, readings: [], metric: sight, at: 101).write?.record.verification == .verified)
        }
        // By the device's own word it shows nothing.
        var doubtful = desk
        let sight = Self.named(.double, 700.0, at: 50, quality: .uncertain)
        #expect(doubtful.judged(look, readings: [], metric: sight, at: 101) == [])
    }

    @Test(
        "what is not echoed in time is an unknown outcome",
        arguments: [
            (named(.double, 500.0, at: 50), CommandVerdict?.some(.mismatch), "shows 500.0, wanted was 700.0"),
            (named(.double, 700.0, at: 50, isFromBirth: true), nil, "was told by a birth, which confirms nothing"),
            (named(), nil, "it has no value"), (known(.dead), nil, "its device is dead"),
            (known(.unborn), nil, "no birth on spBv1.0/factory/DBIRTH/line1/press1"),
        ])
    func notEchoed(sight: MetricSight, verdict: CommandVerdict?, detail: String) throws {
        for command in ["written", "writtenOnce"] {
            var (desk, look, _) = try Self.sent(command)
            #expect(desk.judged(look, readings: [], metric: sight, at: 101) == [])
            let last = try #require(desk.advance(to: 10_000).metricJudgement)
            let end = try #require(desk.judged(last.ticket, readings: [], metric: sight, at: 10_000).write)
            #expect(end.record.state == .timedOut && end.record.reason == .notVerified)
            #expect(end.record.verification == verdict)
            #expect(end.record.detail?.contains(detail) == true, "\(end.record.detail ?? "")")
        }
    }

    @Test("a Float echoes what it has of the value")
    func precision() throws {
        var desk = Fixture.desk()
        var request = Fixture.request("a", "writtenOnce")
        request.parameters = ["rpm": 0.1]
        let question = try #require(desk.seen(request, shard: 0, czxid: 2000, version: 0, at: 0).metricJudgement)
        let write = try #require(
            desk.judged(question.ticket, readings: [], metric: Self.named(.float), at: 0).write)
        let publication = try #require(desk.recorded(write.ticket, version: 1, at: 0).publication)
        let look = try #require(desk.published(publication.ticket, .acknowledged, at: 1).metricJudgement)
        var exact = desk
        let single = TagValue.number(Double(Float(0.1)))
        #expect(
            desk.judged(look.ticket, readings: [], metric: Self.named(.float, single, at: 1), at: 2).write?.record.state
                == .succeeded)
        #expect(exact.judged(look.ticket, readings: [], metric: Self.named(.float, 0.1, at: 1), at: 2) == [])
    }

    @Test("tolerance and time are those of the verification")
    func tolerance() throws {
        var (desk, look, _) = try Self.sent("writtenSoon")
        var late = desk
        let end = try #require(
            desk.judged(look, readings: [], metric: Self.named(.double, 704.0, at: 50), at: 101).write)
        #expect(end.record.state == .succeeded && end.record.detail?.contains("wanted was 700.0") == true)
        #expect(late.judged(look, readings: [], metric: Self.named(.double, 706.0, at: 50), at: 990) == [])
        let last = try #require(late.advance(to: 1_000).metricJudgement)
        #expect(
            late.judged(last.ticket, readings: [], metric: Self.named(.double, 706.0, at: 50), at: 1_000).write?.record
                .verification == .mismatch)
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

    @Test("at most once: the successor asks its own births, looks at its own tags, and sends nothing")
    func formerOnce() throws {
        var desk = Fixture.desk()
        var look = try #require(
            desk.seen(Self.former("writtenOnce", .atMostOnce), shard: 0, czxid: 10, version: 1, at: 1_000)
                .metricJudgement)
        // It may hear the birth later than the command.
        #expect(desk.judged(look.ticket, readings: [], metric: Self.known(.unborn), at: 1_000) == [])
        look = try #require(desk.advance(to: 1_050).metricJudgement)
        var silent = desk
        let end = try #require(
            desk.judged(look.ticket, readings: [], metric: Self.named(.float, 700.0, at: 700), at: 1_050).write)
        #expect(end.record.state == .succeeded && end.record.verification == .verified)
        #expect(silent.judged(look.ticket, readings: [], metric: Self.named(), at: 1_050) == [])
        look = try #require(silent.advance(to: 10_000).metricJudgement)
        let unknown = try #require(silent.judged(look.ticket, readings: [], metric: Self.named(), at: 10_000).write)
        #expect(unknown.record.state == .unknown && unknown.record.reason == .takeover)
        #expect(desk.counters.published == 0 && silent.counters.published == 0)
    }

    @Test("idempotent: it is sent again, unless its metric has gone: then what the former owner sent is looked for")
    func formerIdempotent() throws {
        var desk = Fixture.desk()
        let question = try #require(
            desk.seen(Self.former("written", .idempotent), shard: 0, czxid: 10, version: 1, at: 1_000)
                .metricJudgement)
        for metric in [KnownMetric.unnamed, .dead] {
            var other = desk
            let look = try #require(
                other.judged(question.ticket, readings: [], metric: Self.known(metric), at: 1_001).metricJudgement)
            let end = try #require(
                other.judged(look.ticket, readings: [], metric: Self.named(.double, 700.0, at: 900), at: 1_002).write)
            #expect(end.record.state == .succeeded && other.counters.published == 0)
        }
        let publication = try #require(
            desk.judged(question.ticket, readings: [], metric: Self.named(), at: 1_001).publication)
        #expect(publication.attempt == 2)
    }

    @Test("a shard that comes back asks again: nothing of the birth is kept")
    func gainedAgain() throws {
        var (desk, ticket) = try Self.asked("writtenOnce")
        let write = try #require(desk.judged(ticket, readings: [], metric: Self.named(), at: 1).write)
        _ = desk.shardLost(0)
        #expect(desk.recorded(write.ticket, version: 1, at: 2) == [])
        let question = try #require(desk.shardGained(0, epoch: 2_500, at: 3).metricJudgement)
        #expect(desk.judged(question.ticket, readings: [], metric: Self.known(.unborn), at: 4) == [])
    }

    @Test("before a shard is handed over nothing is sent, however the birth comes")
    func settling() throws {
        var (desk, ticket) = try Self.asked("written")
        desk.settle(0)
        #expect(desk.judged(ticket, readings: [], metric: Self.named(), at: 1) == [])
        #expect(desk.advance(to: 5_000) == [] && desk.settlement(of: 0) == .settled)
    }
}
