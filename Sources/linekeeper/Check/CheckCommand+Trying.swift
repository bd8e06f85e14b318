import JSON
import OrderedCollections
import Plant
import PlantClient
import PlantConfiguration
import Primitives

extension CheckCommand {
    /// Prints what a command would publish, and what would tell how it went. Nothing is sent.
    func tryCommand(_ name: String, _ device: String, _ plant: PlantDefinition) throws {
        let path: TagPath
        do throws(RecordMistake) { path = try CommandRecord.device(device) } catch {
            throw CommandFailure(.no, "\"\(printable(device))\" cannot be a device: \(error.text)")
        }
        let definition = try CommandArguments.definition(of: name, for: path, in: plant)
        let given = try CommandArguments.values(parameters, definition)
        let trial: CommandTrial
        do throws(CommandParameter.Mistake) {
            trial = try CommandTrial(definition, device: path, given: given, by: Person.current, at: WallClock.now())
        } catch {
            throw CommandFailure(.no, "\(error)")
        }
        if output.json { Terminal.line("\(trial.json)") } else { Terminal.write(trial.text) }
    }
}

extension CommandTrial {
    /// What a person gets to see.
    var text: String {
        var lines = [
            "command \(printable(definition.name)) of \(printable(device.text)): \(definition.execution.rawValue), within \(HumanText.span(definition.timeout))",
            "topic   \(printable(message.topic)), QoS \(message.qos.rawValue)",
            content, "answer  " + (message.answerTopic.map { "on \(printable($0))" } ?? "none"),
        ]
        let within = definition.verification?.within.map { ", within \(HumanText.span($0))" } ?? ""
        let tolerance = definition.verification?.tolerance.map { " ± \(HumanText.number($0))" } ?? ""
        if let verified = message.verified {
            lines.append("verify  \(printable("\(verified.tag) = \(verified.value)"))\(tolerance)\(within)")
        } else if isEchoed {
            lines.append("verify  the metric's own tag shows what was sent\(tolerance)\(within)")
        } else if message.answerTopic == nil {
            lines.append("        its end is PUBLISHED: nothing tells whether it was carried out")
        }
        if let interlock = definition.interlock { lines.append("if      \(printable(interlock.text))") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Whether the metric that it writes verifies it.
    private var isEchoed: Bool { definition.verification?.subject == .echo }

    /// What the message says.
    private var content: String {
        if let metric = message.metric {
            return
                "metric  \(printable("\(metric.address.name) = \(metric.value.json)")), of the type that its birth says; without a birth it waits for one"
        }
        return "payload "
            + (message.payload.isEmpty ? "none" : printable(String(decoding: message.payload, as: UTF8.self)))
    }

    /// The same for programs.
    var json: JSONValue {
        let verify: JSONValue =
            message.verified.map { ["tag": .string($0.tag), "value": $0.value.json] } ?? (isEchoed ? "echo" : .null)
        let metric: JSONValue =
            message.metric.map { ["name": .string($0.address.name), "value": $0.value.json] } ?? .null
        return [
            "command": .string(definition.name), "device": .string(device.text), "topic": .string(message.topic),
            "payload": message.metric == nil
                ? .string(String(decoding: message.payload, as: UTF8.self)) : .null, "metric": metric,
            "qos": .integer(Int64(message.qos.rawValue)), "answer": message.answerTopic.map(JSONValue.string) ?? .null,
            "verify": verify,
        ]
    }
}
