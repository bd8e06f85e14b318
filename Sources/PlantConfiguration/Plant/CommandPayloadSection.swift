import JSON
import Plant
import Yams

/// `payload` of a command: `none`, or a mapping with `text` or `json`.
enum CommandPayloadSection {
    private static let expected = "none, {text: …} or {json: …}"

    static func read(_ value: ConfigurationValue) -> CommandPayload? {
        if value.node.scalar != nil {
            guard value.text(expected) == "none" else {
                value.report("\(value.name) is no payload", expected: expected)
                return nil
            }
            return .nothing
        }
        guard let section = value.section(keys: ["text", "json"]) else { return nil }
        switch (section["text"], section["json"]) {
        case (let text?, nil): return readText(text)
        case (nil, let json?): return readJSON(json)
        case (nil, nil), (.some, .some):
            value.report("\(value.name) has neither or both of text and json", expected: expected)
            return nil
        }
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
