import JSON
import OrderedCollections
import Testing

@testable import Plant

@Suite("What no route takes, in a gateway's status")
struct UnroutedReportTests {
    private static func record(_ unrouted: UnroutedReport?) -> GatewayStatusRecord {
        GatewayStatusRecord(gateway: "gw1", life: "1", at: 1, broker: "fine", counters: [:], unrouted: unrouted)
    }

    @Test("it is read as it was written; an older gateway says nothing")
    func roundTrip() throws {
        var counts = TopicPrefixCounts()
        for topic in ["a/b/c", "a/b/d", "\u{1B}[2J"] { counts.count(Array(topic.utf8).span) }
        let report = UnroutedReport(observed: [try TopicFilter("#")], counts)
        #expect(report.rows.map(\.topics) == ["a/b/#", "\u{1B}[2J"] && report.rows.map(\.messages) == [2, 1])
        let bytes = Self.record(report).serialized()
        #expect(GatewayStatusRecord(parsing: bytes)?.unrouted == report)
        #expect(GatewayStatusRecord(parsing: Self.record(nil).serialized())?.unrouted == nil)
        #expect(!String(decoding: Self.record(nil).serialized(), as: UTF8.self).contains("unrouted"))
    }

    @Test("what is no report costs only itself")
    func strange() throws {
        for (json, rows) in [
            ("7", nil), ("[]", nil), (#"{"further":"x"}"#, nil), ("{}", []),
            (
                #"{"observed":7,"topics":[{"topics":"a","messages":1},{"topics":2},7,{"topics":"b","messages":-1}]}"#,
                ["a"]
            ),
        ] as [(String, [String]?)] {
            let text = #"{"gateway":"gw1","at":1,"counters":{},"unrouted":\#(json)}"#
            let record = try #require(GatewayStatusRecord(parsing: Array(text.utf8)), "\(json)")
            #expect(record.unrouted?.rows.map(\.topics) == rows, "\(json)")
        }
        let many = JSONValue.array((0..<1_000).map { ["topics": .string("t\($0)"), "messages": 1] })
        #expect(UnroutedReport(json: ["topics": many])?.rows.count == TopicPrefixCounts.limit)
    }

    @Test("what hostile topics make of it stays far below what a node may hold")
    func size() throws {
        var counts = TopicPrefixCounts()
        for number in 0..<1_000 {
            let name = "\(number)/" + String(repeating: "\u{1}", count: TopicPrefixCounts.lengthLimit - 6)
            counts.count(Array(name.utf8).span)
        }
        #expect(counts.rows.count == TopicPrefixCounts.limit)
        #expect(Self.record(UnroutedReport(observed: [], counts)).serialized().count < 100_000)
    }
}
