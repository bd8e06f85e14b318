import Plant
import SparkplugB
import Testing

@testable import PlantConfiguration

/// The example whose messages are no text.
@Suite("The example for Sparkplug B")
struct SparkplugExampleTests {
    @Test("Births and data of an edge node and its device become tags")
    func messages() throws {
        let reading = PlantDefinition.read(
            [try ExampleConfiguration.document("examples/sparkplug.yaml")], variables: [:])
        #expect(reading.problems == [])
        let definition = try #require(reading.definition)
        var plant = try LivePlant(routes: definition.routes)
        let now: Milliseconds = 1_798_761_600_000
        var sequence: UInt64 = 0
        func hear(_ type: SparkplugMessageType, device: String? = nil, _ metrics: [SparkplugMetric]) throws {
            let topic = try #require(EdgeTopic.text(type, group: "hall", edge: "press-pc", device: device))
            let payload = SparkplugPayload(timestamp: UInt64(now), sequence: sequence, metrics: metrics)
            sequence += 1
            var effects = LivePlant.Effects()
            plant.messageReceived(
                topic: Array(topic.utf8).span, payload: payload.encoded.span, retained: false, receivedAt: now,
                effects: &effects)
        }
        func value(_ path: String) throws -> TagValue? { plant.value(of: try TagPath(path))?.value }
        try hear(
            .nodeBirth,
            [
                SparkplugMetric(name: "bdSeq", type: .int64, value: .long(0)),
                SparkplugMetric(name: "Properties/Model", type: .string, value: .string("M4")),
            ])
        try hear(
            .deviceBirth, device: "press",
            [
                SparkplugMetric(name: "force", alias: 7, type: .float, value: .float(1.5)),
                SparkplugMetric(name: "running", alias: 8, type: .boolean, value: .bool(true)),
            ])
        #expect(try value("hall/press-pc/Properties/Model") == "M4")
        #expect(try value("hall/press-pc/press/force") == 1.5)
        #expect(try value("hall/press-pc/press/running") == true)
        try hear(.deviceData, device: "press", [SparkplugMetric(alias: 7, value: .float(2.5))])
        #expect(try value("hall/press-pc/press/force") == 2.5)
    }

    @Test("It is in the list")
    func list() throws {
        let readme = String(decoding: try ExampleConfiguration.bytes("examples/README.md"), as: UTF8.self)
        #expect(readme.contains("| `sparkplug.yaml` |"))
    }
}
