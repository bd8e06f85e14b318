import JSON
import OrderedCollections
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

    /// A whole document as JSON, its scalars as in ``json()``.
    func jsonDocument(depth: Int = 0) -> JSONValue? {
        // What is deeper is no template; this bounds the recursion.
        guard depth <= CommandJSON.depthLimit else {
            report("\(name) lies deeper than \(CommandJSON.depthLimit) levels")
            return nil
        }
        if let scalar = node.scalar {
            if scalar.style == .plain, ["", "~", "null", "Null", "NULL"].contains(scalar.string) { return .null }
            return scalar.string.isEmpty ? .string("") : json()
        }
        if node.sequence != nil {
            guard let elements = list(of: "values") else { return nil }
            var array: [JSONValue] = []
            for element in elements {
                guard let element = element.jsonDocument(depth: depth + 1) else { return nil }
                array.append(element)
            }
            return .array(array)
        }
        guard let entries = entries(of: "members with their values") else { return nil }
        var object = OrderedDictionary<String, JSONValue>()
        for (key, value) in entries {
            guard let name = key.string(), let value = value.jsonDocument(depth: depth + 1) else { return nil }
            object[name] = value
        }
        return .object(object)
    }
}
