import JSON
import Plant
import Yams

extension ConfigurationValue {
    func topicFilter() -> TopicFilter? {
        let expected = "an MQTT filter such as factory/+/+/temperature or factory/#"
        guard let text = text(expected) else { return nil }
        do throws(TopicFilter.Mistake) {
            return try TopicFilter(text)
        } catch {
            report("\(name) is \"\(text)\": \(error)", expected: expected)
            return nil
        }
    }

    func jsonPointer() -> JSONPointer? {
        let expected = "a JSON Pointer such as /id"
        guard let text = text(expected) else { return nil }
        do throws(JSONPointer.Mistake) {
            return try JSONPointer(text)
        } catch {
            report("\(name) is \"\(text)\": \(error)", expected: expected)
            return nil
        }
    }

    /// A scalar as JSON: what is quoted is text, what is not is a number, true or false when it looks like one.
    func json() -> JSONValue? {
        guard let text = text("a number, true, false or text") else { return nil }
        guard node.scalar?.style == .plain else { return .string(text) }
        switch text {
        case "true": return .bool(true)
        case "false": return .bool(false)
        default:
            if let integer = Int64(text) { return .integer(integer) }
            if let number = Double(text), number.isFinite { return .number(number) }
            return .string(text)
        }
    }
}
