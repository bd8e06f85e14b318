import JSON
import Testing

@testable import Plant

@Suite("A command's journal entries, byte by byte: other programs read them")
struct CommandEntryTests {
    private typealias Fixture = DeskFixture

    private func texts(_ write: CommandWrite) -> [String] {
        write.journalEntries.map { String(decoding: $0.serialized(), as: UTF8.self) }
    }

    @Test("a withdrawn request: what was asked, who withdrew it, and the end")
    func withdrawn() throws {
        var desk = Fixture.desk()
        _ = desk.brokerAvailable(false, at: 0)
        var request = Fixture.request("a", "start", at: 90)
        request.cancelRequestedBy = Principal(claimed: "bob")
        request.cancelRequestedAt = 95
        let write = try #require(desk.seen(request, shard: 0, czxid: 2_000, version: 1, at: 100).write)
        let subject =
            #""id":"a","device":"factory/line1/press1","command":"start","parameters":{"rpm":700},"attempt":0"#
        #expect(
            texts(write) == [
                #"{"kind":"command","at":90,"gateway":"g1","epoch":1000,"by":"ada","transition":"REQUESTED",\#(subject)}"#,
                #"{"kind":"command","at":95,"gateway":"g1","epoch":1000,"by":"bob","transition":"CANCEL_REQUESTED",\#(subject),"reason":"cancelled","detail":"withdrawn by bob"}"#,
                #"{"kind":"command","at":100,"gateway":"g1","epoch":1000,"by":"ada","transition":"CANCELLED","from":"REQUESTED",\#(subject),"reason":"cancelled","detail":"withdrawn by bob"}"#,
            ])
    }

    @Test("an answered command: from where, why, with which result")
    func answered() {
        var record = Fixture.request("b", "setSpeed")
        record.state = .failed
        record.attempt = 2
        record.reason = .device
        record.detail = "\"hot\""
        record.result = ["id": "b", "status": "error", "level": 1.5]
        record.gateway = "g1"
        record.epoch = 9
        #expect(
            String(decoding: record.journalEntry(from: .sent, at: 50).serialized(), as: UTF8.self)
                == #"{"kind":"command","at":50,"gateway":"g1","epoch":9,"by":"ada","transition":"FAILED","from":"SENT","id":"b","device":"factory/line1/press1","command":"setSpeed","parameters":{"rpm":700},"attempt":2,"reason":"device","detail":"\"hot\"","result":{"id":"b","status":"error","level":1.5}}"#
        )
    }
}
