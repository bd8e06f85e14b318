import Plant
import Primitives
import Yams

/// One element of `commands`.
enum CommandSection {
    static let keys = [
        "name", "devices", "topic", "parameters", "payload", "qos", "execution", "timeout", "answer", "verify",
        "interlock", "interlockInputAge",
    ]

    static func read(_ value: ConfigurationValue) -> CommandDefinition? {
        let label = value.place(["name"]).node.scalar?.string
        let value = value.renamed(label.map { "command \"\(ConfigurationValue.label($0))\"" } ?? value.name)
        guard let section = value.section(keys: keys) else { return nil }
        let name = section.required("name", "a name for the command")?.string()
        let devices = section.required("devices", expectedDevices).flatMap(readDevices)
        let topic = section.required("topic", "where it is published, such as \"{device}/cmd/NAME\"").flatMap {
            template($0, expected: "a topic such as \"{device}/cmd/NAME\"")
        }
        let execution = section.required("execution", "idempotent or atMostOnce").flatMap {
            $0.choice(CommandExecution.allCases.map { ($0.rawValue, $0) })
        }
        let timeout =
            section["timeout"].map {
                $0.duration(in: .milliseconds(1) ... .milliseconds(CommandDefinition.timeoutLimit))?.wholeMilliseconds
            } ?? CommandDefinition.defaultTimeout
        let parameters = section["parameters"].map(CommandParameterSection.read) ?? []
        let payload = section["payload"].map(CommandPayloadSection.read) ?? .envelope
        let qos = section["qos"].map { $0.integer(in: 0...1).flatMap(CommandQoS.init(rawValue:)) }
        let answer = section["answer"].flatMap { $0.node.scalar?.string == "none" ? nil : $0 }.map(
            CommandOutcomeSection.readAnswer)
        let verification = readVerification(section["verify"], payload)
        let interlock = section["interlock"].map(readInterlock)
        let inputAge = section["interlockInputAge"].map {
            $0.duration(in: .milliseconds(1) ... .seconds(366 * 86400))?.wholeMilliseconds
        }
        if let value = section["interlockInputAge"], interlock == nil {
            value.warn("\(value.name) has no effect without interlock")
        }
        // A part that was wrong has been reported; a definition without it would be another one.
        guard let name, let devices, let topic, let execution, let timeout, let parameters, let payload,
            qos != .some(nil), answer != .some(nil), verification != .some(nil), interlock != .some(nil),
            inputAge != .some(nil)
        else {
            if let devices, let topic, let mistake = CommandDefinition.mistake(in: topic, for: devices) {
                value.place(mistake.keyPath).report("\(value.name): \(mistake)")
            }
            return nil
        }
        do throws(CommandDefinition.Mistake) {
            let definition = try CommandDefinition(
                name: name, devices: devices, topic: topic, parameters: parameters, payload: payload, qos: qos ?? nil,
                execution: execution, timeout: timeout, answer: answer ?? nil, verification: verification ?? nil,
                interlock: interlock ?? nil, interlockInputAge: inputAge ?? nil)
            warn(of: definition, in: section)
            return definition
        } catch {
            value.place(error.keyPath).report("\(value.name): \(error)")
            return nil
        }
    }

    /// nil: nothing is verified; a value that is nil: what it says is wrong.
    private static func readVerification(
        _ value: ConfigurationValue?, _ payload: CommandPayload?
    ) -> CommandVerification?? {
        // With a payload that was wrong, it may have been a metric.
        let writesMetric = payload.map { if case .metric = $0 { true } else { false } } ?? true
        guard let value else {
            guard writesMetric else { return nil }
            return CommandVerification(.echo)
        }
        if value.node.scalar?.string == "none" { return nil }
        return .some(CommandOutcomeSection.readVerification(value, writesMetric: writesMetric))
    }

    /// Says what is allowed and most likely not meant.
    private static func warn(of definition: CommandDefinition, in section: ConfigurationSection) {
        if let value = section["qos"], definition.qos != .atMostOnce, definition.execution == .atMostOnce,
            !definition.payload.carriesID
        {
            value.warn(
                "\(section.value.name) is to be carried out at most once, and with QoS \(definition.qos.rawValue) a broker may hand it to the device twice, which cannot tell: the payload has no {id}",
                expected: "qos: 0, or {id} in the payload for a device that knows what it has done")
        }
        for parameter in definition.parameters where parameter.words != nil && !definition.sends(parameter.name) {
            section.value.place(["parameters", parameter.name, "map"]).warn(
                "\(section.value.name): the map of parameter \(parameter.name) has no effect, because neither topic nor payload has {\(parameter.name)}"
            )
        }
    }

    private static let expectedDevices = "a filter such as factory/+/+, or a template such as \"tasmota/{name}\""

    private static func readDevices(_ value: ConfigurationValue) -> CommandDevices? {
        guard let text = value.text(expectedDevices) else { return nil }
        do throws(CommandDevices.Mistake) {
            return try CommandDevices(text)
        } catch {
            value.report("\(value.name) is \"\(text)\": \(error)", expected: expectedDevices)
            return nil
        }
    }

    /// A topic or a tag with placeholders.
    static func template(_ value: ConfigurationValue, expected: String) -> DeviceTemplate? {
        guard let text = value.string() else { return nil }
        do throws(DeviceTemplate.Mistake) {
            return try DeviceTemplate(text)
        } catch {
            value.report("\(value.name): \(error)", expected: expected)
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
}
