import JSON
import OrderedCollections
import Plant
import TestFixtures
import Testing

@testable import PlantConfiguration

/// Each `*.commands.yaml` of `bridge-config/examples` against the commands beside it: a device with a command in a line, and
/// below it, indented, what is published, and what tells how it went.
@Suite("Example commands")
struct ExampleCommandsTests {
    static let names = ["chirpstack", "shelly", "sparkplug", "tasmota", "zigbee2mqtt"]

    @Test("What is published is what stands below each", arguments: names)
    func commands(name: String) throws {
        let reading = PlantDefinition.read(
            [
                try ExampleConfiguration.document("examples/\(name).yaml"),
                try ExampleConfiguration.document("examples/\(name).commands.yaml"),
            ], variables: [:])
        #expect(reading.problems == [])
        let catalogue = CommandCatalogue(try #require(reading.definition).commands)
        let stories = try ExampleFiles.text(name + ".commands.messages").split(separator: "\n").reduce(
            into: [[String]]()
        ) {
            if $1.hasPrefix("    ") {
                $0[$0.count - 1].append(String($1.dropFirst(4)))
            } else {
                $0.append([String($1)])
            }
        }
        #expect(stories.count >= 3)
        for story in stories {
            #expect(Array(story.dropFirst()) == (try Self.outcome(story[0], catalogue)), "\(story[0])")
        }
    }

    private static func outcome(_ line: String, _ catalogue: CommandCatalogue) throws -> [String] {
        let words = line.split(separator: " ").map(String.init)
        let device = try TagPath(words[0])
        let definition = try catalogue.definition(of: words[1], for: device)
        let trial: CommandTrial
        do throws(CommandParameter.Mistake) {
            var given: OrderedDictionary<String, JSONValue> = [:]
            for word in words.dropFirst(2) {
                let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
                guard let parameter = definition.parameters.first(where: { $0.name == parts[0] }) else {
                    return ["no parameter \(parts[0])"]
                }
                given[parts[0]] = try parameter.value(fromText: parts[1])
            }
            trial = try CommandTrial(definition, device: device, given: given, id: "c-1", by: "ada", at: 0)
        } catch {
            return ["refused: \(error)"]
        }
        let message = trial.message
        var told = ["QoS \(message.qos.rawValue)", message.answerTopic.map { "answer on \($0)" } ?? "no answer"]
        if let verified = message.verified { told.append("verified by \(verified.tag) = \(verified.value)") }
        if definition.verification?.subject == .echo { told.append("verified by its echo") }
        let content =
            message.metric.map { "\($0.address.name) = \($0.value)" }
            ?? String(decoding: message.payload, as: UTF8.self)
        return ["\(message.topic) \(content)", told.joined(separator: ", ")]
    }

    @Test("All of them together are a configuration too")
    func together() throws {
        // An edge node could have the name of any device: its route needs a beginning of its own beside others.
        let documents = try Self.names.filter { $0 != "sparkplug" }.flatMap {
            [
                try ExampleConfiguration.document("examples/\($0).yaml"),
                try ExampleConfiguration.document("examples/\($0).commands.yaml"),
            ]
        }
        let reading = PlantDefinition.read(documents, variables: [:])
        #expect(reading.problems == [])
    }

    @Test("Each is in the list")
    func list() throws {
        let readme = try ExampleFiles.text("README.md")
        for name in Self.names { #expect(readme.contains("| `\(name).commands.yaml` |")) }
    }
}
