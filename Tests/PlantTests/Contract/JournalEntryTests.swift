import JSON
import OrderedCollections
import Testing

@testable import Plant

@Suite("Journal entries")
struct JournalEntryTests {
    @Test("An alarm's entry carries the transition and the alarm after it, and is read back")
    func alarm() throws {
        var book = try AlarmFixture.book(try AlarmFixture.definition(onDelay: 0))
        book.sample(90, at: 1000)
        let proposal = try #require(book.proposals(limit: 1, epoch: 42).first)
        let entry = JournalEntry(proposal, gateway: "gw1", owedBy: [.mqtt])
        #expect(
            String(decoding: entry.serialized(), as: UTF8.self).hasPrefix(
                #"{"kind":"alarm","at":1000,"gateway":"gw1","epoch":42,"transition":"ACT","announced":false,"#
                    + #""deliveries":{"mqtt":{"state":"owed"}},"record":{"alarm":"#))
        let read = try JournalEntry(parsing: entry.serialized())
        #expect(read == entry)
        #expect(try read.alarmTransition() == proposal)
    }

    @Test("An acknowledgement's entry names the person")
    func acknowledgement() throws {
        var book = try AlarmFixture.book(try AlarmFixture.definition(onDelay: 0))
        book.sample(90, at: 1000)
        book.commitAll()
        let path = try AlarmFixture.path()
        let proposal = try book.acknowledge(
            path, eventID: nil, by: Principal(claimed: "ann"), comment: nil, at: 2000, epoch: 1
        ).get()
        let entry = JournalEntry(proposal, gateway: "gw1", owedBy: [.mqtt])
        #expect(entry.by?.name == "ann" && entry.at == 2000 && entry.transition == "ACK")
    }

    @Test("A gateway that was asked to drain, or to stay, says by whom")
    func draining() throws {
        let by = Principal("ann", established: .mailbox)
        let entry = JournalEntry(DrainOrder(gateway: "gw1", comment: "new disk"), at: 5, by: by, gateway: "gw1")
        #expect(
            String(decoding: entry.serialized(), as: UTF8.self)
                == #"{"kind":"operator","at":5,"gateway":"gw1","by":"ann","principal":{"name":"ann","established":"mailbox","verified":false},"transition":"DRAIN","comment":"new disk"}"#
        )
        #expect(try JournalEntry(parsing: entry.serialized()) == entry)
        #expect(try entry.forgotten() == nil && entry.alarmTransition() == nil)
        let undone = JournalEntry(DrainOrder(gateway: "gw1", undo: true), at: 5, by: by, gateway: "gw1")
        #expect(undone.transition == "UNDRAIN" && undone.details.isEmpty)
    }

    @Test("Other kinds, and what we do not know, survive")
    func others() throws {
        let entry = JournalEntry(
            kind: .ownership, at: 5, gateway: "gw1", epoch: 3,
            details: ["what": "alarm-processor", "change": "elected"])
        #expect(try JournalEntry(parsing: entry.serialized()) == entry)
        #expect(try entry.alarmTransition() == nil)
        let text = #"{"kind":"later","at":1,"gateway":"g","by":"ann","transition":"X","x":{"y":1},"record":{"z":null}}"#
        let later = try JournalEntry(parsing: Array(text.utf8))
        #expect(String(decoding: later.serialized(), as: UTF8.self) == text)
    }

    @Test(
        "A broken entry says what is wrong",
        arguments: [
            ("", nil), ("[]", nil), ("{}", "kind"), (#"{"kind":1}"#, "kind"), (#"{"kind":"alarm","at":"x"}"#, "at"),
            (#"{"kind":"alarm","announced":1}"#, "announced"),
            (#"{"kind":"alarm","deliveries":["mqtt"]}"#, "deliveries"),
        ] as [(String, String?)])
    func broken(text: String, member: String?) {
        let mistake = #expect(throws: RecordMistake.self) { try JournalEntry(parsing: Array(text.utf8)) }
        #expect(mistake?.member == member)
    }

    @Test("An alarm's entry with a broken record is an error, one with a transition of later versions is none of ours")
    func brokenRecord() throws {
        let broken = try JournalEntry(parsing: Array(#"{"kind":"alarm","transition":"ACT","record":{}}"#.utf8))
        #expect(throws: RecordMistake.self) { try broken.alarmTransition() }
        let later = try JournalEntry(parsing: Array(#"{"kind":"alarm","transition":"SHELVE","record":{}}"#.utf8))
        #expect(try later.alarmTransition() == nil)
    }
}

@Suite("Journal entries of records that are written again")
struct RestoringEntryTests {
    @Test("Such an entry is no transition, no channel owes it, and it carries the record")
    func restored() throws {
        let record = try AnnouncementFixture.record("press1", 7)
        let entry = try JournalEntry(
            parsing: JournalEntry(restoring: record, at: 9, gateway: "g").serialized())
        #expect(try entry.alarmTransition() == nil)
        #expect(entry.deliveries == Deliveries())
        #expect(try entry.alarmRecord() == record)
    }
}
