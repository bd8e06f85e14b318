import Plant
import PlantClient
import SparkplugB
import Testing

@testable import linekeeper

@Suite("What is shown of Sparkplug B")
struct SparkplugTextTests {
    private static let now: Milliseconds = 1_767_225_600_000

    private static func route() throws -> RouteDefinition {
        try RouteDraft(name: "edges", topic: "spBv1.0/#", payload: .sparkplug).checked()
    }

    private static func payload(_ sequence: UInt64, _ metrics: [SparkplugMetric]) -> [UInt8] {
        SparkplugPayload(timestamp: UInt64(now), sequence: sequence, metrics: metrics).encoded
    }

    private static let birth = payload(
        0, [SparkplugMetric(name: "temperature", alias: 3, type: .float, value: .float(21.5))])
    private static let data = payload(1, [SparkplugMetric(alias: 3, value: .float(22.5))])

    private static func text(_ type: String, _ payload: [UInt8]) throws -> String {
        let trial = MessageTrial(
            topic: "spBv1.0/hall/\(type)/pc", isRetained: false, routes: [try route()], rules: TagRules(), alarms: [])
        return trial.text(trial.steps(payloads: [payload], start: now, interval: 0), routes: [try route()])
    }

    @Test("a birth by its metrics and tags")
    func birthText() throws {
        let text = try Self.text("NBIRTH", Self.birth)
        #expect(
            text.contains(
                "message NBIRTH, number 0, 1 metric\nmetric  temperature, alias 3: Float\ntag     hall/pc/temperature = 21.5"
            ), "\(text)")
    }

    @Test("data alone by the birth that it needs")
    func dataText() throws {
        let text = try Self.text("NDATA", Self.data)
        #expect(text.contains("message NDATA, number 1, 1 metric\nmetric  alias 3: "), "\(text)")
        #expect(text.contains("value   none yet: a birth is needed"), "\(text)")
    }

    @Test("what is no payload by where it breaks off")
    func brokenText() throws {
        let text = try Self.text("NDATA", [0xFF, 0xFF])
        #expect(text.contains("message NDATA, cannot be read as a whole: "), "\(text)")
        #expect(text.contains("value   cannot be read: not a payload of Sparkplug B"), "\(text)")
    }

    @Test("what is heard counts on the births before it, and missing one is no mistake")
    func heard() throws {
        func message(_ type: String, _ payload: [UInt8]) -> BrokerListening.Message {
            BrokerListening.Message(
                topic: Array("spBv1.0/hall/\(type)/pc".utf8), payload: payload, isRetained: false, receivedAt: Self.now)
        }
        var late = try HeardTopics(plant: PlantDefinition(routes: [try Self.route()]))
        #expect(late.take(message("NDATA", Self.data)) == nil)
        #expect(late.isUnderstood && late.messages == 1)
        var heard = try HeardTopics(plant: PlantDefinition(routes: [try Self.route()]))
        #expect(heard.take(message("NBIRTH", Self.birth)) != nil)
        let shown = heard.take(message("NDATA", Self.data))
        #expect(shown?.steps.first?.samples.map(\.tag.text) == ["hall/pc/temperature"])
        #expect(shown?.steps.first?.samples.map(\.sample.value) == [22.5])
        #expect(heard.take(message("NDATA", [0xFF])) != nil)
        #expect(!heard.isUnderstood)
    }

    @Test("bytes are pairs of hexadecimal digits")
    func hex() {
        #expect(HexText.bytes("00 7f Ff") == [0, 127, 255])
        #expect(HexText.bytes("") == [])
        for wrong in ["0", "0g", "0x00", "é0", "００"] { #expect(HexText.bytes(wrong) == nil, "\(wrong)") }
    }
}
