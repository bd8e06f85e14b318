import JSON
import OrderedCollections
import Plant
import Testing

@testable import PlantClient
@testable import linekeeper

@Suite("What no route takes, as text")
struct UnroutedTextTests {
    private static func status(_ reports: [(name: String, report: UnroutedReport?)]) throws -> PlantStatus {
        var status = PlantStatus()
        for (name, report) in reports {
            let data =
                #"{"gateway":\#(JSONValue.string(name)),"host":"h","pid":1,"version":"1","started":1,"ready":true}"#
            let member = try #require(
                GatewayMember(name: name, data: Array(data.utf8), sessionID: 1, registration: 1), "\(data)")
            let record = GatewayStatusRecord(
                gateway: name, life: nil, at: 1, broker: "", counters: [:], unrouted: report)
            status.gateways.append(
                .init(
                    name: name, data: [:], shards: 0, isProcessor: false, member: member, standsBy: nil,
                    report: (record, 1)))
        }
        return status
    }

    @Test("a row per beginning of topics, and how to observe more where nothing is observed")
    func text() throws {
        let status = try Self.status([
            (
                "gw1",
                UnroutedReport(observed: ["#"], rows: [.init(topics: "tele/plug1/#", messages: 1_234)], further: 5)
            ),
            ("gw2", UnroutedReport(observed: [])), ("gw3", UnroutedReport(observed: ["a/#", "b"])), ("gw4", nil),
        ])
        let text = status.unroutedText
        for part in [
            "gw1         1,234  tele/plug1/#\n", "gw1             5  further ones\n", "gw1 observes #\n",
            "gw2 observes nothing", "mqtt.observe: [\"#\"]", "linekeeper check --listen",
            "gw3 observes a/#, b: no message so far that no route takes\n", "gw4 does not say",
        ] {
            #expect(text.contains(part), "\(part) in:\n\(text)")
        }
        #expect(
            status.unroutedJSON.map(\.description) == [
                ##"{"kind":"observed","gateway":"gw1","filters":["#"]}"##,
                ##"{"kind":"unrouted","gateway":"gw1","topics":"tele/plug1/#","messages":1234}"##,
                #"{"kind":"unrouted","gateway":"gw1","topics":null,"messages":5}"#,
                #"{"kind":"observed","gateway":"gw2","filters":[]}"#,
                ##"{"kind":"observed","gateway":"gw3","filters":["a/#","b"]}"##,
                #"{"kind":"observed","gateway":"gw4","filters":null}"#,
            ])
    }

    @Test("topics do not steer the terminal")
    func hostile() throws {
        let report = UnroutedReport(
            observed: ["\u{1B}[2J"], rows: [.init(topics: "a/\u{1B}]0;x\u{7}\n/\u{202E}", messages: 1)])
        let status = try Self.status([("gw\u{1B}", report)])
        let text = Printable.lines(status.unroutedText)
        #expect(text.contains(#"a/\u001b]0;x\u0007\n/\u202e"#) && text.contains(#"\u001b[2J"#), "\(text)")
        #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && $0 != "\u{202E}" })
        #expect(text.split(separator: "\n").count == 3, "\(text)")
    }
}
