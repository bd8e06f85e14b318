import JSON
import Plant
import Primitives
import Yams

/// `answer` and `verify` of a command: what tells how it went.
enum CommandOutcomeSection {
    static func readAnswer(_ value: ConfigurationValue) -> CommandAnswerRule? {
        guard let section = value.section(keys: ["topic", "id", "succeeded", "failed", "message"]) else { return nil }
        let topic = section.required("topic", "where the device answers, such as \"{device}/ack\"").flatMap {
            CommandSection.template($0, expected: "a topic such as \"{device}/ack\"")
        }
        let id = section.required("id", "where the answer repeats the command's id, such as /id, or correlation")
            .flatMap(
                readID)
        let succeeded = section.required("succeeded", "what an answer says on success, such as {/status: ok}").flatMap(
            conditions)
        let failed = section["failed"].map(conditions)
        let message = section["message"].map { $0.jsonPointer() }
        guard let topic, let id, let succeeded, failed != .some(nil), message != .some(nil) else { return nil }
        return CommandAnswerRule(
            topic: topic, id: id, succeeded: succeeded, failed: failed ?? nil, message: message ?? nil)
    }

    private static func readID(_ value: ConfigurationValue) -> CommandAnswerRule.Identification? {
        value.node.scalar?.string == "correlation" ? .correlation : value.jsonPointer().map { .place($0) }
    }

    private static func conditions(_ value: ConfigurationValue) -> [CommandAnswerRule.Condition]? {
        guard
            let entries = value.entries(
                of: "JSON Pointers with the values to find there, such as {/status: ok} or {/error: {exists: true}}")
        else {
            return nil
        }
        var conditions: [CommandAnswerRule.Condition] = []
        for (key, value) in entries {
            guard let pointer = key.jsonPointer() else { return nil }
            if value.node.mapping != nil {
                guard
                    let exists = value.section(keys: ["exists"])?.required("exists", "true or false")?.boolean()
                else { return nil }
                conditions.append(.init(pointer: pointer, exists: exists))
            } else {
                guard let wanted = value.json() else { return nil }
                conditions.append(.init(pointer: pointer, value: wanted))
            }
        }
        return conditions
    }

    /// - Parameter writesMetric: whether the command writes a metric of Sparkplug B, which shows it where no tag is named.
    static func readVerification(_ value: ConfigurationValue, writesMetric: Bool) -> CommandVerification? {
        guard let section = value.section(keys: ["tag", "value", "tolerance", "within"]) else { return nil }
        let subject: CommandVerification.Subject?
        if writesMetric, section["tag"] == nil, section["value"] == nil {
            subject = .echo
        } else {
            let tag = section.required("tag", "the tag that shows it, such as \"{device}/state\"").flatMap {
                CommandSection.template($0, expected: "a tag such as \"{device}/state\"")
            }
            let wanted = section.required("value", "what the tag has to show: a value, or a {parameter}").flatMap(
                readWanted)
            subject = if let tag, let wanted { .tag(tag, wanted) } else { nil }
        }
        let tolerance = section["tolerance"].map { $0.number() }
        let within = section["within"].map {
            $0.duration(in: .milliseconds(1) ... .milliseconds(CommandDefinition.timeoutLimit))?.wholeMilliseconds
        }
        guard let subject, tolerance != .some(nil), within != .some(nil) else { return nil }
        return CommandVerification(subject, tolerance: tolerance ?? nil, within: within ?? nil)
    }

    /// A constant, or one whole placeholder.
    static func readWanted(_ value: ConfigurationValue) -> CommandVerification.Wanted? {
        guard let json = value.json() else { return nil }
        guard case .string(let string) = json else { return TagValue(json: json).map { .constant($0) } }
        do throws(CommandText.Mistake) {
            let text = try CommandText(string)
            if let name = text.onlyPlaceholder { return .parameter(name) }
            if let constant = text.constant { return .constant(.text(constant)) }
            value.report("\(value.name) is \"\(string)\"", expected: "a value, or one {parameter} alone")
        } catch {
            value.report("\(value.name): \(error)")
        }
        return nil
    }
}
