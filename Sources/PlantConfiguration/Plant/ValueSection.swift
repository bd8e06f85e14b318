import JSON
import Plant
import Yams

/// `value` of a route, and the entries of `values`: a place, or a mapping that says more.
enum ValueSection {
    static let keys = [
        "at", "unit", "scale", "offset", "suffix", "decimalComma", "map", "default", "except", "quality",
    ]
    private static let place = "a JSON Pointer such as /temperature"

    static func one(_ value: ConfigurationValue) -> RouteDraft.Value? { read(value) }

    /// A place with wildcards stands for an entry that names the tags by what the wildcards stand for.
    static func several(_ value: ConfigurationValue) -> [RouteDraft.Entry<RouteDraft.Value>] {
        if case .scalar = value.node {
            guard
                let text = value.text(
                    "a JSON Pointer with wildcards such as /+, or tag names with the places of their values")
            else { return [] }
            let wildcards = text.split(separator: "/").filter { $0 == "+" || $0 == "#" }
            guard !wildcards.isEmpty else {
                value.report(
                    "\(value.name) is \"\(text)\"",
                    expected:
                        "a place with wildcards such as /+, or a mapping from tag names to places: {temperature: /temp}"
                )
                return []
            }
            return [.init(wildcards.joined(separator: "/"), RouteDraft.Value(at: text))]
        }
        let entries = value.entries(of: "tag names with the places of their values") ?? []
        if value.node.mapping?.isEmpty == true {
            value.report("\(value.name) has no entries", expected: "tag names with the places of their values")
        }
        return entries.compactMap { key, value in
            guard let name = key.text("text"), let draft = read(value) else { return nil }
            return .init(name, draft)
        }
    }

    private static func read(_ value: ConfigurationValue) -> RouteDraft.Value? {
        if case .scalar = value.node { return value.text(place).map { RouteDraft.Value(at: $0) } }
        guard let section = value.section(keys: keys) else { return nil }
        var draft = RouteDraft.Value()
        draft.at = section["at"]?.text(place)
        draft.unit = section["unit"]?.string()
        draft.scale = section["scale"]?.number()
        draft.offset = section["offset"]?.number()
        draft.suffixes = texts(section["suffix"], of: "what follows the number, such as \"°C\"")
        draft.decimalComma = section["decimalComma"]?.boolean() ?? false
        draft.map = section["map"].map(words) ?? []
        draft.fallback = section["default"].flatMap(tagValue)
        draft.quality = section["quality"].flatMap(QualitySection.read)
        draft.except = texts(section["except"], of: "names of tags below the topic")
        return draft
    }

    private static func texts(_ value: ConfigurationValue?, of expected: String) -> [String] {
        guard let value, let list = value.list(of: expected) else { return [] }
        if list.isEmpty { value.report("\(value.name) is empty", expected: expected) }
        return list.compactMap { $0.text(expected) }
    }

    private static func words(_ value: ConfigurationValue) -> [RouteDraft.Entry<TagValue>] {
        let expected = "words of the device with their meanings, such as {ON: true, OFF: false}"
        if value.node.mapping?.isEmpty == true { value.report("\(value.name) has no entries", expected: expected) }
        return (value.entries(of: expected) ?? [])
            .compactMap { key, value in
                guard let word = key.text("a word of the device"), let meaning = tagValue(value) else { return nil }
                return .init(word, meaning)
            }
    }

    private static func tagValue(_ value: ConfigurationValue) -> TagValue? {
        if let scalar = value.node.scalar, scalar.style == .plain,
            ["yes", "no", "on", "off", ".inf", "-.inf", ".nan"].contains(scalar.string.lowercased())
        {
            value.report("\(value.name) is \(scalar.string)", expected: "true or false, a number, or text in quotes")
            return nil
        }
        return value.json().flatMap(TagValue.init(json:))
    }
}
