import JSON
import Plant
import Yams

/// `payload` of a command: `none`, or a mapping with `text` or `json`, or with `metric` and `value`.
enum CommandPayloadSection {
    private static let expected = "none, {text: …}, {json: …} or {metric: …, value: …}"

    static func read(_ value: ConfigurationValue) -> CommandPayload? {
        if value.node.scalar != nil {
            guard value.text(expected) == "none" else {
                value.report("\(value.name) is no payload", expected: expected)
                return nil
            }
            return .nothing
        }
        guard let section = value.section(keys: ["text", "json", "metric", "value"]) else { return nil }
        if let value = section["value"], section["metric"] == nil {
            value.report("\(value.name) belongs to a metric", expected: expected)
            return nil
        }
        switch (section["text"], section["json"], section["metric"]) {
        case (let text?, nil, nil): return readText(text)
        case (nil, let json?, nil): return readJSON(json)
        case (nil, nil, let metric?): return readMetric(metric, section)
        default:
            value.report("\(value.name) must have one of text, json and metric", expected: expected)
            return nil
        }
    }

    private static func readMetric(_ value: ConfigurationValue, _ section: ConfigurationSection) -> CommandPayload? {
        let name = CommandSection.template(value, expected: "a metric's name, as its birth has it")
        let wanted = section.required("value", "what is written: a value, or a {parameter}").flatMap(
            CommandOutcomeSection.readWanted)
        guard let name, let wanted else { return nil }
        return .metric(CommandMetric(name: name, value: wanted))
    }

    private static func readText(_ value: ConfigurationValue) -> CommandPayload? {
        guard let text = value.text("text with placeholders, such as \"{state}\"; payload: none sends nothing") else {
            return nil
        }
        do throws(CommandText.Mistake) { return .text(try CommandText(text)) } catch {
            value.report("\(value.name): \(error)")
            return nil
        }
    }

    private static func readJSON(_ value: ConfigurationValue) -> CommandPayload? {
        guard let document = value.jsonDocument() else { return nil }
        do throws(CommandJSON.Mistake) { return .json(try CommandJSON(document)) } catch {
            value.report("\(value.name): \(error)")
            return nil
        }
    }
}
