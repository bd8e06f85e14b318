import Plant
import Primitives
import Yams

/// One element of `commands`.
enum CommandSection {
    static let keys = [
        "name", "devices", "topic", "parameters", "execution", "timeout", "answer", "interlock", "interlockInputAge",
    ]

    static func read(_ value: ConfigurationValue) -> CommandDefinition? {
        let label = value.place(["name"]).node.scalar?.string
        let value = value.renamed(label.map { "command \"\(ConfigurationValue.label($0))\"" } ?? value.name)
        guard let section = value.section(keys: keys) else { return nil }
        let name = section.required("name", "a name for the command")?.string()
        let devices = section.required("devices", "a filter such as factory/+/+").flatMap { $0.topicFilter() }
        let topic = section.required("topic", "where it is published, such as \"{device}/cmd/NAME\"").flatMap {
            deviceTemplate($0, needsDevice: true)
        }
        let execution = section.required("execution", "idempotent or atMostOnce").flatMap {
            $0.choice(CommandExecution.allCases.map { ($0.rawValue, $0) })
        }
        let timeout =
            section["timeout"].map {
                $0.duration(in: .milliseconds(1) ... .milliseconds(CommandDefinition.timeoutLimit))?.wholeMilliseconds
            } ?? CommandDefinition.defaultTimeout
        let parameters = section["parameters"].map(readParameters) ?? []
        let answer = section["answer"].map(readAnswer)
        let interlock = section["interlock"].map(readInterlock)
        let inputAge = section["interlockInputAge"].map {
            $0.duration(in: .milliseconds(1) ... .seconds(366 * 86400))?.wholeMilliseconds
        }
        if let value = section["interlockInputAge"], interlock == nil {
            value.warn("\(value.name) has no effect without interlock")
        }
        // A part that was wrong has been reported; a definition without it would be another one.
        guard let name, let devices, let topic, let execution, let timeout, let parameters, answer != .some(nil),
            interlock != .some(nil), inputAge != .some(nil)
        else { return nil }
        do throws(CommandDefinition.Mistake) {
            return try CommandDefinition(
                name: name, devices: devices, topic: topic, parameters: parameters, execution: execution,
                timeout: timeout, answer: answer ?? nil, interlock: interlock ?? nil, interlockInputAge: inputAge ?? nil
            )
        } catch {
            place(of: error, in: value).report("\(value.name): \(error)")
            return nil
        }
    }

    private static func place(of mistake: CommandDefinition.Mistake, in value: ConfigurationValue) -> ConfigurationValue
    {
        let keyPath: [String] =
            switch mistake {
            case .name: ["name"]
            case .timeout: ["timeout"]
            case .inputAge: ["interlockInputAge"]
            case .parameterTwice(let name), .parameterName(let name), .bounds(let name), .boundsWithoutNumber(let name),
                .noValues(let name), .value(let name, _):
                ["parameters", name]
            case .answerWithoutSuccess: ["answer"]
            }
        return value.place(keyPath)
    }

    private static func deviceTemplate(_ value: ConfigurationValue, needsDevice: Bool) -> DeviceTemplate? {
        guard let text = value.string() else { return nil }
        do throws(DeviceTemplate.Mistake) {
            return try DeviceTemplate(text, needsDevice: needsDevice)
        } catch {
            value.report("\(value.name): \(error)", expected: "a topic such as \"{device}/cmd/NAME\"")
            return nil
        }
    }

    private static func readInterlock(_ value: ConfigurationValue) -> Interlock? {
        guard let text = value.string() else { return nil }
        do throws(Interlock.Mistake) {
            return try Interlock(text)
        } catch {
            value.report(
                "\(value.name): \(error)", expected: "a condition such as \"factory/line1/guard/closed == true\"")
            return nil
        }
    }

    // MARK: Parameters

    private static func readParameters(_ value: ConfigurationValue) -> [CommandParameter]? {
        guard let entries = value.entries(of: "parameter names with their types and limits") else { return nil }
        var parameters: [CommandParameter] = []
        var isComplete = true
        for (key, value) in entries {
            if let name = key.string(), let parameter = readParameter(name, value) {
                parameters.append(parameter)
            } else {
                isComplete = false
            }
        }
        return isComplete ? parameters : nil
    }

    private static func readParameter(_ name: String, _ value: ConfigurationValue) -> CommandParameter? {
        guard
            let section = value.section(keys: ["type", "minimum", "maximum", "unit", "enum", "default", "required"]),
            let kind = section.required("type", "number, integer, bool or text").flatMap({
                $0.choice(CommandParameter.Kind.allCases.map { ($0.rawValue, $0) })
            })
        else { return nil }
        var parameter = CommandParameter(name: name, kind: kind)
        parameter.minimum = section["minimum"]?.number()
        parameter.maximum = section["maximum"]?.number()
        parameter.unit = section["unit"]?.string()
        parameter.values = section["enum"]?.list(of: "allowed values")?.compactMap { $0.json() }
        parameter.defaultValue = section["default"]?.json()
        parameter.isRequired = section["required"]?.boolean() ?? true
        return parameter
    }

    // MARK: Answer

    private static func readAnswer(_ value: ConfigurationValue) -> CommandAnswerRule? {
        guard let section = value.section(keys: ["topic", "id", "succeeded", "failed", "message"]) else { return nil }
        let topic = section.required("topic", "where the device answers, such as \"{device}/ack\"").flatMap {
            deviceTemplate($0, needsDevice: false)
        }
        let id = section.required("id", "where the answer repeats the command's id, such as /id").flatMap {
            $0.jsonPointer()
        }
        let succeeded = section.required("succeeded", "what an answer says on success, such as {/status: ok}").flatMap(
            conditions)
        let failed = section["failed"].map(conditions)
        let message = section["message"].map { $0.jsonPointer() }
        guard let topic, let id, let succeeded, failed != .some(nil), message != .some(nil) else { return nil }
        return CommandAnswerRule(
            topic: topic, id: id, succeeded: succeeded, failed: failed ?? nil, message: message ?? nil)
    }

    private static func conditions(_ value: ConfigurationValue) -> [CommandAnswerRule.Condition]? {
        guard let entries = value.entries(of: "JSON Pointers with the values to find there, such as {/status: ok}")
        else {
            return nil
        }
        var conditions: [CommandAnswerRule.Condition] = []
        for (key, value) in entries {
            guard let pointer = key.jsonPointer(), let wanted = value.json() else { return nil }
            conditions.append(.init(pointer: pointer, value: wanted))
        }
        return conditions
    }
}
