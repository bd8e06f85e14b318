import JSON
import Primitives
import TestFixtures
import Testing

@testable import Plant

@Suite("Alarm records")
struct AlarmRecordTests {
    private static let text = """
        {"alarm":"overtemperature","tag":"factory/line1/press1/temperature","state":"ACKED","condition":"highHigh",\
        "priority":"critical","eventId":"abc","occurrence":3,"value":97.5,"limit":95.0,"since":1000,"ackBy":"ann","ackAt":2000,\
        "comment":"on my way","shelvedUntil":null,"suppressedBy":null,"epoch":17,"changedAt":1500,"sampledAt":900,"revision":9}
        """

    @Test("A record is written with the keys of docs/tree-and-topics.md, and read back")
    func roundTrip() throws {
        let record = try AlarmRecord(parsing: Array(Self.text.utf8))
        #expect(record.path == (try AlarmFixture.path()))
        #expect(record.state == .acknowledged && record.condition == .highHigh && record.priority == .critical)
        #expect(record.occurrence == 3 && record.value == 97.5 && record.limit == 95 && record.since == 1000)
        #expect(record.acknowledgedBy?.name == "ann" && record.acknowledgedAt == 2000 && record.comment == "on my way")
        #expect(record.epoch == 17 && record.changedAt == 1500 && record.sampledAt == 900 && record.revision == 9)
        #expect(String(decoding: record.serialized(), as: UTF8.self) == Self.text)
    }

    @Test("Members that we do not know survive a transition")
    func unknownMembers() throws {
        let text = Self.text.dropLast() + #","latched":true,"x":[1]}"#
        let record = try AlarmRecord(parsing: Array(text.utf8))
        #expect(String(decoding: record.serialized(), as: UTF8.self) == text)
        var book = try AlarmFixture.book()
        book.restore([record], at: 0)
        book.sample(20, at: 10_000)
        book.advance(to: 100_000)
        let after = try #require(book.proposals(limit: 1, epoch: 1).first)
        #expect(after.record.json["latched"] == true && after.record.json["x"] == [1])
    }

    @Test("What others wrote without our additions can be read")
    func withoutAdditions() throws {
        let text = """
            {"alarm":"a","tag":"b/c","state":"NORM","condition":"normal","priority":"low","eventId":"e","since":5}
            """
        let record = try AlarmRecord(parsing: Array(text.utf8))
        #expect(record.changedAt == 5 && record.sampledAt == 5 && record.revision == 0 && record.value == nil)
    }

    @Test(
        "Every state has its short name",
        arguments: zip(
            AlarmState.allCases, ["NORM", "UNACK", "ACKED", "RTNUN", "LTUNK", "LTACK", "SHLVD", "DSUPR", "OOSRV"]))
    func states(state: AlarmState, name: String) { #expect(state.rawValue == name) }

    @Test(
        "A broken record says which member is wrong",
        arguments: [
            (#""state":"ACKED""#, #""state":"FOO""#, "state"),
            (#""tag":"factory/line1/press1/temperature""#, #""tag":"a/+""#, "tag"),
            (#""tag":"factory/line1/press1/temperature","#, "", "tag"),
            (#""alarm":"overtemperature""#, #""alarm":"""#, "alarm"),
            (#""occurrence":3"#, #""occurrence":3.5"#, "occurrence"),
            (#""since":1000"#, #""since":9223372036854775807"#, "since"),
            (#""changedAt":1500"#, #""changedAt":-9223372036854775808"#, "changedAt"),
            (#""value":97.5"#, #""value":"x""#, "value"),
            (#""eventId":"abc","#, "", "eventId"), (#""priority":"critical""#, #""priority":1"#, "priority"),
            (#""condition":"highHigh""#, #""condition":null"#, "condition"),
        ])
    func broken(member: String, replacement: String, expected: String) throws {
        let text = Self.text.split(separator: member, maxSplits: 1, omittingEmptySubsequences: false).joined(
            separator: replacement)
        #expect(text != Self.text)
        let mistake = #expect(throws: RecordMistake.self) { try AlarmRecord(parsing: Array(text.utf8)) }
        #expect(mistake?.member == expected)
    }

    @Test("Cut off anywhere, or with any byte changed, it never traps")
    func mutations() {
        let bytes = Array(Self.text.utf8)
        for length in 0..<bytes.count {
            #expect(throws: RecordMistake.self) { try AlarmRecord(parsing: Array(bytes.prefix(length))) }
        }
        var random = SeededRandom(seed: 1)
        for index in bytes.indices {
            var changed = bytes
            changed[index] = UInt8.random(in: 0...255, using: &random)
            _ = try? AlarmRecord(parsing: changed)
        }
    }

    @Test("A transaction's room for a record is not underrated, whatever it holds")
    func size() throws {
        let names = ["press1", String(repeating: "\u{1}", count: 300), String(repeating: "ä% ", count: 90)]
        for name in names {
            for comment in [nil, String(repeating: "\"", count: 1_000)] as [String?] {
                var record = AlarmRecord(
                    path: AlarmPath(tag: try TagPath("factory/\(name)/temperature"), alarm: "overtemperature"),
                    lifeCycle: .init(condition: .highHigh, isAcknowledged: false), priority: .critical,
                    eventID: String(repeating: "f", count: 32), occurrence: 1 << 50, value: -1.2345678901234567e-300,
                    limit: -1.2345678901234567e-300, since: 1 << 50, epoch: 1 << 60, changedAt: 1 << 50,
                    sampledAt: 1 << 50, revision: 1 << 50)
                record.comment = comment
                record.isUnheard = true
                let proposal = ProposedTransition(transition: .activated, record: record, at: 1 << 50)
                let entry = JournalEntry(proposal, gateway: "gateway-1", owedBy: [.mqtt]).serialized()
                let needed = record.serialized().count + entry.count + record.path.znodePath.utf8.count
                #expect(record.sizeInTransaction >= needed && record.sizeInTransaction < 3 * needed, "\(name)")
            }
        }
    }

    @Test(
        "Members under lifeCycle that this version does not know are kept",
        arguments: [
            ("SHLVD", #"{"acked":true,"note":"x"}"#, #""note":"x""#), ("NORM", #"{"note":"x"}"#, #""note":"x""#),
            ("NORM", #""text""#, #""lifeCycle":"text""#), ("RTNUN", "[1]", #""lifeCycle":[1]"#),
        ])
    func unknownMembersOfLifeCycle(state: String, lifeCycle: String, kept: String) throws {
        let text = """
            {"alarm":"a","tag":"t","state":"\(state)","condition":"normal","priority":"low","eventId":"e",\
            "lifeCycle":\(lifeCycle)}
            """
        let record = try AlarmRecord(parsing: Array(text.utf8))
        #expect(String(decoding: record.serialized(), as: UTF8.self).contains(kept))
        #expect(try AlarmRecord(parsing: record.serialized()) == record)
    }
}
