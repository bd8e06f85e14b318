import JSON
import Plant
import Testing

@testable import linekeeper

@Suite("Entries of the journal as lines")
struct JournalLineTests {
    private static func line(_ json: String) throws -> String {
        JournalLine.text(try JournalEntry(parsing: Array(json.utf8)))
    }

    private static let record = """
        {"alarm":"high","tag":"a/b/c","state":"ACKED","condition":"high","priority":"medium","eventId":"e","occurrence":1,
         "value":91.5,"limit":80,"since":1,"ackBy":"ann","ackAt":2,"comment":"fan cleaned","epoch":1,"changedAt":1,
         "sampledAt":1,"revision":2}
        """

    @Test("an acknowledgement has its comment, and later transitions do not repeat it")
    func acknowledgement() throws {
        let entry = #"{"kind":"alarm","at":5,"gateway":"gw1","by":"ann","transition":"ACK","record":\#(Self.record)}"#
        let line = try Self.line(entry)
        #expect(line.contains(" by ann: fan cleaned"), "\(line)")
        let returned = try Self.line(entry.replacing(#""ACK""#, with: #""RTN""#))
        #expect(!returned.contains("fan cleaned"), "\(returned)")
    }

    @Test(
        "what was removed has the comment of who wanted it, once",
        arguments: [#""kind":"alarm""#, #""kind":"operator""#])
    func removal(kind: String) throws {
        let entry = """
            {\(kind),"at":5,"gateway":"gw1","by":"ann","transition":"FORGOTTEN","tag":"a/b/c","was":"ACKED",
             "comment":"scrapped","removed":\(Self.record)}
            """
        let line = try Self.line(
            kind.contains("operator") ? entry.replacing(",\"removed\":\(Self.record)", with: "") : entry)
        #expect(line.contains("a/b/c") && line.contains(" by ann: scrapped"), "\(line)")
        #expect(line.split(separator: "scrapped").count == 2, "\(line)")
    }

    @Test("a gateway that was asked to drain stands at the end of the line, as the one that wrote it")
    func drain() throws {
        let line = try Self.line(
            #"{"kind":"operator","at":5,"gateway":"gw1","by":"ann","transition":"DRAIN","comment":"new disk"}"#)
        #expect(line.contains("DRAIN") && line.contains(" by ann: new disk") && line.hasSuffix("gw1"), "\(line)")
    }

    @Test("refused requests have been refused since a time of day")
    func refusals() throws {
        let line = try Self.line(
            #"{"kind":"command","at":5,"gateway":"gw1","by":"ann","transition":"REFUSED","count":3,"since":1796068370172,"reasons":{"clock":3}}"#
        )
        #expect(line.contains("count=3 since=\(ClockText.text(1_796_068_370_172)) "), "\(line)")
    }
}
