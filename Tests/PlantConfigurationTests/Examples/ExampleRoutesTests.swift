import Foundation
import JSON
import Plant
import Testing

@testable import PlantConfiguration

/// Each file of `bridge-config/examples` against the messages beside it: a topic and a payload in a line, and below it,
/// indented, what they become.
@Suite("Example routes")
struct ExampleRoutesTests {
    static let names = ["chirpstack", "rtl_433", "shelly", "tasmota", "telegraf", "zigbee2mqtt"]

    private static func text(_ file: String) throws -> String {
        String(decoding: try ExampleConfiguration.bytes("examples/" + file), as: UTF8.self)
    }

    @Test("The messages of each become what stands below them", arguments: names)
    func messages(name: String) throws {
        let reading = PlantDefinition.read([try ExampleConfiguration.document("examples/\(name).yaml")], variables: [:])
        #expect(reading.problems == [])
        let plant = try #require(reading.definition)
        // Long after the times in the messages, and late enough for them to be believed.
        var ingest = Ingest(routes: plant.routes)
        let now: Milliseconds = 1_798_761_600_000
        var message = ""
        var expected: [String] = []
        var count = 0
        func check() {
            guard !message.isEmpty else { return }
            count += 1
            let parts = message.split(separator: " ", maxSplits: 1)
            let (topic, payload) = (Array(parts[0].utf8), Array((parts.count > 1 ? parts[1] : "").utf8))
            var samples: ContiguousArray<Sample> = []
            let outcome = ingest.message(
                topic: topic.span, payload: payload.span, retained: false, receivedAt: now, into: &samples)
            #expect(outcome.flaw == nil, "\(message)")
            var found = samples.map { sample in
                let tag = ingest.tags[sample.tag]
                let time = sample.hasSourceTime ? " at " + Self.time(sample.sourceTime) : ""
                return "\(tag.path) = \(sample.value?.description ?? "bad")\(tag.unit.map { " " + $0 } ?? "")\(time)"
            }
            if case .presence(let isOnline) = outcome.result, let device = outcome.device {
                found.append("device \(ingest.devices[device].path) is \(isOnline ? "online" : "offline")")
            }
            #expect(expected == (found.isEmpty ? ["nothing"] : found), "\(message): \(outcome.result)")
        }
        for line in try Self.text(name + ".messages").split(separator: "\n") {
            if line.hasPrefix("    ") {
                expected.append(String(line.dropFirst(4)))
            } else {
                check()
                (message, expected) = (String(line), [])
            }
        }
        check()
        #expect(count >= 3)
    }

    @Test("All of them together are a configuration too")
    func together() throws {
        let documents = try Self.names.map { try ExampleConfiguration.document("examples/\($0).yaml") }
        let reading = PlantDefinition.read(documents, variables: [:])
        #expect(reading.problems == [])
    }

    @Test("Each is in the list")
    func list() throws {
        let readme = try Self.text("README.md")
        for name in Self.names { #expect(readme.contains("| `\(name).yaml` |")) }
    }

    private static func time(_ time: Milliseconds) -> String {
        let text = Date(timeIntervalSince1970: Double(time / 1000)).formatted(.iso8601)
        guard time % 1000 != 0 else { return text }
        let fraction = String(time % 1000 + 1000).dropFirst()
        return "\(text.dropLast()).\(fraction)Z"
    }
}
