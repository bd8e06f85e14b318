import JSON
import SparkplugB
import Testing

@testable import Plant

/// Every record and message with ±2⁶³, ±2⁵³, 1e308 and their neighbours in place of each of its numbers, through every
/// machine that takes it: refused by name or taken, never a trap.
@Suite("Extreme numbers")
struct ExtremeNumbersTests {
    private static let now = LivePlantFixture.start
    /// Moments at which a machine may look at what it was given: also those that only a leaping clock shows.
    private static let moments: [Milliseconds] = [0, now, now + 1, now + 86_400_000 * 3, 253_402_300_799_999]

    @Test("what is read holds only times that clocks show")
    func refusedWhereItIsRead() throws {
        for time in [Int64.min, -1, 253_402_300_800_000, 1 << 53, .max] {
            let tag = Array(#"{"v":1,"q":"good","t":\#(time),"r":1}"#.utf8)
            #expect(TagRecord(parsing: tag) == nil)
            let device = Array(
                #"{"device":"f","route":"m","firstSeen":1,"state":"online","since":\#(time)}"#.utf8)
            #expect(DeviceRecord(data: device) == nil)
            let gateway = Array(#"{"gateway":"g","pid":1,"started":\#(time)}"#.utf8)
            #expect(GatewayRecord(parsing: gateway, name: "g") == nil)
            let entry = Array(#"{"kind":"operator","at":\#(time)}"#.utf8)
            #expect(throws: RecordMistake.self) { try JournalEntry(parsing: entry) }
            for member in ["requestedAt", "deadline", "sentAt", "finishedAt", "cancelRequestedAt"] {
                let command = Array(#"{"device":"f","command":"go","\#(member)":\#(time)}"#.utf8)
                let mistake = #expect(throws: RecordMistake.self) {
                    try CommandRecord(parsing: command, id: "x")
                }
                #expect(mistake?.member == member)
            }
            #expect(RunningDelay.table(json: ["hot": [.integer(time), 90]]).isEmpty)
        }
    }

    @Test("commands, as somebody who can write below /commands may leave them")
    func commands() throws {
        let texts = [
            #"{"device":"factory/line1/press1","command":"setSpeed","parameters":{"rpm":1},"by":"a","requestedAt":1,"deadline":2,"timeout":3}"#,
            #"{"device":"factory/line1/press1","command":"start","by":"a","requestedAt":1,"deadline":2,"state":"SENT","attempt":3,"sentAt":4,"epoch":5,"execution":"atMostOnce"}"#,
            #"{"device":"factory/line1/press1","command":"slow","by":"a","requestedAt":1,"deadline":2,"state":"SENT","attempt":3,"sentAt":4,"epoch":5,"execution":"idempotent","cancelRequestedBy":"b","cancelRequestedAt":6}"#,
        ]
        for text in texts {
            for json in try ExtremeNumbers.variants(of: text) {
                guard let record = try? CommandRecord(json: json, id: "x") else { continue }
                for moment in Self.moments {
                    for isOurs in [true, false] { try play(record, at: moment, isOurs: isOurs) }
                }
            }
        }
    }

    private func play(_ record: CommandRecord, at moment: Milliseconds, isOurs: Bool) throws {
        var desk = CommandDesk(gateway: "g1", catalogue: DeskFixture.catalogue)
        _ = desk.brokerAvailable(true, at: moment)
        if isOurs { _ = desk.shardGained(0, epoch: 1, at: moment) }
        var actions = desk.seen(record, shard: 0, czxid: .max, version: .max, at: moment)
        actions += desk.shardGained(0, epoch: 1, at: moment)
        for round in 0..<8 {
            if let next = desk.nextDeadline { _ = next.subtractingClamped(moment) }
            var further: [CommandAction] = []
            for action in actions {
                switch action {
                case .record(let write):
                    #expect(try CommandRecord(parsing: write.record.serialized(), id: "x") == write.record)
                    _ = write.record.journalEntry(from: write.from, at: write.at).serialized()
                    further +=
                        round == 2
                        ? desk.recordFailed(write.ticket, .unclear, at: moment)
                        : desk.recorded(write.ticket, version: 1, at: moment)
                case .publish(let publication):
                    _ = publication.expirySeconds(at: moment)
                    further += desk.published(publication.ticket, .unclear("cut"), at: moment)
                case .judge(let ticket, let tags, let metric):
                    let sight = metric.map { _ in MetricSight(.named(.int32, tag: nil)) { _ in nil } }
                    further += desk.judged(ticket, readings: tags.map { _ in nil }, metric: sight, at: moment)
                case .read, .resync: break
                }
            }
            further += desk.advance(to: moment &+ Int64(round) * 60_000)
            actions = further
        }
        _ = desk.answerReceived(
            topic: DeskFixture.ackTopic(), payload: Array(#"{"id":"x","status":"ok","message":1e308}"#.utf8), at: moment
        )
    }

    @Test("values and times of messages; what is written of them can be read again")
    func messages() throws {
        for json in try ExtremeNumbers.variants(of: #"{"v":1,"ts":2}"#) {
            for retained in [true, false] {
                var fixture = try LivePlantFixture(onDelay: 1_000, offDelay: 2_000, deadband: 0.5)
                fixture.receive(json.description, retained: retained)
                fixture.pass(1_000)
                fixture.receive(#"{"v":99}"#)
                fixture.receive(json.description)
                fixture.prove()
                fixture.pass(5_000, isAlone: true)
                for data in fixture.flush().values { #expect(TagRecord(parsing: data) != nil) }
                for proposal in fixture.plant.proposals(limit: .max, epoch: .max) {
                    let entry = JournalEntry(proposal, gateway: "g", owedBy: [.mqtt])
                    let read = try JournalEntry(parsing: entry.serialized())
                    #expect(try read.alarmTransition() == proposal)
                }
                fixture.record()
                _ = fixture.plant.takeChangedDevices(ownedBy: .max, limit: 10)
            }
        }
    }

    @Test("nodes of tags, devices, alarms and journal entries, as they may stand in the tree at a start")
    func nodes() throws {
        let tag = #"{"v":90,"q":"good","t":1767225600000,"r":1767225600000,"d":{"hot":[1767225600000,90]}}"#
        let device =
            #"{"device":"factory/l1/m1","route":"machines","firstSeen":1,"state":"online","since":2}"#
        let alarm = """
            {"alarm":"hot","tag":"\(LivePlantFixture.temperature)","state":"UNACK","condition":"high","priority":"high",\
            "eventId":"e","occurrence":1,"value":90,"limit":85,"since":2,"ackAt":3,"epoch":4,"changedAt":5,"sampledAt":6,\
            "revision":7,"shelvedUntil":8}
            """
        let entry = #"{"kind":"alarm","at":1,"gateway":"g","epoch":2,"transition":"ACT","record":\#(alarm)}"#
        for (text, kind) in [(tag, 0), (device, 1), (alarm, 2), (entry, 3)] {
            for json in try ExtremeNumbers.variants(of: text) {
                var fixture = try LivePlantFixture(onDelay: 1_000, offDelay: 2_000)
                switch kind {
                case 0:
                    fixture.plant.seedTag(
                        znodePath: LivePlantFixture.temperature, data: json.serialized(), at: Self.now)
                case 1:
                    if let record = DeviceRecord(data: json.serialized()) {
                        fixture.plant.seedDevice(record, at: Self.now)
                    }
                case 2:
                    if let record = try? AlarmRecord(json: json) {
                        fixture.plant.restoreAlarms([record], at: Self.now)
                        _ = fixture.plant.acknowledge(
                            record.path, eventID: nil, by: Principal(claimed: "a"), comment: nil, at: Self.now,
                            epoch: .max)
                    }
                default:
                    guard let read = try? JournalEntry(parsing: json.serialized()) else { continue }
                    if let proposal = try? read.alarmTransition() {
                        fixture.plant.transitionRecorded(proposal.record, isOurs: true, at: Self.now)
                    }
                    if let record = try? read.alarmRecord() {
                        _ = JournalEntry(restoring: record, at: Self.now, gateway: "g").serialized()
                    }
                }
                fixture.hear(20, at: 10)
                fixture.hear(99, at: 20)
                fixture.prove()
                fixture.pass(3_000, isAlone: true)
                fixture.hear(20, at: 3_010)
                fixture.pass(3_000, isAlone: true)
                for proposal in fixture.plant.proposals(limit: .max, epoch: .max) { _ = proposal.record.serialized() }
                fixture.record()
                for data in fixture.flush().values { #expect(TagRecord(parsing: data) != nil) }
                _ = fixture.plant.takeChangedDevices(ownedBy: .max, limit: 10)
            }
        }
    }

    @Test("registrations of gateways")
    func gateways() throws {
        let text =
            #"{"gateway":"g","host":"h","pid":1,"version":"v","started":2,"boot":"b","pidNamespace":"p","processStart":3}"#
        for json in try ExtremeNumbers.variants(of: text) {
            guard
                let member = GatewayMember(
                    name: "g", data: json.serialized(), sessionID: 1, registration: .max)
            else { continue }
            var hints = DeathHints(gateway: "me")
            for moment in Self.moments {
                hints.membersSeen([member], at: moment)
                _ = hints.hinted(member.life, at: moment)
                _ = hints.signSeen(member.life, zxid: .max, at: moment)
            }
        }
    }

    @Test("parameters and interlocks")
    func parameters() throws {
        let parameter = CommandParameter(name: "rpm", kind: .integer, minimum: -1e308, maximum: 1e308, unit: "rpm")
        for value in ExtremeNumbers.all {
            do { _ = try parameter.check(value) } catch { _ = error.description }
            let reading = TagValue(json: value).map { Interlock.Reading(value: $0, quality: .good, receivedAt: .min) }
            for text in ["a == 9223372036854775807", "a < 1e308", "a >= -9223372036854775808", "a != 0.5"] {
                let interlock = try Interlock(text)
                for moment in [Int64.min, 0, .max] {
                    _ = interlock.verdict([reading], device: DeskFixture.press1, at: moment, maximumAge: .max)
                }
            }
        }
    }
}
