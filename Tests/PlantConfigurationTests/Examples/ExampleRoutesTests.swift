import Plant
import TestFixtures
import Testing

@testable import PlantConfiguration

/// Each file of `bridge-config/examples` against the messages beside it: a topic and a payload in a line, and below it,
/// indented, what they become.
@Suite("Example routes")
struct ExampleRoutesTests {
    @Test("The messages of each become what stands below them", arguments: ExampleFiles.makes)
    func messages(make: String) throws {
        let reading = PlantDefinition.read([try ExampleConfiguration.document("examples/\(make).yaml")], variables: [:])
        #expect(reading.problems == [])
        let plant = try #require(reading.definition)
        // Long after the times in the messages, and late enough for them to be believed.
        var ingest = Ingest(routes: plant.routes)
        let now: Milliseconds = 1_798_761_600_000
        let messages = try ExampleMessage.all(of: make)
        #expect(messages.count >= 3)
        for message in messages {
            let (topic, payload) = (Array(message.topic.utf8), Array(message.payload.utf8))
            var samples: ContiguousArray<Sample> = []
            let outcome = ingest.message(
                topic: topic.span, payload: payload.span, retained: false, receivedAt: now, into: &samples)
            #expect(outcome.flaw == nil, "\(message)")
            var found = samples.map { sample in
                let tag = ingest.tags[sample.tag]
                return ExampleMessage.line(
                    tag: tag.path.text, value: sample.value?.description ?? "bad", unit: tag.unit,
                    time: sample.hasSourceTime ? sample.sourceTime : nil)
            }
            if case .presence(let isOnline) = outcome.result, let device = outcome.device {
                found.append(ExampleMessage.line(device: ingest.devices[device].path.text, isOnline: isOnline))
            }
            #expect(message.outcome == found, "\(message): \(outcome.result)")
        }
    }

    @Test("All of them together are a configuration too")
    func together() throws {
        let documents = try ExampleFiles.makes.map { try ExampleConfiguration.document("examples/\($0).yaml") }
        let reading = PlantDefinition.read(documents, variables: [:])
        #expect(reading.problems == [])
    }

    @Test("Each is in the list")
    func list() throws {
        let readme = try ExampleFiles.text("README.md")
        for make in ExampleFiles.makes { #expect(readme.contains("| `\(make).yaml` |")) }
    }
}
